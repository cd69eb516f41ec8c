"""`hpo submit` to a real Slurm."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cluster.lab import Job, Lab, assert_whole, at_once, by_node, held, sweep_in, trials_of, until

DEMAND = ("--nodes", "2", "--gpus-per-node", "2", "--time", "10m")
EACH = ("--set", "hpo.resources.gpu=1", "--set", "hpo.resources.cpu=0.5")


def hpo(lab: Lab, folder: Path, *words: str) -> str:
    return lab.call(sys.executable, "-m", "hpo", *words, cwd=folder)


def submitted(lab: Lab, folder: Path, *words: str) -> Job:
    """The job, by what `hpo submit` prints of it."""
    told = hpo(lab, folder, "submit", "sweep.yaml", "--cpus-per-task", "2", *words).splitlines()
    number, run = told[0].removeprefix("job "), Path(told[1].removeprefix("run directory: "))
    return Job(lab, number, folder, run)


def test_a_submitted_sweep_runs_as_it_was_then_each_trial_on_a_gpu_of_its_own(lab: Lab) -> None:
    folder = sweep_in(lab, "submit")
    job = submitted(lab, folder, *DEMAND, "--sbatch", "hold", "--count", "8", *EACH)
    waiting = hpo(lab, folder, "status", str(job.out))
    assert f"has not begun: job {job.number} pending: JobHeldUser" in waiting
    with pytest.raises(AssertionError, match=f"is submitted already, as job {job.number} pending"):
        submitted(lab, folder, "--out", str(job.out), "--count", "8")
    (folder / "sweep.yaml").write_text("changed meanwhile")
    with held(folder):
        lab.call("scontrol", "release", job.number)
        job.until(lambda: len(job.events("start")) == 4)
        seen = json.loads(hpo(lab, folder, "status", str(job.out), "--json"))
    assert (seen["slurm"]["number"], seen["slurm"]["state"]) == (job.number, "RUNNING")
    assert job.ended() == "COMPLETED", job.output
    assert_whole(job, 8)
    assert f"job {job.number} completed" in until(
        lambda: hpo(lab, folder, "status", str(job.out)), 10, "status"
    )
    nodes = by_node(trials_of(job))
    assert len(nodes) == 2
    for trials in nodes.values():
        assert {one["gpus"] for one in trials} == {"0", "1"}
        assert {at_once(trials, gpu) for gpu in ("0", "1")} == {1}
