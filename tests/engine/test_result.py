"""The result of a run in which no trial has a value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.engine.result import RunResult
from tests.record.made import Made

SWEEP: dict[str, Any] = {"method": "random", "metric": {"name": "loss", "goal": "minimize"}}


@pytest.mark.parametrize("trials", [0, 2])
def test_a_run_in_which_no_trial_has_a_value_has_no_best_one(trials: int, tmp_path: Path) -> None:
    made = Made(tmp_path, SWEEP, 2, 1)
    for number in range(1, trials + 1):
        made.say(1.0, event="trial", trial=number, config={"lr": 0.1})
        made.say(1.0, event="start", trial=number, attempt=1, slot=0, node="node1", iteration=0)
        made.over(2.0, number, [], state="failed", kind="exit", reason="exit code 1")
    result = RunResult(made.write(), "failed", "")
    assert len(result.trials) == trials
    assert result.best is None
    assert result.best_config is None
