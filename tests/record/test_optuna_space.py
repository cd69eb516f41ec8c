"""Every distribution of a sweep as Optuna sees it: the values that come out of it are in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from hpo.record.optuna_space import shown
from hpo.record.trial import TrialRecord
from hpo.record.trials import RunRecord, RunState
from hpo.sweepfile.load import load_sweep


def run_of(parameter: dict[str, Any], trials: int = 30) -> RunRecord:
    """A run whose trials have drawn from one distribution."""
    sweep = {"method": "random", "parameters": {"p": parameter}}
    space = load_sweep(sweep).space
    drawn = tuple(TrialRecord(number, space.sample(1, number)) for number in range(1, trials + 1))
    return replace(RunState().record(Path("run")), sweep=sweep, trials=drawn)


@pytest.mark.parametrize(
    "parameter",
    [
        {"distribution": "int_uniform", "min": 2**50, "max": 2**50 + 1000},
        {"distribution": "int_uniform", "min": -3, "max": 3},
        {"distribution": "q_uniform", "min": 8, "max": 1000.0, "q": 1e-5},
        {"distribution": "q_uniform", "min": 1, "max": 1e300, "q": 1.0},
        {"distribution": "q_uniform", "min": 1, "max": 8, "q": 3},
        {"distribution": "q_uniform", "min": 0.0, "max": 1.0, "q": 0.1},
        {"distribution": "q_log_uniform_values", "min": 0.3, "max": 40},
        {"distribution": "q_log_uniform_values", "min": 4, "max": 512, "q": 4},
        {"distribution": "log_uniform", "min": -9, "max": 2},
        {"distribution": "inv_log_uniform_values", "min": 1e-5, "max": 10},
        {"distribution": "normal", "mu": 3.0, "sigma": 10.0},
        {"distribution": "q_normal", "mu": 3.0, "sigma": 10.0, "q": 0.3},
        {"distribution": "q_normal", "mu": 1e300, "sigma": 1.0, "q": 1e-10},
        {"distribution": "log_normal", "mu": 1.0, "sigma": 5.0},
        {"distribution": "q_log_normal", "mu": 1.0, "sigma": 1.0, "q": 2},
        {"distribution": "beta", "a": 0.5, "b": 0.5},
        {"distribution": "q_beta", "a": 2, "b": 1, "q": 0.25},
        {"values": [1, 2.5, None, "1", [1, 2], {"a": [None]}, False]},
        {"values": [1, True, "1", "true"]},
        {"values": ["[1]", [1]]},
        {"values": ["a", [2], None], "probabilities": [0.2, 0.3, 0.5]},
    ],
)
def test_what_was_drawn_is_there(parameter: dict[str, Any]) -> None:
    record = run_of(parameter)
    ((one,), constants) = shown(record)
    assert (one.name, constants) == ("p", {})
    seen = set()
    for trial in record.trials:
        value = one.value(trial.config["p"])
        optuna.trial.create_trial(value=0.0, params={"p": value}, distributions={"p": one.distribution})
        seen.add(value)
    different = {repr(trial.config["p"]) for trial in record.trials}
    assert len(seen) == len(different)


def test_integers_that_optuna_cannot_hold_are_numbers_near_them() -> None:
    record = run_of({"distribution": "int_uniform", "min": 2**60, "max": 2**60 + 1000})
    ((one,), _) = shown(record)
    for trial in record.trials:
        value = one.value(trial.config["p"])
        optuna.trial.create_trial(value=0.0, params={"p": value}, distributions={"p": one.distribution})
        assert value == pytest.approx(trial.config["p"], rel=1e-15)


@pytest.mark.parametrize(("most", "kind"), [(2**53, int), (2**53 + 2, float)])
def test_without_a_search_space_integers_stay_what_they_are_as_far_as_optuna_can_hold_them(
    most: int, kind: type
) -> None:
    """What a searcher of the user's own adds to a configuration has no distribution."""
    trials = tuple(TrialRecord(number, {"p": value}) for number, value in enumerate((-3, most), 1))
    ((one,), _) = shown(replace(RunState().record(Path("run")), trials=trials))
    for value in (-3, most):
        converted = one.value(value)
        assert (converted, type(converted)) == (value, kind)
        optuna.trial.create_trial(value=0.0, params={"p": converted}, distributions={"p": one.distribution})


def test_a_value_between_the_steps_is_told_as_it_was_tried() -> None:
    """A searcher of the user's own need not keep to them."""
    record = run_of({"distribution": "q_uniform", "min": 0.0, "max": 1.0, "q": 0.25})
    between = replace(record.trials[0], config={"p": 0.3})
    ((one,), _) = shown(replace(record, trials=(between, *record.trials[1:])))
    assert one.value(0.3) == 0.3
    optuna.trial.create_trial(value=0.0, params={"p": 0.3}, distributions={"p": one.distribution})
