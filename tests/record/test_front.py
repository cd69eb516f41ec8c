"""The Pareto front of a run: against the definition, and who takes part."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import pytest

from hpo.record.front import front, ordered, undominated
from hpo.record.trial import TrialRecord
from hpo.record.trials import RunRecord, RunState


def dominates(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_undominated_is_what_the_definition_says(objectives: int) -> None:
    draw = random.Random(objectives)
    for _ in range(60):
        points = [tuple(float(draw.randrange(6)) for _ in range(objectives)) for _ in range(25)]
        wanted = {point for point in points if not any(dominates(other, point) for other in points)}
        assert undominated(points) == wanted


def run(trials: list[dict[str, Any]], goals: dict[str, str]) -> RunRecord:
    state = RunState()
    metrics = [{"name": name, "goal": goal} for name, goal in goals.items()]
    state.apply({"event": "run", "metric": metrics[0], "metrics": metrics})
    for number, end in enumerate(trials, 1):
        state.apply({"event": "start", "trial": number, "attempt": 1})
        if end:
            first = end.get("values", {}).get(metrics[0]["name"])
            state.apply({"event": "end", "trial": number, "state": "finished", "value": first, **end})
    return state.record(Path("run"))


def numbers(trials: list[TrialRecord]) -> list[int]:
    return [trial.number for trial in trials]


def test_who_takes_part_in_the_front() -> None:
    trials: list[dict[str, Any]] = [
        {"values": {"loss": 0.5, "speed": 9.0}},
        {"values": {"loss": 0.2, "speed": 3.0}},
        {"values": {"loss": 0.4, "speed": 2.0}},  # beaten by 2
        {"values": {"loss": 0.2, "speed": 3.0}},  # equal to 2
        {"values": {"loss": 0.0, "speed": 99.0}, "state": "failed"},
        {"values": {"loss": 0.1}, "state": "stopped"},  # never had a speed
        {"values": {"loss": 0.3, "speed": 4.0}, "state": "stopped"},
        {},  # runs
    ]
    record = run(trials, {"loss": "minimize", "speed": "maximize"})
    assert record.goals == {"loss": "minimize", "speed": "maximize"}
    assert numbers(front(record)) == [2, 4, 7, 1]
    assert numbers(ordered(record)) == [2, 4, 7, 1, 6, 3, 5, 8]


def test_each_choice_of_goals_turns_the_front() -> None:
    corners = [{"values": {"a": a, "b": b}} for a, b in itertools.product((0.0, 1.0), repeat=2)]
    for best, (a, b) in enumerate(itertools.product(("minimize", "maximize"), repeat=2), 1):
        assert numbers(front(run(corners, {"a": a, "b": b}))) == [best]


def test_an_attempt_that_is_tried_again_leaves_no_values() -> None:
    state = RunState()
    state.apply(
        {"event": "run", "metric": {"name": "a"}, "metrics": [{"name": n, "goal": "minimize"} for n in "ab"]}
    )
    state.apply({"event": "start", "trial": 1, "attempt": 1})
    state.apply(
        {"event": "end", "trial": 1, "state": "finished", "value": 1.0, "values": {"a": 1.0, "b": 1.0}}
    )
    state.apply({"event": "requeue", "trial": 1})
    assert state.record(Path("run")).trials[0].values == {}
