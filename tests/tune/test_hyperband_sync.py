from __future__ import annotations

import math
from collections import Counter

import pytest

from hpo.engine.scheduling import Scheduling
from hpo.tune.schedulers import TIME
from hpo.tune.schedulers.cohort import Cohort
from tests.tune.simulated import Run, curves, scheduling

RULE = {"type": "hyperband_sync", "max_iter": 27}


def told(to: Scheduling, name: str, iteration: int, loss: float) -> str:
    return to.result(name, {TIME: iteration, "loss": loss})


@pytest.mark.parametrize("slots", [1, 2, 4, 8, 32])
def test_early_stopping_stays_on_whatever_the_concurrency(slots: int) -> None:
    run = Run(scheduling(RULE), curves(98, noise=0.02), longest=27, slots=slots).run()
    assert sum(run.iterations) < (0.7 if slots == 1 else 0.6) * 98 * 27
    best = sorted(range(98), key=lambda number: run.curves[number](10**9))
    assert any(run.trials[number].end == "finished" for number in best[:5])


def test_a_machine_with_room_for_a_bracket_halves_as_the_paper_does() -> None:
    run = Run(scheduling(RULE), curves(27), longest=27, slots=27).run()
    passed = [run.reached(rung) for rung in (0, 1, 3, 9)]
    assert passed[0] == 27  # and all run on until the last of them is at the rung
    assert sum(trial.end == "finished" for trial in run.trials) == 1
    assert min(range(27), key=lambda n: run.curves[n](100)) == int(
        next(t.trial_id for t in run.trials if t.end == "finished")
    )


def test_brackets_are_filled_in_the_papers_order_and_numbers() -> None:
    sync = scheduling(RULE)
    for number in range(2 * (27 + 12 + 6 + 4)):
        sync.add(str(number), {})
    scheduler = sync.scheduler
    assert list(Counter(scheduler._bracket.values()).items()) == [(0, 54), (1, 24), (2, 12), (3, 8)]
    assert scheduler._bracket["27"] == scheduler._bracket["76"] == 1
    assert "[54, 24, 12, 8]" in scheduler.debug_string()


def test_nobody_stops_before_it_is_certain_to_be_outside_the_best() -> None:
    cohort = Cohort([1, 3], 3, size=6)
    for place, name in enumerate("abcdef"):
        assert cohort.arrive(name, 0, [0.3, 0.4, 0.5, 0.1, 0.35, 0.2][place])
        assert cohort.losers() == {2: ["c"], 3: ["b"], 4: ["e"], 5: ["a"]}.get(place, [])
    assert cohort.full
    assert cohort.arrive("d", 1, 0.1)
    assert cohort.losers() == []
    assert cohort.arrive("f", 1, 0.05)
    assert cohort.losers() == ["d"]


def test_a_higher_rung_waits_until_the_lower_is_settled() -> None:
    cohort = Cohort([1, 3], 2, size=4)
    for name, score in [("a", 0.1), ("b", 0.2), ("c", 0.3)]:
        cohort.arrive(name, 0, score)
    assert cohort.losers() == ["c"]
    cohort.arrive("a", 1, 0.5)
    cohort.arrive("b", 1, 0.4)
    assert cohort.losers() == []  # d may still put b out at the first rung
    cohort.arrive("d", 0, 0.05)
    assert cohort.losers() == ["b"]
    cohort.arrive("d", 1, 0.6)
    assert cohort.losers() == ["d"]


def test_who_has_ended_or_failed_keeps_nobody_waiting() -> None:
    cohort = Cohort([1, 3], 2, size=4)
    for name, score in [("a", 0.1), ("b", 0.2), ("c", 0.3), ("d", 0.4)]:
        cohort.arrive(name, 0, score)
    assert cohort.losers() == ["c", "d"]
    cohort.arrive("b", 1, 0.5)
    cohort.end("a")
    assert cohort.losers() == []  # b alone is the best at 3
    failing = Cohort([1, 3], 2, size=4)
    for name, score in [("a", 0.1), ("b", 0.2), ("c", 0.3)]:
        failing.arrive(name, 0, score)
    failing.fail("a")
    failing.arrive("d", 0, 0.25)
    assert failing.losers() == ["c"]  # the third again, and a has left its place to b


def test_one_that_comes_again_after_a_failure_is_judged_by_its_new_score() -> None:
    cohort = Cohort([1, 3], 2, size=4)
    cohort.arrive("a", 0, 0.1)
    cohort.fail("a")
    for name, score in [("b", 0.2), ("c", 0.3), ("a", 0.9)]:
        cohort.arrive(name, 0, score)
    assert cohort.losers() == ["a"]


def test_no_number_stops_at_once() -> None:
    sync = scheduling(RULE)
    sync.add("a", {})
    assert told(sync, "a", 1, math.nan) == "STOP"
    sync.add("b", {})
    assert told(sync, "b", 1, 1.0) == "CONTINUE"


def test_a_trial_that_runs_ahead_is_stopped_by_a_later_one() -> None:
    sync = scheduling(RULE)
    for name in "abc":
        sync.add(name, {})
    assert [told(sync, "a", t, 0.5) for t in (1, 2)] == ["CONTINUE"] * 2
    assert sync.doomed() == []
    assert told(sync, "b", 1, 0.4) == "CONTINUE"
    assert sync.doomed() == ["a"]
    assert sync.doomed() == []
    assert told(sync, "a", 4, 0.5) == "STOP"  # a stock Tuner stops it at its next result


def test_the_same_run_gives_the_same_ends() -> None:
    first, second = [
        [t.done for t in Run(scheduling(RULE), curves(60), longest=27, slots=6, seed=3).run().trials]
        for _ in range(2)
    ]
    assert first == second
    assert len(set(first)) > 3
