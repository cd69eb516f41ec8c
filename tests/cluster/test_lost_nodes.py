"""What happens to jobs whose workers are lost: power, long partitions."""

from __future__ import annotations

from functools import partial

from tests.cluster.lab import BRIEF, NODE, THREE, Job, Lab, assert_completes, begun, sweep_in, until

IMPATIENT = {"RAY_health_check_period_ms": "1000", "RAY_health_check_timeout_ms": "4000"}
"""Ray gives a node up that has not answered for half a minute, not for more than a whole one."""


def lost(job: Job) -> set[str]:
    """The nodes whose trials have been lost with them."""
    where: dict[int, str] = {}
    found = set()
    for event in job.events():
        if event["event"] == "start":
            where[event["trial"]] = event["node"]
        if event["event"] == "requeue":
            found.add(where[event["trial"]])
    return found


def test_workers_that_are_cut_off_for_long_or_lose_their_power_cost_no_trial(lab: Lab) -> None:
    job = begun(lab, "off", count=16, sbatch=THREE, **IMPATIENT)
    lab.node("cut", "node2")
    lab.node("off", "node3")
    job.until(lambda: lost(job) >= {"node2", "node3"})
    job.until(lambda: job.about()["NodeList"] == "node1")  # for Slurm too they are lost
    lab.node("heal", "node2")
    lab.node("boot", "node3")
    assert_completes(job, 16)
    assert job.restarts == 0
    assert_next_job_sweeps(lab)


def assert_next_job_sweeps(lab: Lab) -> None:
    """Slurm kills what ran on a lost node, whose files stay: the user's next job there removes them."""
    until(lab.ready, 300, "the lost nodes are back")
    kept = until(partial(only_files, lab), 60, "processes have ended")
    assert "node3: /tmp/hpo-" in kept
    nodes = ("--nodes=2", "--nodelist=node2,node3", *NODE)
    after = lab.submit(sweep_in(lab, "after"), *BRIEF, "--count", "1", "--min-nodes", "2", sbatch=nodes)
    assert_completes(after, 1)
    assert lab.left() == ""


def only_files(lab: Lab) -> str:
    """What is left on nodes, where that is temporary files and no process."""
    left = lab.left(seconds=0)
    return left if all(": /tmp/hpo-" in line for line in left.splitlines()) else ""
