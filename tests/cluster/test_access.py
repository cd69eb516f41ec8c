"""Who may talk to a job: nobody without its token, on any port, and nobody reads it; what its end leaves."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.cluster.lab import BRIEF, HERE, TWO, Job, Lab, assert_completes, begun, slowed, tidy, until

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


@dataclass(frozen=True)
class Running:
    lab: Lab
    job: Job
    ports: Mapping[str, set[int]]
    """Of each node, those that are the job's own."""

    @property
    def token(self) -> Path:
        (file,) = self.job.run.glob("slurm/*/token")
        return file


@pytest.fixture(scope="module")
def running(cluster: Lab) -> Iterator[Running]:
    """A job on two nodes; the last test ends it."""
    with tidy(cluster):
        before = {node: listening(cluster, node) for node in cluster.nodes}
        job = begun(cluster, "access")
        yield Running(cluster, job, {node: listening(cluster, node) - before[node] for node in cluster.nodes})


def test_no_port_answers_without_the_token(running: Running) -> None:
    lab, token = running.lab, running.token.read_text()
    for node, source in (("node1", "node2"), ("node2", "node3")):
        ports = running.ports[node]
        assert ports
        for wrong in ("-", "0" * len(token)):
            found = calls(lab, source, node, wrong, ports)
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
        right = calls(lab, source, node, token, ports, "--read")
        assert "OK" in {said for each in right.values() for said in each.values()}, right


def test_the_token_is_nobody_elses(running: Running) -> None:
    lab, file = running.lab, running.token
    token = file.read_text()
    assert len(token) == 64
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    show = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'"
    for node in ("node1", "node2"):
        shown = lab.node("exec", node, "sh", "-c", show)
        assert "hpo.trial.supervisor" in shown
        assert token not in shown
    assert token not in running.job.output


def test_scancel_ends_all_and_the_run_can_go_on_with_workers_that_wait_for_a_late_head(
    running: Running,
) -> None:
    lab, job = running.lab, running.job
    job.cancel()
    assert job.ended() == "CANCELLED"
    until(lab.ready, 300, "the nodes are free")
    assert lab.left() == ""
    assert not list(job.run.glob("slurm/*/token"))
    late, seen = job.cwd / "late", len(job.events())
    late.touch()
    words = (*BRIEF, "--count", "12", "--out", str(job.run))
    with slowed(lab, "start-head.sh", "while [ -e late ]; do sleep 0.1; done"):
        again = replace(lab.submit(job.cwd, *words, sbatch=TWO), out=job.run)
        again.until(lambda: list(job.run.glob(f"slurm/{again.number}.*/node2.up")))
        assert not list(job.run.glob(f"slurm/{again.number}.*/node1.up"))
        late.unlink()
        again.until(
            lambda: {e["node"] for e in job.events()[seen:] if e["event"] == "start"} == {"node1", "node2"}
        )
    assert_completes(again, 12)
