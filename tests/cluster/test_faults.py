"""What happens to jobs whose nodes fail or come late: lost power, partitions, daemons, full disks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.lab import NODE, THREE, Lab, assert_completes, begun, held, sweep_in, until


@contextmanager
def slowed(lab: Lab, script: str, line: str) -> Iterator[None]:
    """One of the scripts does something else first."""
    path = lab.scripts / script
    text = path.read_text()
    path.write_text(text.replace("set -u\n", f"set -u\n{line}\n", 1))
    try:
        yield
    finally:
        path.write_text(text)


def sweep_up(lab: Lab, node: str) -> None:
    """A node that has lost its power has kept its files: the user's next job there removes them."""
    until(lambda: lab.ready(), 120, f"{node} is back")
    assert f"{node}: /tmp/hpo-" in lab.left(seconds=0)
    job = lab.submit(
        sweep_in(lab, f"after-{node}"), "sweep.yaml", "--count", "1", sbatch=(f"--nodelist={node}", *NODE)
    )
    assert_completes(job, 1)


def test_a_worker_that_loses_its_power_costs_no_trial(lab: Lab) -> None:
    job = begun(lab, "off", count=60)
    lab.node("off", "node3")
    until(lambda: len(job.events("requeue")) > 0, 150, job.output)
    lab.node("boot", "node3")
    assert_completes(job, 60)
    assert job.restarts == 0
    sweep_up(lab, "node3")


def test_a_short_partition_costs_nothing(lab: Lab) -> None:
    job = begun(lab, "cut")
    lab.node("cut", "node3")
    time.sleep(10)
    lab.node("heal", "node3")
    assert_completes(job, 40)
    assert not job.events("requeue")


def test_a_long_partition_costs_no_trial(lab: Lab) -> None:
    job = begun(lab, "cut-long", count=60)
    lab.node("cut", "node3")
    until(lambda: len(job.events("requeue")) > 0, 150, job.output)
    lab.node("heal", "node3")
    assert_completes(job, 60)


def test_a_late_worker_takes_part(lab: Lab) -> None:
    folder = sweep_in(lab, "late")
    with slowed(lab, "start-worker.sh", '[ "$SLURMD_NODENAME" != node3 ] || sleep 20'):
        with held(folder):
            job = lab.submit(folder, "sweep.yaml", "--count", "24", sbatch=THREE)
            job.until(lambda: len(job.nodes()) == 3)
        assert_completes(job, 24)
    first = {event["node"]: event["trial"] for event in reversed(job.events("start"))}
    assert first["node3"] > max(first["node1"], first["node2"])


def test_a_node_that_is_slow_to_answer_slurm_takes_part(lab: Lab) -> None:
    folder = sweep_in(lab, "slow")
    lab.node("exec", "node3", "pkill", "-STOP", "-x", "slurmd")
    with held(folder):
        try:
            job = lab.submit(folder, "sweep.yaml", "--count", "24", sbatch=THREE)
            job.until(lambda: "Task launch" in job.output)
        finally:
            lab.node("exec", "node3", "pkill", "-CONT", "-x", "slurmd")
        job.until(lambda: len(job.nodes()) == 3)
    assert_completes(job, 24)


def test_workers_wait_for_a_late_head(lab: Lab) -> None:
    folder = sweep_in(lab, "late-head")
    with slowed(lab, "start-head.sh", "sleep 20"):
        with held(folder):
            job = lab.submit(folder, "sweep.yaml", "--count", "24", sbatch=THREE)
            job.until(lambda: len(job.nodes()) == 3)
        assert_completes(job, 24)


@pytest.mark.parametrize("daemon", ["slurmd", "slurmctld"])
def test_daemons_of_slurm_may_come_and_go(lab: Lab, daemon: str) -> None:
    job = begun(lab, daemon)
    if daemon == "slurmd":
        lab.node("stop-slurmd", "node2")
        time.sleep(3)
        lab.node("start-slurmd", "node2")
    else:
        lab.restart_controller()
    assert_completes(job, 40)
    assert job.restarts == 0


def test_a_full_temporary_directory_is_told_or_survived(lab: Lab) -> None:
    for node in lab.nodes:
        lab.node("exec", node, "mkdir", "-pm", "1777", "/run/t")
    told = ("sweep.yaml", "--count", "40")
    job = lab.submit(sweep_in(lab, "full"), *told, sbatch=THREE, HPO_TMPDIR="/run/t")
    job.until(lambda: len(job.events("end")) >= 3)
    lab.node("exec", "node3", "sh", "-c", "cat /dev/zero >/run/fill; true")
    try:
        assert_completes(job, 40)
    finally:
        lab.node("exec", "node3", "rm", "-f", "/run/fill")
    assert lab.node("exec", "node3", "ls", "/run/t") == ""
