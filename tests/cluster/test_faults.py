"""What costs a job nothing: a worker that comes late, daemons that come and go, a short partition."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.cluster.lab import BRIEF, TWO, Job, Lab, assert_completes, goes_on, hold, slowed, sweep_in, tidy

BOTH = ("node1", "node2")


@pytest.fixture(scope="module")
def job(cluster: Lab) -> Iterator[Job]:
    """A job whose second node was slow to answer Slurm, and then to begin; in the end it completes."""
    with tidy(cluster), slowed(cluster, "start-worker.sh", "while [ -e late ]; do sleep 0.1; done"):
        folder = sweep_in(cluster, "faults")
        hold(folder)
        (folder / "late").touch()
        cluster.node("exec", "node2", "pkill", "-STOP", "-x", "slurmd")
        try:
            words = (*BRIEF, "--count", "24")
            job = cluster.submit(folder, *words, sbatch=TWO)
            job.until(lambda: "Task launch" in job.output)
        finally:
            cluster.node("exec", "node2", "pkill", "-CONT", "-x", "slurmd")
        job.until(lambda: job.nodes() == {"node1"})
        (folder / "late").unlink()
        job.until(lambda: job.nodes() == set(BOTH))
        yield job
        assert_completes(job, 24)
        assert job.restarts == 0
        assert not job.events("requeue")


def test_a_late_worker_that_was_slow_to_answer_slurm_takes_part(job: Job) -> None:
    goes_on(job, *BOTH)
    first = {event["node"]: event["trial"] for event in reversed(job.events("start"))}
    assert first["node2"] > first["node1"]


def test_slurmd_may_come_and_go(job: Job) -> None:
    job.lab.node("stop-slurmd", "node2")
    goes_on(job, *BOTH)
    job.lab.node("start-slurmd", "node2")
    goes_on(job, *BOTH)
    assert job.restarts == 0


def test_slurmctld_may_come_and_go(job: Job) -> None:
    job.lab.restart_controller()
    goes_on(job, *BOTH)
    assert job.restarts == 0


def test_a_short_partition_costs_nothing(job: Job) -> None:
    job.lab.node("cut", "node2")
    time.sleep(10)
    job.lab.node("heal", "node2")
    goes_on(job, *BOTH)
    assert not job.events("requeue")
