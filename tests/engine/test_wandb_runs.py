"""Whole runs with `hpo: {wandb: offline}`: one run of the real wandb for each trial."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.record.metrics import read_rows
from tests.trial.test_wandb_real import history

pytestmark = [pytest.mark.ray, pytest.mark.wandb, pytest.mark.usefixtures("ray_here")]

SCRIPT = """
import time, wandb
wandb.init()
for step in range(9):
    wandb.log({"loss": wandb.config.lr + 1 / (step + 1)})
    time.sleep(0.1)
"""
SWEEP: dict[str, Any] = {
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": {"lr": {"values": [0.0, 1.0, 2.0, 3.0]}},
    "early_terminate": {"type": "asha", "min_iter": 2, "max_iter": 9},
    "hpo": {"wandb": "offline", "concurrency": 1, "tensorboard": False},
}


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("WANDB")]:
        monkeypatch.delenv(name)


def logged(run: Path, number: int) -> list[float]:
    """What the real wandb has written of a trial."""
    rows = history(run / "trials", f"{number:04d}")
    return [rows[step]["loss"] for step in sorted(rows)]


def test_stopped_trials_too_are_whole_runs_in_their_own_directories(run_script: Any) -> None:
    result = run_script(SCRIPT, SWEEP, count=4, seed=5)
    assert {trial.state for trial in result.trials} == {"finished", "stopped"}
    for trial in result.trials:
        ours = [row["loss"] for row in read_rows(result.directory, trial.number)]
        assert logged(result.directory, trial.number)[: len(ours)] == ours
        assert len(ours) >= 2


def test_functions_that_only_report_are_logged_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def train(config: dict[str, Any]) -> None:
        for step in range(9):
            hpo.report({"loss": config["lr"] + 1 / (step + 1)})

    result = hpo.run(SWEEP, train=train, count=3, seed=5, out=tmp_path / "run")
    for trial in result.trials:
        ours = [row["loss"] for row in read_rows(result.directory, trial.number)]
        assert logged(result.directory, trial.number) == ours
        assert len(ours) >= 2
