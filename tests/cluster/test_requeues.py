"""Jobs that end before their sweep does: cancelled, out of time, preempted, without their head."""

from __future__ import annotations

import pytest

from tests.cluster.lab import (
    THREE,
    Job,
    Lab,
    assert_completes,
    begun,
    sweep_in,
    trials_of,
    until,
)


def test_scancel_ends_all_and_the_run_can_go_on(lab: Lab) -> None:
    job = begun(lab, "scancel")
    job.cancel()
    assert job.ended() == "CANCELLED"
    until(lab.ready, 60, "the nodes are free")
    assert lab.left() == ""
    assert not list(job.run.glob("slurm/*/token"))
    told = ("sweep.yaml", "--count", "40", "--out", str(job.run))
    again = lab.submit(job.cwd, *told, sbatch=THREE)
    assert_completes(Job(lab, again.number, job.cwd, out=job.run), 40)


def test_the_time_limit_ends_a_sweep_without_a_count_and_all_trials_of_one_with_a_count_come(
    lab: Lab,
) -> None:
    told = ("sweep.yaml", "--count", "10", "--set", "parameters.seconds.value=25")
    limit = ("--nodes=1", "--cpus-per-task=2", "--gpus-per-node=2", "--time=2", "--signal=B:USR1@60")
    job = lab.submit(sweep_in(lab, "limit"), *told, sbatch=limit, HPO_WARNING="60")
    endless = lab.submit(sweep_in(lab, "no-count"), "sweep.yaml", sbatch=limit, HPO_WARNING="60")
    assert endless.ended() == "COMPLETED", endless.output
    assert endless.restarts == 0
    assert endless.events("done")[-1]["state"] == "budget"
    assert_completes(job, 10, 900)
    assert job.restarts >= 2
    trials = trials_of(job)
    assert max(trial["from"] for trial in trials) > 0  # it had saved its state when it was told to end
    assert sum(trial["to"] - trial["from"] for trial in trials) == 10 * 250


def test_requeues_are_bounded(lab: Lab) -> None:
    job = begun(lab, "bounded", "--max-requeues", "0", nodes=1, seconds=5)
    lab.call("scancel", "--batch", "--signal=USR1", job.number)
    assert job.ended() == "FAILED"
    assert job.about()["ExitCode"] == "75:0"
    assert f"--out {job.run.relative_to(job.cwd)}" in job.output


@pytest.mark.parametrize("how", ["requeue", "preemption"])
def test_a_job_that_slurm_requeues_goes_on(lab: Lab, how: str) -> None:
    job = begun(lab, how)
    if how == "requeue":
        lab.call("scontrol", "requeue", job.number)
    else:
        urgent = (
            "--partition=urgent",
            "--nodes=3",
            "--exclusive",
            "--time=1",
            "--wrap=sleep 5",
            "--output=/dev/null",
        )
        lab.call("sbatch", *urgent)
    until(lambda: job.restarts == 1, 60, "it is requeued")
    assert_completes(job, 40)


def test_tasks_of_an_array_are_runs_of_their_own(lab: Lab) -> None:
    one = (
        "--array=1-2",
        "--nodes=1",
        "--cpus-per-task=1",
        "--gpus-per-node=1",
        "--time=5",
        "--output=slurm-%A_%a.out",
    )
    folder = sweep_in(lab, "array")
    job = lab.submit(folder, "sweep.yaml", "--count", "4", "--out", "runs/all", sbatch=one)
    for task in (1, 2):
        assert_completes(Job(lab, f"{job.number}_{task}", folder, out=folder / f"runs/all-{task}"), 4)


def test_the_job_goes_on_when_its_own_node_loses_its_power(lab: Lab) -> None:
    job = begun(lab, "head-off", count=60)
    lab.node("off", "node1")
    until(lambda: job.restarts == 1, 240, job.output)
    lab.node("boot", "node1")
    assert_completes(job, 60)
    assert "the node of the job's script is lost: requeue" in job.output


def test_a_dead_head_ends_the_driver_and_requeues_whoever_dies_first(lab: Lab) -> None:
    job = begun(lab, "gcs")
    lab.node("exec", "node1", "pkill", "-KILL", "-x", "gcs_server")
    until(lambda: job.restarts == 1, 240, "the job is requeued")
    finished = len(job.events("end"))
    job.until(lambda: len(job.events("end")) > finished)
    lab.node("exec", "node1", "pkill", "-KILL", "-x", "gcs_server")
    lab.node("exec", "node1", "pkill", "-KILL", "-f", "hpo run")  # before Ray tells that its head is dead
    until(lambda: job.restarts == 2, 240, "the job is requeued again")
    assert_completes(job, 40)
    assert list(job.run.glob("slurm/*/node1.ray/*"))  # Ray's logs of the attempt that failed
