from __future__ import annotations

import math
import random
import statistics

import pytest

from hpo.engine.scheduling import Scheduling
from hpo.tune.schedulers import MEAN, TIME
from hpo.tune.schedulers.median import WINDOW
from tests.tune.simulated import Run, curves, scheduling

RULE = {"type": "median", "min_samples": 3}


def told(to: Scheduling, name: str, losses: list[float]) -> list[str]:
    """A trial's whole history; it is completed if it is not stopped."""
    to.add(name, {})
    decisions = []
    for t, loss in enumerate(losses, 1):
        decisions.append(to.result(name, {TIME: t, "loss": loss}))
        if decisions[-1] == "STOP":
            break
    to.complete(name, {TIME: len(losses), "loss": losses[-1]}, error=False)
    return decisions


def test_the_best_so_far_is_held_against_the_median_of_running_averages() -> None:
    median = scheduling(RULE)
    for name, losses in {"a": [3.0, 1.0], "b": [4.0, 2.0], "c": [5.0, 3.0]}.items():
        assert told(median, name, losses) == ["CONTINUE"] * 2  # nothing to compare with yet
    # running averages at 2 are 2, 3 and 4
    assert told(median, "d", [4.0, 3.5]) == ["CONTINUE", "STOP"]  # 3.5 > 3, although 3.75 is not its average
    assert told(median, "e", [4.1]) == ["STOP"]  # median of 3, 4, 5 and d's 4
    assert told(median, "f", [3.2, 9.0]) == ["CONTINUE"] * 2
    assert told(median, "g", [2.9, 9.0, 9.0]) == ["CONTINUE"] * 3  # nobody came to 3


def test_maximize_is_the_mirror_image() -> None:
    median = scheduling(RULE, "maximize")
    for number in range(3):
        told(median, str(number), [0.5, 0.6])
    assert told(median, "worse", [0.4]) == ["STOP"]
    assert told(median, "better", [0.5, 0.6]) == ["CONTINUE"] * 2


def test_grace_and_samples() -> None:
    patient = scheduling({"type": "median", "min_iter": 3, "min_samples": 5})
    for number in range(4):
        told(patient, str(number), [1.0] * 3)
    assert told(patient, "bad", [9.0] * 3) == ["CONTINUE"] * 3
    assert told(patient, "bad too", [9.0] * 4) == ["CONTINUE", "CONTINUE", "STOP"]


def test_nobody_is_judged_before_three_have_completed_unless_asked() -> None:
    median = scheduling({"type": "median"})
    for number in range(3):
        assert told(median, str(number), [1.0 + number]) == ["CONTINUE"]
    assert told(median, "bad", [9.0]) == ["STOP"]


def test_running_and_failed_trials_do_not_count_and_stopped_ones_do() -> None:
    median = scheduling(RULE)
    for number in range(5):
        median.add(str(number), {})
        median.result(str(number), {TIME: 1, "loss": 0.1})
    assert told(median, "while others run", [9.0]) == ["CONTINUE"]
    for number in range(5):
        median.complete(str(number), None, error=number % 2 == 0)
    assert told(median, "after others failed", [9.0]) == ["CONTINUE"]
    assert told(median, "the third", [0.2]) == ["CONTINUE"]
    assert told(median, "stopped", [9.1]) == ["STOP"]
    assert told(median, "as good as the median", [9.0]) == ["CONTINUE"]


def test_no_number_is_worst() -> None:
    median = scheduling(RULE)
    for number in range(3):
        told(median, str(number), [1.0, 1.0])
    assert told(median, "nan", [math.nan]) == ["STOP"]
    assert told(median, "was good", [0.5, math.nan]) == ["CONTINUE"] * 2


def test_the_driver_may_say_the_average() -> None:
    for said, decision in ((2.0, "CONTINUE"), (0.5, "STOP")):
        median = scheduling(RULE)
        for number in range(3):
            median.add(str(number), {})
            median.result(str(number), {TIME: 2, "loss": 1.0, MEAN: said})
            median.complete(str(number), {TIME: 2, "loss": 1.0}, error=False)
        median.add("x", {})
        assert median.result("x", {TIME: 2, "loss": 1.5, MEAN: 1.5}) == decision


def test_nobody_is_ever_paused_and_half_of_the_work_is_saved() -> None:
    run = Run(scheduling(RULE), curves(300), longest=60, slots=8, checkpointed=lambda n: True).run()
    assert {trial.end for trial in run.trials} == {"stopped", "finished"}
    assert sum(run.iterations) < 0.7 * 300 * 60
    best = min(range(300), key=lambda number: run.curves[number](10**9))
    assert run.trials[best].end == "finished"


def test_memory_is_bounded() -> None:
    median = scheduling({"type": "median", "min_samples": 10**6})
    drawn = random.Random(1)
    losses = [drawn.random() for _ in range(3 * WINDOW)]
    for number, loss in enumerate(losses):
        told(median, str(number), [loss])
    kept = median.scheduler._completed
    assert len(kept[1]) == WINDOW
    assert kept[1].median == pytest.approx(statistics.median(losses[-WINDOW:]))
    for t in range(1, 5000):
        if t == 1:
            median.add("long", {})
        median.result("long", {TIME: t, "loss": 1.0})
    assert len(median.scheduler._running["long"].averages) < 100
