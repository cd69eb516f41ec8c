"""Several objectives: what the searchers are told, and that they find the front."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import pytest

from hpo.record.front import undominated
from hpo.record.journal import Journal
from hpo.sweepfile.load import load_sweep
from hpo.tune.earlier import earlier_trials
from hpo.tune.history import Memory, Point
from hpo.tune.translate import searcher

GOALS = [{"name": "loss"}, {"name": "speed", "goal": "maximize"}]
SPACE: dict[str, Any] = {f"x{i}": {"min": 0.0, "max": 1.0} for i in range(4)}
MIXED: dict[str, Any] = {
    "x": {"min": 0.0, "max": 1.0},
    "kind": {"values": ["a", None, [1]]},
    "n": {"min": 1, "max": 9, "when": {"kind": "a"}},
    "q": {"distribution": "q_normal", "mu": 2, "sigma": 3, "q": 0.5},
}


def search_of(method: str, space: dict[str, Any], seed: int = 1, **options: Any) -> Any:
    sweep = {"method": method, "metrics": GOALS, "parameters": space, "hpo": {"search": options}}
    return searcher(load_sweep(sweep), seed)


def play(search: Any, count: int, beside: int = 4, reload: int = -1) -> list[Any]:
    """Suggestions for `count` trials, `beside` at a time; every fifth fails, every seventh lacks a value."""
    configs: list[Any] = []
    for number in range(count):
        if number == reload:
            search = pickle.loads(pickle.dumps(search))
        configs.append(search.suggest(str(number)))
        if (ended := number - beside) < 0:
            continue
        x = configs[ended]["x"]
        result = {"loss": x + len(str(configs[ended])), "speed": math.nan if ended % 7 == 3 else x**2}
        search.on_trial_result(str(ended), {"loss": 0.0, "hpo_best": 0.0})
        search.on_trial_complete(str(ended), result, error=ended % 5 == 2)
    return configs


@pytest.mark.parametrize("method", ["nsga2", "tpe"])
def test_a_copy_that_was_told_the_same_goes_on_alike(method: str) -> None:
    whole = play(search_of(method, MIXED, startup=8), 40)
    assert play(search_of(method, MIXED, startup=8), 40, reload=21) == whole
    assert play(search_of(method, MIXED, seed=2, startup=8), 40) != whole


@pytest.mark.parametrize("method", ["nsga2", "tpe"])
def test_conditions_hold(method: str) -> None:
    for config in play(search_of(method, MIXED, startup=8), 40):
        assert ("n" in config) == (config["kind"] == "a")
        assert 0 <= config["x"] <= 1


def test_the_last_values_count_and_failures_are_the_worst_of_each() -> None:
    search = search_of("tpe", SPACE)
    for number in range(5):
        search.suggest(str(number))
    search.on_trial_complete("0", None, error=True)  # nothing is known yet that it could stand for
    search.on_trial_result("1", {"loss": 0.1, "speed": 9.0})
    search.on_trial_complete("1", {"loss": 0.5, "speed": 2.0, "hpo_best": 0.1})
    search.on_trial_complete("2", {"loss": 0.9, "speed": 7.0})
    search.on_trial_complete("3", {"loss": 0.1})
    search.on_trial_complete("4", {"hpo_end": {"state": "finished", "values": {"loss": 0.3, "speed": 4.0}}})
    assert [point.values for point in search.history] == [(0.5, -2.0), (0.9, -7.0), (0.9, -2.0), (0.3, -4.0)]
    assert [point.value for point in search.history] == [0.5, 0.9, 0.9, 0.3]


def volume(method: str, seed: int, count: int = 120) -> float:
    """Area that the front covers below (2, 2) of a problem whose own one is y = 1 - sqrt(x) (ZDT1)."""
    search = search_of(method, SPACE, seed)
    points: list[tuple[float, ...]] = []
    for number in range(count):
        x = search.suggest(str(number))
        beyond = 1 + 3 * (x["x1"] + x["x2"] + x["x3"])
        found = (x["x0"], beyond * (1 - math.sqrt(x["x0"] / beyond)))
        points.append(found)
        search.on_trial_complete(str(number), {"loss": found[0], "speed": -found[1]})
    front = sorted(point for point in undominated(points) if max(point) < 2)
    ends = [x for x, _ in front[1:]] + [2.0]
    return sum((end - x) * (2 - y) for (x, y), end in zip(front, ends, strict=True))


def test_models_find_more_of_the_front_than_random_draws() -> None:
    random = sum(volume("random", seed) for seed in range(3))
    for method in ("nsga2", "tpe"):
        assert sum(volume(method, seed) for seed in range(3)) > random + 0.5, method


def test_what_is_remembered_keeps_the_front() -> None:
    memory = Memory(40, 10)
    points = [Point(i, {}, float(i % 11), values=(float(i % 11), float(i % 13))) for i in range(1, 50)]
    corner = Point(0, {}, 10.0, values=(10.0, -1.0))  # bad by its first value, best by its second
    kept = memory.bounded([corner, *points])
    assert len(kept) == 40
    assert corner in kept


@pytest.mark.parametrize("objectives", [2, 3])
def test_a_long_search_remembers_what_a_suggestion_can_bear(objectives: int) -> None:
    metrics = [{"name": f"m{i}"} for i in range(objectives)]
    search: Any = searcher(load_sweep({"method": "tpe", "metrics": metrics, "parameters": SPACE}), 1)
    search.startup = 2000
    for number in range(2000):
        x = list(search.suggest(str(number)).values())[: objectives - 1]
        search.on_trial_complete(str(number), {f"m{i}": value for i, value in enumerate([*x, -sum(x)])})
    assert len(search.history) < {2: 1250, 3: 250}[objectives]


def test_a_small_space_is_not_searched_for_ever() -> None:
    search = search_of("nsga2", {"a": {"values": [1, 2]}}, startup=2)
    for number in range(12):
        assert search.suggest(str(number))["a"] in (1, 2)
        search.on_trial_complete(str(number), {"loss": 1.0, "speed": 1.0})


def write(folder: Path, metrics: list[dict[str, str]]) -> Path:
    journal = Journal.create(folder)
    journal.append({"event": "run", "metric": metrics[0], "metrics": metrics, "time": 0.0})
    for number in range(1, 6):
        config = dict.fromkeys(SPACE, number / 10)
        journal.append({"event": "trial", "trial": number, "config": config, "time": 0.0})
        values = {"loss": float(number), "speed": 9.0} if number < 5 else {"loss": 1.0}
        told = {"state": "finished", "value": 0.0, "last": 1.0, "iterations": 1, "values": values}
        journal.append({"event": "end", "trial": number, "time": 1.0, **told})
    journal.close()
    return folder


def test_earlier_runs_count_where_they_have_the_same_objectives(tmp_path: Path) -> None:
    sweep = load_sweep({"method": "nsga2", "metrics": GOALS, "parameters": SPACE})
    same = [{"name": "loss", "goal": "minimize"}, {"name": "speed", "goal": "maximize"}]
    found, _ = earlier_trials(sweep, [write(tmp_path / "a", same)])
    search: Any = searcher(sweep, 1)
    search.recall(found)
    assert [point.values for point in search.history] == [(float(n), -9.0) for n in range(1, 5)]
    found, (note,) = earlier_trials(
        sweep, [write(tmp_path / "b", [same[0], {"name": "size", "goal": "minimize"}])]
    )
    assert found == []
    assert "it has other objectives" in note
