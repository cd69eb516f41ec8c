"""Jobs that have parts of nodes, beside others there that come to their time limit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest

from tests.cluster.lab import (
    BRIEF,
    NOBODY,
    NODE,
    Job,
    Lab,
    assert_completes,
    assert_whole,
    at_once,
    begun,
    by_node,
    has_begun_on,
    held,
    hold,
    processes_of,
    sweep_in,
    tidy,
    trials_of,
    until,
)

LIMIT = ("--nodes=1", "--cpus-per-task=1", "--gpus-per-node=1", "--signal=B:USR1@60")
"""Slurm sends its signal 60 to 90 seconds before the limit, for it looks every 30."""


@dataclass(frozen=True)
class Limited:
    lab: Lab
    job: Job
    """Its trials continue until they are released."""
    endless: Job


@pytest.fixture(scope="module")
def limited(cluster: Lab) -> Iterator[Limited]:
    """Two jobs that reach their time limit while other tests run their jobs beside them."""
    with tidy(cluster):
        folder = sweep_in(cluster, "limit")
        hold(folder)
        words = ("sweep.yaml", "--set", "hpo.kill_grace=20", "--set")
        short = (*words, "parameters.seconds.value=1", "--count", "4")
        job = cluster.submit(folder, *short, sbatch=(*LIMIT, "--time=2"), HPO_WARNING="60")
        folder = sweep_in(cluster, "no-count")
        endless = cluster.submit(
            folder, *words, "parameters.seconds.value=5", sbatch=(*LIMIT, "--time=3"), HPO_WARNING="60"
        )
        endless.until(lambda: endless.events("start"))
        yield Limited(cluster, job, endless)


def test_requeues_are_bounded(limited: Limited) -> None:
    job = begun(limited.lab, "bounded", "--max-requeues", "0", sbatch=("--nodes=1", *NODE))
    limited.lab.call("scancel", "--batch", "--signal=USR1", job.number)
    assert job.ended() == "FAILED"
    assert job.about()["ExitCode"] == "75:0"
    assert f"--out {job.run.relative_to(job.cwd)}" in job.output


def test_tasks_of_an_array_are_runs_of_their_own(limited: Limited) -> None:
    one = ("--array=1-2", "--nodes=1", "--cpus-per-task=1", "--gpus-per-node=1", "--time=5")
    folder = sweep_in(limited.lab, "array")
    words = ("sweep.yaml", "--count", "4", "--out", "runs/all")
    job = limited.lab.submit(folder, *words, sbatch=(*one, "--output=slurm-%A_%a.out"))
    for task in (1, 2):
        number = f"{job.number}_{task}"
        assert_completes(replace(job, number=number, out=folder / f"runs/all-{task}"), 4)


def test_gpus_that_were_asked_for_in_all_are_where_they_are_and_trials_share_them(limited: Limited) -> None:
    lab = limited.lab
    uneven = ("--nodes=2", "--cpus-per-task=2", "--gpus=3", "--time=10", "--export=PATH,PYTHONPATH,HOME")
    halves = ("--set", "hpo.resources.gpu=0.5", "--set", "hpo.resources.cpu=0.5")
    folder = sweep_in(lab, "uneven")
    with held(folder):
        job = lab.submit(folder, "sweep.yaml", "--count", "12", "--min-nodes", "2", *halves, sbatch=uneven)
        job.until(lambda: len(job.events("start")) == 6)
    assert job.ended() == "COMPLETED", job.output
    assert_whole(job, 12)
    assert sorted(re.findall(r"2 CPUs, (\d) GPUs", job.output)) == ["1", "2"]
    nodes = by_node(trials_of(job)).values()
    gpus = [{one["gpus"] for one in trials} for trials in nodes]
    assert sorted(map(len, gpus)) == [1, 2]
    assert [{at_once(trials, gpu) for gpu in mine} for trials, mine in zip(nodes, gpus, strict=True)] == [
        {2},
        {2},
    ]


def test_jobs_on_the_same_nodes_do_not_meet_and_have_what_slurm_gave_them(limited: Limited) -> None:
    """Two of one user and one of another: two CPUs and a GPU of each node, no job of several processes."""
    lab = limited.lab
    third = ("--nodes=2", "--cpus-per-task=2", "--gpus-per-node=1", "--mem=2000", "--time=10")
    users = {"first": 0, "second": 0, "other": NOBODY}
    folders = [sweep_in(lab, name, user) for name, user in users.items()]
    words = (*BRIEF, "--count", "8", "--min-nodes", "2")
    with held(folders[0]), held(folders[1]), held(folders[2]):
        jobs = [
            lab.submit(folder, *words, sbatch=(*third, "--nodelist=node1,node2"), user=user)
            for folder, user in zip(folders, users.values(), strict=True)
        ]
        for job in jobs:
            job.until(partial(has_begun_on, job, {"node1", "node2"}))
    for job in jobs:
        assert job.ended() == "COMPLETED", job.output
        assert_whole(job, 8)
        assert job.nodes() == {"node1", "node2"}
        slots = [event["slots"] for event in job.events() if event["event"] in ("run", "slots")]
        assert slots[-1] == 2
        assert f"({lab.nets[0]}.1, 2 CPUs, 1 GPUs)" in job.output
        assert {tuple(trial["slurm"]) for trial in trials_of(job)} == {
            ("SLURM_CONF", "SLURM_JOB_ID", "SLURM_JOB_NAME")
        }
    for node in ("node1", "node2"):
        gpus = [{one["gpus"] for one in by_node(trials_of(job))[node]} for job in jobs]
        assert [len(mine) for mine in gpus] == [1, 1, 1]
        assert len(set.union(*gpus)) == 3


def test_the_time_limit_ends_a_sweep_without_a_count(limited: Limited) -> None:
    job = limited.endless
    assert job.ended() == "COMPLETED", job.output
    assert job.restarts == 0
    assert job.events("done")[-1]["state"] == "budget"


def test_all_trials_of_a_sweep_with_a_count_come_whatever_the_time_limit(limited: Limited) -> None:
    job = limited.job
    until(lambda: job.restarts >= 2, 600, job.number, pause=0.5)
    assert_completes(job, 4, 900)
    processes = [processes_of(trial) for trial in sorted(job.run.glob("trials/*"))]
    begun_at = [trial["from"] for trials in processes for trial in trials]
    assert max(begun_at) > 0  # it had saved its state when it was told to end
    for trials in processes:
        assert [trial["from"] for trial in trials] == [0, *(trial["to"] for trial in trials[:-1])]
        assert trials[-1]["to"] >= 10
