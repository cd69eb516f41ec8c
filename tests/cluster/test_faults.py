"""What happens to jobs on a real cluster: time limits, lost nodes, partitions, late starters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.lab import Job, Lab, assert_whole, sweep_in, trials_of, until

NODE = ("--cpus-per-task=2", "--gpus-per-node=2", "--time=10")
THREE = ("--nodes=3", *NODE)


def begun(lab: Lab, name: str, *words: str, seconds: float = 2, count: int = 40, nodes: int = 3) -> Job:
    """A job that has all its nodes and has finished some trials."""
    told = ("sweep.yaml", "--count", str(count), "--set", f"parameters.seconds.value={seconds}", *words)
    job = lab.submit(sweep_in(lab, name), *told, sbatch=(f"--nodes={nodes}", *NODE))
    job.until(lambda: len({event["node"] for event in job.events("start")}) == nodes)
    job.until(lambda: len(job.events("end")) >= nodes)
    return job


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


def completes(job: Job, count: int, seconds: float = 400) -> None:
    assert job.ended(seconds) == "COMPLETED", job.output
    assert_whole(job, count)


def restarts(job: Job) -> int:
    return int(job.about()["Restarts"])


def sweep_up(lab: Lab, node: str) -> None:
    """A node that has lost its power has kept its files: the user's next job there removes them."""
    until(lambda: lab.ready(), 120, f"{node} is back")
    assert f"{node}: /tmp/hpo-" in lab.left(seconds=0)
    job = lab.submit(
        sweep_in(lab, f"after-{node}"), "sweep.yaml", "--count", "1", sbatch=(f"--nodelist={node}", *NODE)
    )
    completes(job, 1)


def test_scancel_ends_all_and_the_run_can_go_on(lab: Lab) -> None:
    job = begun(lab, "scancel")
    job.cancel()
    assert job.ended() == "CANCELLED"
    until(lab.ready, 60, "the nodes are free")
    assert lab.left() == ""
    assert not list(job.run.glob("slurm/*/token"))
    told = ("sweep.yaml", "--count", "40", "--out", str(job.run))
    again = lab.submit(job.cwd, *told, sbatch=THREE)
    completes(Job(lab, again.number, job.cwd, out=job.run), 40)


def test_the_time_limit_ends_a_sweep_without_a_count_and_all_trials_of_one_with_a_count_come(
    lab: Lab,
) -> None:
    told = ("sweep.yaml", "--count", "10", "--set", "parameters.seconds.value=25")
    limit = ("--nodes=1", "--cpus-per-task=2", "--gpus-per-node=2", "--time=2", "--signal=B:USR1@60")
    job = lab.submit(sweep_in(lab, "limit"), *told, sbatch=limit, HPO_WARNING="60")
    endless = lab.submit(sweep_in(lab, "no-count"), "sweep.yaml", sbatch=limit, HPO_WARNING="60")
    assert endless.ended() == "COMPLETED", endless.output
    assert restarts(endless) == 0
    assert endless.events("done")[-1]["state"] == "budget"
    completes(job, 10, 900)
    assert restarts(job) >= 2
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
    until(lambda: restarts(job) == 1, 60, "it is requeued")
    completes(job, 40)


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
        completes(Job(lab, f"{job.number}_{task}", folder, out=folder / f"runs/all-{task}"), 4)


def test_a_worker_that_loses_its_power_costs_no_trial(lab: Lab) -> None:
    job = begun(lab, "off", count=60)
    lab.node("off", "node3")
    until(lambda: len(job.events("requeue")) > 0, 150, job.output)
    lab.node("boot", "node3")
    completes(job, 60)
    assert restarts(job) == 0
    sweep_up(lab, "node3")


def test_the_job_goes_on_when_its_own_node_loses_its_power(lab: Lab) -> None:
    job = begun(lab, "head-off", count=60)
    lab.node("off", "node1")
    until(lambda: restarts(job) == 1, 240, job.output)
    lab.node("boot", "node1")
    completes(job, 60)
    assert "the node of the job's script is lost: requeue" in job.output


def test_a_short_partition_costs_nothing(lab: Lab) -> None:
    job = begun(lab, "cut")
    lab.node("cut", "node3")
    time.sleep(10)
    lab.node("heal", "node3")
    completes(job, 40)
    assert not job.events("requeue")


def test_a_long_partition_costs_no_trial(lab: Lab) -> None:
    job = begun(lab, "cut-long", count=60)
    lab.node("cut", "node3")
    until(lambda: len(job.events("requeue")) > 0, 150, job.output)
    lab.node("heal", "node3")
    completes(job, 60)


def test_a_late_worker_takes_part(lab: Lab) -> None:
    folder = sweep_in(lab, "late")
    with slowed(lab, "start-worker.sh", '[ "$SLURMD_NODENAME" != node3 ] || sleep 20'):
        job = lab.submit(folder, "sweep.yaml", "--count", "120", sbatch=THREE)
        completes(job, 120)
    first = {event["node"]: event["trial"] for event in reversed(job.events("start"))}
    assert set(first) == set(lab.nodes)
    assert first["node3"] > max(first["node1"], first["node2"])


def test_a_node_that_is_slow_to_answer_slurm_takes_part(lab: Lab) -> None:
    lab.node("exec", "node3", "pkill", "-STOP", "-x", "slurmd")
    try:
        job = lab.submit(sweep_in(lab, "slow"), "sweep.yaml", "--count", "120", sbatch=THREE)
        job.until(lambda: "Task launch" in job.output)
    finally:
        lab.node("exec", "node3", "pkill", "-CONT", "-x", "slurmd")
    completes(job, 120)
    assert {event["node"] for event in job.events("start")} == set(lab.nodes)


def test_workers_wait_for_a_late_head(lab: Lab) -> None:
    folder = sweep_in(lab, "late-head")
    with slowed(lab, "start-head.sh", "sleep 20"):
        job = lab.submit(folder, "sweep.yaml", "--count", "24", sbatch=THREE)
        completes(job, 24)
    assert {event["node"] for event in job.events("start")} == set(lab.nodes)


@pytest.mark.parametrize("daemon", ["slurmd", "slurmctld"])
def test_daemons_of_slurm_may_come_and_go(lab: Lab, daemon: str) -> None:
    job = begun(lab, daemon)
    if daemon == "slurmd":
        lab.node("stop-slurmd", "node2")
        time.sleep(3)
        lab.node("start-slurmd", "node2")
    else:
        lab.restart_controller()
    completes(job, 40)
    assert restarts(job) == 0


def test_a_dead_head_ends_the_driver_and_requeues_whoever_dies_first(lab: Lab) -> None:
    job = begun(lab, "gcs")
    lab.node("exec", "node1", "pkill", "-KILL", "-x", "gcs_server")
    until(lambda: restarts(job) == 1, 240, "the job is requeued")
    finished = len(job.events("end"))
    job.until(lambda: len(job.events("end")) > finished)
    lab.node("exec", "node1", "pkill", "-KILL", "-x", "gcs_server")
    lab.node("exec", "node1", "pkill", "-KILL", "-f", "hpo run")  # before Ray tells that its head is dead
    until(lambda: restarts(job) == 2, 240, "the job is requeued again")
    completes(job, 40)
    assert list(job.run.glob("slurm/*/node1.ray/*"))  # Ray's logs of the attempt that failed


def test_a_full_temporary_directory_is_told_or_survived(lab: Lab) -> None:
    for node in lab.nodes:
        lab.node("exec", node, "mkdir", "-pm", "1777", "/run/t")
    told = ("sweep.yaml", "--count", "40")
    job = lab.submit(sweep_in(lab, "full"), *told, sbatch=THREE, HPO_TMPDIR="/run/t")
    job.until(lambda: len(job.events("end")) >= 3)
    lab.node("exec", "node3", "sh", "-c", "cat /dev/zero >/run/fill; true")
    try:
        completes(job, 40)
    finally:
        lab.node("exec", "node3", "rm", "-f", "/run/fill")
    assert lab.node("exec", "node3", "ls", "/run/t") == ""
