"""A searcher in a process beside: the same suggestions as its own, ahead of time, and through its death."""

from __future__ import annotations

import copy
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
import ray
from ray.tune.search import Searcher

from hpo.engine.asking import IDLE, Asking, SideAsking, asking
from hpo.sweepfile.load import load_sweep
from hpo.tune.searchers import SpaceSearcher
from hpo.tune.translate import searcher

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_here")]

PARAMETERS = {
    "x": {"min": 0.0, "max": 1.0},
    "n": {"distribution": "normal", "mu": 3},
    "kind": {"values": ["a", None, [1, 2]]},
    "nest": {"parameters": {"lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0}}},
}
LONG = 1e6


def bayes(method: str = "bayes") -> SpaceSearcher:
    rule = {"type": "hyperband", "min_iter": 1}
    sweep = {"method": method, "metric": {"name": "loss"}, "parameters": PARAMETERS, "early_terminate": rule}
    return searcher(load_sweep(sweep), seed=4)


@pytest.fixture
def beside() -> Iterator[SideAsking]:
    made = asking(bayes(), 1)
    assert isinstance(made, SideAsking)
    yield made
    made.close()


def wait(asked: Asking, number: int) -> Any:
    """The configuration of a trial once there is one."""
    deadline = time.monotonic() + 60
    while (config := asked.suggest(number)) is None:
        assert time.monotonic() < deadline
        turns = asked.refs
        assert turns, "nothing would wake the loop"
        ray.wait(turns, timeout=60)
    return config


def result(number: int, config: Any) -> tuple[dict[str, Any] | None, bool]:
    """What becomes of a trial; some fail, some end without a word."""
    if number % 7 == 3:
        return None, number % 2 == 0
    return {"loss": (config["x"] - 0.3) ** 2 + abs(config["n"]) + config["nest"]["lr"]}, False


def one_by_one(asked: Asking, numbers: range) -> list[Any]:
    configs = []
    for number in numbers:
        configs.append(wait(asked, number))
        values, error = result(number, configs[-1])
        if values:
            asked.result(str(number), {"loss": values["loss"] + 1, "training_iteration": 1})
            values = {**values, "training_iteration": 3} if number % 2 else None
        asked.complete(str(number), values, error=error)
    return configs


def directly(count: int, method: str = "bayes") -> list[Any]:
    return one_by_one(Asking(bayes(method)), range(1, count + 1))


def kill(asked: SideAsking) -> None:
    os.kill(ray.get(asked.actor.__ray_call__.remote(lambda self: os.getpid())), signal.SIGKILL)


@pytest.mark.parametrize("method", ["bohb", "cmaes", "gp"])
def test_a_model_that_knows_more_than_values_is_told_it_beside_too(method: str) -> None:
    count = 14 if method == "gp" else 25
    made = asking(bayes(method), 1)
    made.pace(1, LONG)
    assert one_by_one(made, range(1, count + 1)) == directly(count, method)
    made.close()


def test_the_random_beginning_waits_for_nothing(beside: SideAsking) -> None:
    assert [beside.suggest(number) for number in range(1, 11)] == directly(10)


def test_the_side_process_starts_while_each_slot_has_two_trials_of_the_random_beginning_left(
    beside: SideAsking,
) -> None:
    """Its start takes as long as many a trial; a run that ends before needs none."""
    beside.pace(2, LONG)
    begun = []
    for number in range(1, 8):
        beside.suggest(number)
        begun.append(beside.actor is not None)
    assert begun == [False] * 6 + [True]  # ten begin at random


def test_a_searcher_is_asked_when_it_is_time_and_ahead_where_it_holds_up_slots(beside: SideAsking) -> None:
    beside.pace(4, LONG)
    one_by_one(beside, range(1, 14))
    assert beside.refs == []
    assert beside.suggest(14) is None
    assert beside.refs
    wait(beside, 14)
    assert beside.refs == []
    beside.pace(4, 2 * min(beside.seconds) / IDLE)  # four slots wait twice as long as they may, one would not
    assert beside.refs
    beside.pace(4, 0.001)
    while beside.refs:
        ray.wait(beside.refs, timeout=60)
    assert all(beside.suggest(number) for number in range(15, 19))


def test_with_one_slot_the_suggestions_are_those_of_the_searcher_itself_even_when_its_process_dies(
    beside: SideAsking,
) -> None:
    beside.pace(1, LONG)
    before = one_by_one(beside, range(1, 19))
    assert beside.notes == []
    kill(beside)
    assert before + one_by_one(beside, range(19, 26)) == directly(25)
    assert len(beside.notes) == 1


def test_where_no_side_process_lives_the_searcher_is_asked_here(beside: SideAsking) -> None:
    beside.pace(1, LONG)
    before = one_by_one(beside, range(1, 12))
    kill(beside)  # while idle: a turn under way may be answered before the kill arrives
    deadline = time.monotonic() + 60
    while (config := beside.suggest(12)) is None:
        assert time.monotonic() < deadline
        turns = beside.refs
        if turns:
            ray.kill(beside.actor)
            ray.wait(turns, timeout=60)
    assert [*before, config] == directly(12)
    assert len(beside.notes) == 3


def test_the_searcher_comes_back_with_all_that_it_was_told(beside: SideAsking) -> None:
    beside.pace(4, 0.001)
    one_by_one(beside, range(1, 14))
    ray.wait(beside.refs, timeout=60)
    back = beside.close()
    assert back.suggested == 13  # those made ahead are taken back
    expected = one_by_one(Asking(copy.deepcopy(back)), range(14, 17))
    again = asking(back, 14)
    again.pace(1, LONG)
    assert one_by_one(again, range(14, 17)) == expected
    again.close()


def test_a_grid_is_asked_here_and_ends() -> None:
    sweep = load_sweep({"method": "grid", "parameters": {"a": {"values": [1, 2]}}})
    grid = asking(searcher(sweep, 0), 1)
    assert [grid.suggest(number) for number in (1, 2, 3)] == [{"a": 1}, {"a": 2}, Searcher.FINISHED]
    assert grid.refs == []
