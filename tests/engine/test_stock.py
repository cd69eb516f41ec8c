"""What a stock Tuner tells → the journal."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ray.tune.experiment import Trial

from hpo.engine.stock import ASIDES, Recorder
from hpo.record.trials import RunState
from hpo.tune.searchers import BEST
from tests.engine.test_resuming import RECIPE, Kept

pytestmark = pytest.mark.ray


class Run:
    """A trial of Tune's, and what is recorded of it."""

    def __init__(self) -> None:
        self.kept = Kept()
        self.recorder = Recorder(self.kept, "loss", lambda: None, RECIPE)
        self.trial = Trial("StockTrial", stub=True, trial_name_creator=lambda trial: "0001")
        self.recorder.on_trial_start(0, [], self.trial)

    def report(self, iteration: int, value: float, best: float | None) -> None:
        result = {"training_iteration": iteration, "loss": value, BEST: best}
        self.recorder.on_trial_result(0, [], self.trial, result)

    @property
    def state(self) -> Any:
        state = RunState()
        for event in self.kept.events:
            state.apply(event)
        return state.trials[1]


def test_a_value_is_kept_and_one_that_is_no_number_is_none() -> None:
    run = Run()
    run.report(1, 0.5, 0.5)
    run.report(2, math.nan, 0.5)
    run.report(3, 0.75, 0.5)
    values = [event["value"] for event in run.kept.events if event["event"] == "result"]
    assert values == [0.5, None, 0.75]
    assert (run.state.value, run.state.last, run.state.iterations) == (0.5, 0.75, 3)


def test_a_trial_that_tune_loses_has_failed_and_what_it_reported_stands() -> None:
    run = Run()
    run.report(1, 0.5, 0.5)
    run.recorder.on_trial_error(0, [], run.trial)
    assert (run.state.state, run.state.reason) == ("failed", "lost by Ray Tune")
    assert (run.state.value, run.state.iterations) == (0.5, 1)


def test_what_trials_say_beside_results_is_said_once() -> None:
    run = Run()
    path = f"{RECIPE.cwd}/out.txt"
    asides: list[dict[str, Any]] = [{"event": "note", "text": "two ranks report"}] * 2
    asides += [{"event": "writes", "trial": number, "began": 1.0, "paths": [path]} for number in (1, 2)]
    for iteration in (1, 2):
        result = {"training_iteration": iteration, "loss": 0.5, BEST: 0.5, ASIDES: asides}
        run.recorder.on_trial_result(0, [], run.trial, result)
    notes = [event["text"] for event in run.kept.events if event["event"] == "note"]
    assert notes[0] == "two ranks report"
    assert notes[1].startswith("trials 1 and 2 ran at the same time, and both wrote out.txt")
    assert len(notes) == 2
