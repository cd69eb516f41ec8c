"""The time budget of a run that goes on in parts."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.engine.plan import RunOptions, timed
from hpo.sweepfile.load import read_sweep

SWEEP = {"program": "train.py", "method": "random", "parameters": {"x": {"min": 0.0, "max": 1.0}}}


def part(begin: float, end: float) -> list[dict[str, Any]]:
    return [{"event": "run", "time": begin}, {"event": "end", "time": end}]


@pytest.mark.parametrize(
    ("past", "left"),
    [
        ([], 100),
        (part(0, 30), 70),
        (part(0, 30) + part(1000, 1020), 50),
        (part(0, 30) + part(1000, 1071), 99),
    ],
)
def test_breaks_between_the_parts_of_a_run_cost_nothing(past: list[dict[str, Any]], left: float) -> None:
    sweep = read_sweep({**SWEEP, "hpo": {"time_budget": 100}}).valid()
    assert timed(sweep, RunOptions(time_left=7), past).hpo.time_budget == left


def test_a_sweep_without_a_budget_has_what_its_job_has_left() -> None:
    sweep = read_sweep(SWEEP).valid()
    assert timed(sweep, RunOptions(time_left=7), part(0, 30)).hpo.time_budget == 7
    assert timed(sweep, RunOptions(time_left=None)).hpo.time_budget is None
