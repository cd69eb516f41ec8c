"""`early_terminate: hyperband` against `stop_runs` of `sweeps` 0.3.0, which looks after every row."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hpo.engine.scheduling import Scheduling
from hpo.sweepfile.load import load_sweep
from hpo.sweepfile.model import Sweep
from hpo.trial.objective import Objective
from hpo.tune.schedulers import TIME, scheduler
from hpo.tune.schedulers.wandb_rule import to_stop
from hpo.tune.searchers import BEST

pytestmark = [pytest.mark.oracle, pytest.mark.ray]

HISTORIES = 1000
AFTER_EACH_ROW = 120
"""Sweeps in which it looks after each row: thirty times as costly."""
NO_NUMBERS = [float("nan"), float("inf"), float("-inf"), "NaN", None, True, "text", [1.0]]
Rows = list[list[Any]]


def sweep_of(drawn: random.Random) -> dict[str, Any]:
    """A sweep with random bands, goal and strictness."""
    eta = drawn.choice([1.3, 1.5, 2, 2.5, 3, 4])
    bands: dict[str, Any] = {"min_iter": drawn.randint(1, 5)}
    if drawn.random() < 0.5:
        bands = {"max_iter": drawn.randint(5, 40), "s": drawn.randint(1, 4)}
    rule = {"type": "hyperband", "eta": eta, **bands}
    if drawn.random() < 0.8:
        rule["strict"] = drawn.random() < 0.5
    goal = drawn.choice(["minimize", "maximize"])
    return {
        "method": "random",
        "program": "t.py",
        "metric": {"name": "loss", "goal": goal},
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "early_terminate": rule,
    }


def rows_of(drawn: random.Random) -> Rows:
    """What up to a dozen runs log, row by row, rows without a number of the metric among them."""
    runs, rows = drawn.randint(1, 12), []
    even = drawn.choice([0, 1, 1, 3])  # few different values make ties
    for _ in range(drawn.randint(5, 14 * runs)):
        value = round(drawn.gauss(0, 1), even) if even else drawn.gauss(0, 1)
        row: Any = {"loss": value}
        if drawn.random() < 0.15:
            row = drawn.choice([{"other": 1.0}, {"loss": drawn.choice(NO_NUMBERS)}])
        if drawn.random() < 0.02:
            row = drawn.choice(["finished", "crashed", "failed", "killed"])
        rows.append([drawn.randrange(runs), row])
    return rows


def judged_at_the_end(sweep: Sweep, rows: Rows) -> list[int]:
    """Runs that the function of histories stops, seen once."""
    histories: dict[int, list[float]] = {}
    objectives: dict[int, Objective] = {}
    sign = 1 if sweep.goal == "minimize" else -1
    ended = set()
    for number, row in rows:
        values = histories.setdefault(number, [])
        if isinstance(row, str):
            ended.add(number)
        elif number not in ended:
            value = objectives.setdefault(number, Objective("loss", sweep.goal)).add_row(row)
            values += [] if value is None else [sign * value]
    rule: Any = sweep.early_terminate
    running = [number not in ended for number in histories]
    places = to_stop(list(histories.values()), running, rule.rungs(), rule.eta, strict=rule.strict)
    return sorted(list(histories)[place] for place in places)


def judged_as_it_comes(sweep: Sweep, rows: Rows) -> list[list[int]]:
    """Runs that the scheduler stops after each row: the one that reports, and those that it dooms."""
    scheduling, objectives, answers = Scheduling(scheduler(sweep)), {}, []
    for number, row in rows:
        name = str(number)
        if number not in objectives:
            objectives[number] = Objective("loss", sweep.goal)
            scheduling.add(name, {})
        stopped: list[str] = []
        if name in scheduling.trials and isinstance(row, str):
            scheduling.complete(name, {"loss": 0.0} if row == "finished" else None, error=row == "failed")
        elif name in scheduling.trials:
            objective = objectives[number]
            value = objective.add_row(row)
            result = {TIME: objective.iterations, "loss": value, BEST: objective.best}
            if value is not None and scheduling.result(name, result) == "STOP":
                stopped.append(name)
        stopped += scheduling.doomed()
        for other in stopped:
            scheduling.complete(other, None, error=False)
        answers.append(sorted(map(int, stopped)))
    return answers


def cases(seed: int, count: int) -> list[tuple[dict[str, Any], Rows]]:
    drawn = random.Random(seed)
    return [(sweep_of(drawn), rows_of(drawn)) for _ in range(count)]


def test_the_function_stops_the_same(oracle: Any) -> None:
    asked = cases(1, HISTORIES)
    answers = oracle([["stop_once", sweep, rows] for sweep, rows in asked])
    ours = [judged_at_the_end(load_sweep(sweep), rows) for sweep, rows in asked]
    theirs = [answer["ok"] for answer in answers]
    different = [case for case, mine, yours in zip(asked, ours, theirs, strict=True) if mine != yours]
    assert different == []
    assert sum(map(bool, theirs)) > HISTORIES / 4


def test_the_scheduler_stops_the_same_after_each_row(oracle: Any) -> None:
    asked = cases(2, AFTER_EACH_ROW)
    answers = oracle([["stops", sweep, rows] for sweep, rows in asked])
    ours = [judged_as_it_comes(load_sweep(sweep), rows) for sweep, rows in asked]
    theirs = [answer["ok"] for answer in answers]
    different = [case for case, mine, yours in zip(asked, ours, theirs, strict=True) if mine != yours]
    assert different == []
    assert sum(len(after) for rows in theirs for after in rows) > AFTER_EACH_ROW
