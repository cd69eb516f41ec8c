from __future__ import annotations

import math
import random
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from ray.tune.schedulers import AsyncHyperBandScheduler

from hpo.engine.scheduling import Scheduling
from hpo.tune.schedulers import TIME
from tests.tune.simulated import Run, curves, scheduling

ASHA = {"type": "asha", "min_iter": 1, "eta": 3, "max_iter": 81}
HYPERBANDS = {"type": "async_hyperband", "max_iter": 81}


def told(to: Scheduling, name: str, iteration: int, loss: Any) -> str:
    if name not in to.trials:
        to.add(name, {})
    return to.result(name, {TIME: iteration, "loss": loss})


def test_it_is_rays_scheduler_and_says_how_far_trials_came() -> None:
    asha = scheduling(ASHA)
    told(asha, "a", 1, 0.5)
    assert isinstance(asha.scheduler, AsyncHyperBandScheduler)
    assert "Iter 1: 1" in asha.scheduler.debug_string()


@pytest.mark.parametrize("value", [math.nan, None, math.inf, -math.inf, "NaN", np.float32("nan")])
@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_what_is_no_number_is_worst_and_stopped_at_a_rung(value: Any, goal: str) -> None:
    asha = scheduling(ASHA, goal)
    assert told(asha, "first", 1, value) == "STOP"
    assert told(asha, "second", 1, 5.0) == "CONTINUE"
    assert told(asha, "second", 2, value) == "CONTINUE"
    assert told(asha, "second", 3, value) == "STOP"


def test_numbers_of_numpy_are_numbers() -> None:
    asha = scheduling(ASHA)
    assert told(asha, "a", 1, np.float32(0.5)) == "CONTINUE"
    assert told(asha, "b", 1, np.float64(0.6)) == "STOP"


def test_a_result_without_the_metric_is_no_iteration() -> None:
    asha = scheduling(ASHA)
    asha.add("a", {})
    assert asha.result("a", {TIME: 1, "other": 1.0}) == "CONTINUE"
    assert told(asha, "b", 1, 9.0) == "CONTINUE"


def test_a_report_that_skips_rungs_is_judged_at_the_highest_only() -> None:
    asha = scheduling({"type": "asha", "min_iter": 1, "eta": 2, "max_iter": 9})
    for name, loss in [("a", 0.1), ("b", 0.05)]:
        assert told(asha, name, 1, loss) == told(asha, name, 2, loss) == "CONTINUE"
    assert told(asha, "jumps", 5, 0.5) == "CONTINUE"  # the first at 4; far worse than all at 1 and 2
    assert told(asha, "jumps", 6, 0.5) == told(asha, "jumps", 7, 0.5) == "CONTINUE"
    assert told(asha, "c", 1, 0.07) == "CONTINUE"  # and its late value is no mark at the rungs it skipped


def test_rungs_have_no_hidden_end() -> None:
    asha = scheduling({"type": "asha", "min_iter": 50, "eta": 3})
    assert all(told(asha, "best", t, 0.1) == "CONTINUE" for t in range(1, 500))
    assert told(asha, "worse", 50, 0.05) == told(asha, "worse", 150, 0.05) == "CONTINUE"
    assert told(asha, "worse", 450, 0.2) == "STOP"


@pytest.mark.parametrize(("highest", "least", "eta", "top"), [(243, 1, 3, 81), (1000, 1, 10, 100)])
def test_the_last_rung_is_not_lost_to_floats(highest: int, least: int, eta: int, top: int) -> None:
    asha = scheduling({"type": "asha", "min_iter": least, "eta": eta, "max_iter": highest})
    assert told(asha, "good", top, 0.1) == "CONTINUE"
    assert told(asha, "bad", top, 0.2) == "STOP"
    sweep = scheduling({"type": "async_hyperband", "min_iter": least, "eta": eta, "max_iter": highest})
    assert f"Iter {least}: 0" in sweep.scheduler.debug_string()
    assert f"Iter {top}: 0" in sweep.scheduler.debug_string()


def test_of_trials_that_are_all_alike_one_in_eta_goes_on() -> None:
    asha = scheduling(ASHA)
    passed = [told(asha, str(i), 1, 0.1) for i in range(900)].count("CONTINUE")
    assert passed == pytest.approx(300, abs=45)
    asha = scheduling(ASHA)
    good_or_bad = [told(asha, str(i), 1, 0.2 - 0.1 * (i % 2)) for i in range(900)]
    assert good_or_bad[2::2].count("CONTINUE") == 0
    assert good_or_bad[1::2].count("CONTINUE") == pytest.approx(300, abs=45)


def test_a_trial_that_is_tried_again_keeps_its_bracket_and_its_decisions() -> None:
    hyperbands = scheduling(HYPERBANDS, seed=3)
    names = [str(i) for i in range(40)]
    for name in names:
        hyperbands.add(name, {})
    assert isinstance(hyperbands.scheduler, AsyncHyperBandScheduler)
    before = dict(hyperbands.scheduler._trial_info)
    for name in names:
        hyperbands.complete(name, None, error=False)
        hyperbands.add(name, {})
    assert hyperbands.scheduler._trial_info == before
    asha = scheduling(ASHA)
    assert told(asha, "a", 1, 0.3) == "CONTINUE"
    asha.complete("a", None, error=False)
    assert told(asha, "b", 1, 0.2) == "CONTINUE"
    assert told(asha, "a", 1, 0.3) == "CONTINUE"
    assert told(asha, "c", 1, 0.25) == "STOP"


def brackets_of(seed: int, count: int) -> list[int]:
    hyperbands = scheduling(HYPERBANDS, seed=seed)
    for number in range(count):
        hyperbands.add(str(number), {})
    scheduler: Any = hyperbands.scheduler
    places = {id(bracket): place for place, bracket in enumerate(scheduler._brackets)}
    return [places[id(scheduler._trial_info[str(number)])] for number in range(count)]


def test_brackets_get_hyperbands_shares_by_the_seed() -> None:
    drawn = brackets_of(1, 1430)
    shares = [drawn.count(bracket) / len(drawn) for bracket in range(5)]
    assert shares == pytest.approx([n / 143 for n in (81, 34, 15, 8, 5)], abs=0.004)
    few = brackets_of(2, 29)
    assert [abs(few.count(b) - 29 * n / 143) < 1.5 for b, n in enumerate((81, 34, 15, 8, 5))] == [True] * 5
    assert brackets_of(1, 1430) == drawn
    assert brackets_of(2, 1430) != drawn


def test_one_in_eta_passes_each_rung_as_in_the_paper() -> None:
    run = Run(scheduling(ASHA), curves(2000), slots=25).run()
    passed = [run.reached(rung) for rung in (0, 1, 3, 9, 27)]
    shares = [after / before for before, after in pairwise(passed)]
    # Curves that stay good are ranked among ever better ones: only the first rung sees them all.
    assert shares[0] == pytest.approx(1 / 3, abs=0.02)
    best = min(range(2000), key=lambda number: run.curves[number](10**9))
    assert run.trials[best].end == "finished"
    assert sum(run.iterations) < 2000 * 81 / 10


def test_one_in_eta_passes_each_rung_where_ranks_are_independent() -> None:
    drawn = random.Random(5)
    run = Run(scheduling(ASHA), [lambda t: drawn.random()] * 3000, slots=25).run()
    passed = [run.reached(rung) for rung in (0, 1, 3, 9, 27)]
    for n, (before, after) in enumerate(pairwise(passed)):
        assert after == pytest.approx(before / 3, rel=0.1 * 2**n), passed


def test_the_brackets_together_stop_as_hyperband_says() -> None:
    drawn = random.Random(5)
    run = Run(scheduling(HYPERBANDS, seed=4), [lambda t: drawn.random()] * 1430, slots=25).run()
    ends = [sum(trial.done == at for trial in run.trials) for at in (1, 3, 9, 27, 81)]
    # By the paper's table for R = 81: of n_s trials of bracket s so many end at each rung.
    table = [[54, 18, 6, 2, 1], [0, 23, 8, 2, 1], [0, 0, 10, 3, 2], [0, 0, 0, 5, 3], [0, 0, 0, 0, 5]]
    expected = [10 * sum(row[place] for row in table) for place in range(5)]
    assert sum(expected) == 1430
    assert ends == pytest.approx(expected, rel=0.15, abs=15)


def test_a_better_learner_is_kept_whatever_the_goal() -> None:
    for goal, sign in (("minimize", 1), ("maximize", -1)):
        asha = scheduling(ASHA, goal)
        assert told(asha, "a", 1, sign * 1.0) == "CONTINUE"
        assert told(asha, "b", 1, sign * 2.0) == "STOP"
        assert told(asha, "c", 1, sign * 0.5) == "CONTINUE"
