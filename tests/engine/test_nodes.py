"""Which nodes are set aside: those on which trials keep failing while they succeed elsewhere, no others."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from itertools import count

import pytest

from hpo.engine.nodes import CHANCE, SHORTEST, Nodes
from hpo.engine.ongoing import ALIKE, EarlyFailures

Lasts = Callable[[random.Random, bool], float]
DURATIONS: dict[str, Lasts] = {
    "all as long": lambda rng, fails: 1 + rng.random() / 10,
    "of all lengths": lambda rng, fails: rng.expovariate(1.0),
    "failures are quick": lambda rng, fails: (1.0 if fails else 60.0) * (0.5 + rng.random()),
    "failures are slow": lambda rng, fails: (10.0 if fails else 1.0) * (0.5 + rng.random()),
}


def simulate(
    places: list[str], trials: int, rate: float, lasts: Lasts, rng: random.Random, sick: str = ""
) -> dict[str, int]:
    """Run so many trials, one slot for each place named; node → how many had failed when it was set aside."""
    nodes, aside, order = Nodes(), dict[str, int](), count()
    running: list[tuple[float, int, str, int, bool]] = []
    free, now = list(places), 0.0
    while trials or running:
        resting = [place for place in free if place in aside or nodes.rests(place, now)]
        free = [place for place in free if place not in resting]
        rng.shuffle(free)
        while free and trials:
            place, trials = free.pop(), trials - 1
            fails = place == sick or rng.random() < rate
            ends = now + lasts(rng, fails)
            heapq.heappush(running, (ends, next(order), place, nodes.began(place, now), fails))
        free += resting
        if not running:
            return aside
        if trials and any(place not in aside for place in resting) and running[0][0] > now + 1:
            now += 1
            continue
        now, _, place, number, fails = heapq.heappop(running)
        nodes.ended(number, "exit code 1" if fails else None, now)
        free.append(place)
        for found in nodes.sick(now):
            aside[found] = nodes.forget(found).length
    return aside


@pytest.mark.parametrize("lasts", DURATIONS.values(), ids=DURATIONS)
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("slots", [["a", "b"], list("aaaabbbb"), list("abcdefgh") * 2], ids="".join)
def test_where_trials_fail_as_often_on_all_nodes_none_is_set_aside(
    slots: list[str], rate: float, lasts: Lasts
) -> None:
    rng = random.Random(1)
    assert [simulate(slots, 200, rate, lasts, rng) for _ in range(15)] == [{}] * 15


@pytest.mark.parametrize("lasts", DURATIONS.values(), ids=DURATIONS)
@pytest.mark.parametrize("slots", [["a", "b"], list("aabb"), list("aabbccdd")], ids="".join)
def test_a_node_where_all_fail_is_set_aside_before_it_has_burnt_many(slots: list[str], lasts: Lasts) -> None:
    rng = random.Random(1)
    for _ in range(5):
        found = simulate(slots, 200, 0.0, lasts, rng, sick="a")
        assert list(found) == ["a"]
        assert SHORTEST <= found["a"] <= 10 + 10 * slots.count("a")


def test_many_successes_elsewhere_make_three_failures_enough() -> None:
    nodes = Nodes()
    failing = [nodes.began("a", 0.0) for _ in range(3)]
    nodes.ended(failing[0], "exit code 1", 1.0)
    for _ in range(200):
        nodes.ended(nodes.began("b", 1.0), None, 2.0)
    nodes.ended(failing[1], "exit code 1", 3.0)
    assert nodes.sick(3.0) == []
    nodes.ended(failing[2], "killed by SIGBUS", 3.0)
    assert nodes.sick(3.0) == ["a"]
    row = nodes.forget("a")
    assert (row.length, row.good, row.reasons.most_common(1)) == (3, 200, [("exit code 1", 2)])


def test_one_success_clears_a_node() -> None:
    nodes = Nodes()
    for _ in range(9):
        nodes.ended(nodes.began("a", 0.0), "exit code 1", 1.0)
    nodes.ended(nodes.began("a", 1.0), None, 2.0)
    for _ in range(1000):
        nodes.ended(nodes.began("b", 2.0), None, 3.0)
    nodes.ended(nodes.began("a", 3.0), "exit code 1", 4.0)
    assert nodes.sick(4.0) == []


def test_what_began_before_the_failures_says_nothing_about_them() -> None:
    nodes = Nodes()
    before = [nodes.began("b", 0.0) for _ in range(1000)]
    for _ in range(9):
        nodes.ended(nodes.began("a", 1.0), "exit code 1", 2.0)
    for number in before:
        nodes.ended(number, None, 3.0)
    assert nodes.sick(3.0) == []


def test_nothing_is_said_where_all_fail_everywhere() -> None:
    nodes = Nodes()
    for _ in range(100):
        for place in "ab":
            nodes.ended(nodes.began(place, 0.0), "exit code 1", 1.0)
    assert nodes.sick(1.0) == []


def test_the_chance_is_that_of_fishers_exact_test() -> None:
    from scipy.stats import hypergeom

    nodes = Nodes()
    first = [nodes.began("a", 0.0) for _ in range(5)]
    nodes.ended(first[0], "exit code 1", 1.0)
    for number in range(14):
        nodes.ended(nodes.began("b", 1.0), None if number < 12 else "exit code 1", 2.0)
    for number in first[1:]:
        nodes.ended(number, "exit code 1", 3.0)
    row = nodes.rows["a"]
    exact = hypergeom(5 + 14, 5 + 2, 5).pmf(5)
    assert row.chance() == pytest.approx(exact)
    assert row.chance(undecided=1) == pytest.approx(hypergeom(5 + 15, 5 + 3, 5).pmf(5))
    assert exact > CHANCE


def test_a_node_that_fails_quickly_waits_longer_and_longer_while_nobody_knows_better() -> None:
    nodes = Nodes()
    nodes.began("b", 0.0)
    now = begun = 0
    for now in range(1000):
        if not nodes.rests("a", float(now)):
            begun += 1
            nodes.ended(nodes.began("a", float(now)), "exit code 1", now + 0.5)
    assert SHORTEST < begun < 20
    nodes.ended(nodes.began("b", float(now)), "exit code 1", now + 1.0)
    assert not nodes.rests("a", now + 1.0)


def test_a_node_does_not_wait_where_none_runs_that_could_tell() -> None:
    nodes = Nodes()
    for _ in range(5):
        nodes.ended(nodes.began("a", 0.0), "exit code 1", 1.0)
    assert not nodes.rests("a", 1.0)
    assert nodes.rests("a", 1.0, coming=True)


def test_the_first_trials_failing_alike_end_a_run_only_if_another_node_saw_it_too() -> None:
    early = EarlyFailures()
    for number in range(ALIKE + 2):
        early.add("failed", f"exit code 1: line {number}", "a", ["the end", "of the log"])
    assert early.verdict(several=True) is None
    alone = early.verdict(several=False)
    early.add("failed", "exit code 1: line 9", "b", ["the end"])
    both = early.verdict(several=True)
    assert alone is not None
    assert both is not None
    assert alone.reason.splitlines()[1:] == ["    the end", "    of the log"]
    assert both.reason == "the first 6 trials failed alike: exit code 1: line 9\n    the end"
    early.add("finished", "", "b")
    assert early.verdict(several=False) is None
