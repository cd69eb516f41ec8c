"""Jobs that end before their sweep does: requeued, preempted, without their head."""

from __future__ import annotations

from tests.cluster.lab import Lab, assert_completes, begun, goes_on

BOTH = ("node1", "node2")


def test_a_job_that_slurm_requeues_or_preempts_goes_on(lab: Lab) -> None:
    job = begun(lab, "requeue")
    lab.call("scontrol", "requeue", job.number)
    job.requeued(1)
    goes_on(job, *BOTH)
    urgent = ("--partition=urgent", "--nodes=3", "--exclusive", "--time=1", "--output=/dev/null")
    lab.call("sbatch", *urgent, "--wrap=sleep 2")
    job.requeued(2)
    assert_completes(job, 12)
    assert job.restarts == 2


def test_a_job_goes_on_when_its_head_dies_or_its_own_node_loses_its_power(lab: Lab) -> None:
    job = begun(lab, "head", count=16)
    lab.node("exec", "node1", "pkill", "-KILL", "-x", "gcs_server")
    job.requeued(1)
    goes_on(job, *BOTH)
    lab.node("exec", "node1", "pkill", "-KILL", "-x", "gcs_server")
    lab.node(
        "exec", "node1", "pkill", "-KILL", "-f", "hpo/__main__.py run"
    )  # before Ray tells that its head is dead
    job.requeued(2)
    goes_on(job, *BOTH)
    assert list(job.run.glob("slurm/*/node1.ray/*"))  # Ray's logs of the attempts that failed
    assert "the node of the job's script is lost: requeue" not in job.output
    lab.node("off", "node1")
    job.requeued(3)
    lab.node("boot", "node1")
    assert_completes(job, 16)
    assert "the node of the job's script is lost: requeue" in job.output
