"""Who may talk to a job: nobody without its token, on any port, and nobody reads it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from tests.cluster.lab import HERE, THREE, Job, Lab, sweep_in

CLOSED = {
    "UNAUTHENTICATED",
    "UNIMPLEMENTED",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "INTERNAL",
    "UNKNOWN",
    "refused",
}
"""What a call without the token may come to; UNIMPLEMENTED: another service's port."""


def listening(lab: Lab, node: str) -> set[int]:
    """All ports on which something listens there, by /proc/net/tcp."""
    lines = lab.node("exec", node, "cat", "/proc/net/tcp", "/proc/net/tcp6").splitlines()
    fields = [line.split() for line in lines]
    return {int(each[1].rpartition(":")[2], 16) for each in fields if each[3] == "0A"}


def calls(
    lab: Lab, source: str, target: str, token: str, ports: set[int], *options: str
) -> dict[str, dict[str, str]]:
    host = f"{lab.nets[0]}.{target.removeprefix('node')}"
    command = (sys.executable, str(HERE / "intruder.py"), *options, host, token, *map(str, sorted(ports)))
    found: dict[str, dict[str, str]] = json.loads(lab.node("exec", source, *command))
    return found


def running(lab: Lab) -> tuple[Job, Path, dict[str, set[int]]]:
    """A job on all nodes, its token's file, and the ports that are its own."""
    before = {node: listening(lab, node) for node in lab.nodes}
    told = ("sweep.yaml", "--count", "5000", "--min-nodes", "3")
    job = lab.submit(sweep_in(lab, "access"), *told, sbatch=THREE)
    job.until(lambda: len(job.nodes()) == 3)
    ports = {node: listening(lab, node) - before[node] for node in lab.nodes}
    (token,) = job.run.glob("slurm/*/token")
    return job, token, ports


def test_no_port_answers_without_the_token(lab: Lab) -> None:
    job, file, ports = running(lab)
    token = file.read_text()
    others = {"node1": "node2", "node2": "node3", "node3": "node1"}
    for node, source in others.items():
        assert ports[node]
        for wrong in ("-", "0" * len(token)):
            found = calls(lab, source, node, wrong, ports[node])
            open_ = {
                (port, call): said
                for port, said_of in found.items()
                for call, said in said_of.items()
                if call != "http" and said not in CLOSED
            }
            assert open_ == {}, f"{node}, token {wrong[:1]}"
            https = {port: said["http"] for port, said in found.items() if said.get("http", "").isdigit()}
            assert set(https.values()) <= {"401", "403", "404", "405"}, https
            refused = Counter(said for each in found.values() for said in each.values())
            assert refused["UNAUTHENTICATED"] >= 3, found  # the question was understood
        right = calls(lab, source, node, token, ports[node], "--read")
        assert "OK" in {said for each in right.values() for said in each.values()}, right
    job.cancel()


def test_the_token_is_nobody_elses(lab: Lab) -> None:
    job, file, _ = running(lab)
    token = file.read_text()
    assert len(token) == 64
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    for node in lab.nodes:
        told = lab.node(
            "exec",
            node,
            "sh",
            "-c",
            "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'",
        )
        assert "hpo.trial.supervisor" in told
        assert token not in told
    assert token not in job.output
    job.cancel()
