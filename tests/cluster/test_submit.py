"""`hpo submit` to a real Slurm."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cluster.lab import Job, Lab, assert_whole, held, sweep_in, until


def hpo(lab: Lab, folder: Path, *words: str) -> str:
    return lab.call(sys.executable, "-m", "hpo", *words, cwd=folder)


def submitted(lab: Lab, folder: Path, *words: str) -> Job:
    """The job, by what `hpo submit` prints of it."""
    told = hpo(lab, folder, "submit", "sweep.yaml", "--cpus-per-task", "2", *words).splitlines()
    number, run = told[0].removeprefix("job "), Path(told[1].removeprefix("run directory: "))
    return Job(lab, number, folder, run)


def test_a_submitted_sweep_runs_as_it_was_then(lab: Lab) -> None:
    folder = sweep_in(lab, "submit")
    job = submitted(lab, folder, "--nodes", "2", "--time", "10m", "--sbatch", "hold", "--count", "6")
    waiting = hpo(lab, folder, "status", str(job.out))
    assert f"has not begun: job {job.number} pending: JobHeldUser" in waiting
    with pytest.raises(AssertionError, match=f"is submitted already, as job {job.number} pending"):
        submitted(lab, folder, "--out", str(job.out), "--count", "6")
    (folder / "sweep.yaml").write_text("changed meanwhile")
    with held(folder):
        lab.call("scontrol", "release", job.number)
        job.until(lambda: job.events("start"))
        seen = json.loads(hpo(lab, folder, "status", str(job.out), "--json"))
    assert (seen["slurm"]["number"], seen["slurm"]["state"]) == (job.number, "RUNNING")
    assert job.ended() == "COMPLETED", job.output
    assert_whole(job, 6)
    assert f"job {job.number} completed" in until(
        lambda: hpo(lab, folder, "status", str(job.out)), 10, "status"
    )
