"""Jobs on a real Slurm: three nodes, each with two GPUs that are none."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from typing import Any

import pytest

from tests.cluster.lab import NOBODY, ROOT, THREE, Lab, assert_whole, held, sweep_in, trials_of


def at_once(trials: list[dict[str, Any]], gpu: str) -> int:
    """The most trials that were on one GPU of a node at a time."""
    mine = [one for one in trials if one["gpus"] == gpu]
    return max((sum(a["began"] <= b["began"] < a["ended"] for a in mine) for b in mine), default=0)


def by_node(trials: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for one in trials:
        found[one["node"]].append(one)
    return found


def test_the_example_runs_on_all_nodes(lab: Lab) -> None:
    folder = lab.work("digits")
    shutil.copytree(ROOT / "configs", folder / "configs", dirs_exist_ok=True)
    job = lab.submit(folder, "configs/digits/asha.yaml", "--count", "24", sbatch=THREE)
    assert job.ended(600) == "COMPLETED", job.output
    assert_whole(job, 24)
    assert job.nodes() == set(lab.nodes)
    for node in lab.nodes:
        assert job.output.count(f"{node} has joined") == 1
    assert not (job.run / "slurm").exists()


@pytest.mark.parametrize(("gpu", "shared"), [("1", 1), ("0.5", 2)])
def test_each_trial_sees_the_gpus_that_it_has(lab: Lab, gpu: str, shared: int) -> None:
    told = ("--set", f"hpo.resources.gpu={gpu}", "--set", "hpo.resources.cpu=0.5")
    folder = sweep_in(lab, f"gpu-{gpu}")
    with held(folder):
        job = lab.submit(folder, "sweep.yaml", "--count", "24", "--min-nodes", "3", *told, sbatch=THREE)
        job.until(lambda: len(job.events("start")) == 6 * shared)
    assert job.ended() == "COMPLETED", job.output
    assert_whole(job, 24)
    nodes = by_node(trials_of(job))
    assert set(nodes) == set(lab.nodes)
    for trials in nodes.values():
        assert {one["gpus"] for one in trials} == {"0", "1"}
        assert max(at_once(trials, gpu) for gpu in ("0", "1")) == shared


def test_what_slurm_gave_is_what_there_is(lab: Lab) -> None:
    """A part of a node: its second GPU, two CPUs, without what looks like a job of several processes."""
    folder = sweep_in(lab, "part")
    one = (
        "--nodes=1",
        "--cpus-per-task=2",
        "--gpus-per-node=1",
        "--mem=2000",
        "--time=10",
        "--nodelist=node1",
    )
    with held(folder):
        first = lab.submit(folder, "sweep.yaml", "--count", "4", sbatch=one)
        second = lab.submit(folder, "sweep.yaml", "--count", "4", sbatch=one)
        first.until(lambda: first.events("start") and second.events("start"))
    for job in (first, second):
        assert job.ended() == "COMPLETED", job.output
        assert_whole(job, 4)
        assert job.events("run")[0]["slots"] == 1
        assert f"({lab.nets[0]}.1, 2 CPUs, 1 GPUs)" in job.output
        assert {tuple(trial["slurm"]) for trial in trials_of(job)} == {
            ("SLURM_CONF", "SLURM_JOB_ID", "SLURM_JOB_NAME")
        }
    assert [{trial["gpus"] for trial in trials_of(job)} for job in (first, second)] == [{"0"}, {"1"}]


def test_gpus_that_were_asked_for_in_all_are_where_they_are(lab: Lab) -> None:
    uneven = ("--nodes=2", "--cpus-per-task=2", "--gpus=3", "--time=10", "--export=PATH,PYTHONPATH,HOME")
    folder = sweep_in(lab, "uneven")
    with held(folder):
        job = lab.submit(folder, "sweep.yaml", "--count", "9", "--min-nodes", "2", sbatch=uneven)
        job.until(lambda: len(job.events("start")) == 3)
    assert job.ended() == "COMPLETED", job.output
    assert_whole(job, 9)
    assert sorted(re.findall(r"2 CPUs, (\d) GPUs", job.output)) == ["1", "2"]
    assert sorted(len({one["gpus"] for one in trials}) for trials in by_node(trials_of(job)).values()) == [
        1,
        2,
    ]


@pytest.mark.parametrize("users", [(0, 0), (0, NOBODY)])
def test_two_jobs_on_the_same_nodes_do_not_meet(lab: Lab, users: tuple[int, int]) -> None:
    half = ("--nodes=3", "--cpus-per-task=2", "--gpus-per-node=1", "--time=10")
    folders = [sweep_in(lab, f"two-{users[1]}-{number}", user) for number, user in enumerate(users)]
    told = ("sweep.yaml", "--count", "16", "--min-nodes", "3")
    with held(folders[0]), held(folders[1]):
        jobs = [
            lab.submit(folder, *told, sbatch=half, user=user)
            for folder, user in zip(folders, users, strict=True)
        ]
        jobs[0].until(lambda: len(jobs[0].nodes()) == len(jobs[1].nodes()) == 3)
    for job in jobs:
        assert job.ended() == "COMPLETED", job.output
        assert_whole(job, 16)
        assert job.nodes() == set(lab.nodes)
    for node in lab.nodes:
        gpus = [{one["gpus"] for one in by_node(trials_of(job))[node]} for job in jobs]
        assert sorted(gpus, key=sorted) == [{"0"}, {"1"}]


def test_the_network_can_be_named_and_who_does_not_reach_it_says_so(lab: Lab) -> None:
    lab.node("exec", "node3", "ip", "link", "set", "eth1", "down")
    try:
        told = ("sweep.yaml", "--count", "24")
        folder = sweep_in(lab, "network")
        with held(folder):
            job = lab.submit(folder, *told, sbatch=THREE, HPO_INTERFACE="eth1", HPO_START_TIMEOUT="40")
            job.until(lambda: "node3 has not joined within 40 s; the sweep goes on" in job.output)
        assert job.ended() == "COMPLETED", job.output
    finally:
        lab.node("exec", "node3", "ip", "link", "set", "eth1", "up")
    assert_whole(job, 24)
    assert job.nodes() == {"node1", "node2"}
    assert "node2 has joined" in job.output
    assert f"({lab.nets[1]}.2, " in job.output
    assert f"cannot reach the head at {lab.nets[1]}.1:" in job.output
    assert f"from eth0 {lab.nets[0]}.3, eth1 {lab.nets[1]}.3" in job.output
