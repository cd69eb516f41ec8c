"""Best value so far, against time and against CPU or GPU hours, beside the same trials in random order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.review.report.clock import busy_seconds
from hpo.review.report.facts import Facts, short, shorts

Array = NDArray[np.float64]
SHUFFLES = 100
GRID = 160
"""Times at which the reference is given."""
DOTS = 2000
"""Ends of trials that are shown as dots at the most."""
FEWEST = 3
"""Fewer trials have no order to speak of."""
BAND = (5.0, 50.0, 95.0)
"""Percentiles of the reference."""


def best_so_far(facts: Facts) -> dict[str, Any] | str:
    """Steps, dots and the reference; or why there are none."""
    if facts.record.metric is None:
        return "the sweep names no metric"
    points = _points(facts)
    if not points:
        return "no trial has a value yet"
    times, done = busy_seconds(facts.intervals)
    unit, each = ("GPU", facts.gpus) if facts.gpus else ("CPU", facts.cpus)

    def hours(at: float) -> float:
        return float(np.interp(at, times, done)) * each / 3600

    steps: list[list[Any]] = []
    for time, value, number in points:
        if not steps or facts.sign * value < facts.sign * steps[-1][2]:
            steps.append([short(facts.clock.at(time)), short(hours(time)), short(value), number])
    dots = _dots(facts)
    shown = dots[:: max(1, math.ceil(len(dots) / DOTS))]
    return {
        "steps": steps,
        "end": [short(facts.clock.whole), short(float(done[-1]) * each / 3600)],
        "dots": [[short(facts.clock.at(t)), short(hours(t)), short(v), n] for t, v, n in shown],
        "sampled": len(shown) < len(dots) and f"{len(shown):,} of {len(dots):,} trials are shown as dots",
        "unit": unit,
        "each": each,
        "reference": _reference(facts, float(done[-1]) * each / 3600),
    }


def _points(facts: Facts) -> list[tuple[float, float, int]]:
    """(unix time, value, trial) of all that reached the record, by time; each trial's best at its end."""
    found = []
    for trial in facts.sound:
        assert trial.value is not None
        found += [
            (time, value, trial.number)
            for _, value, time in trial.results
            if math.isfinite(value) and math.isfinite(time)
        ]
        if trial.ended is not None:
            found.append((trial.ended, trial.value, trial.number))
    return sorted(found)


def _dots(facts: Facts) -> list[tuple[float, float, int]]:
    """Each trial once: its best value at its end, or where it is."""
    ends = [(facts.seen if trial.ended is None else trial.ended, trial) for trial in facts.sound]
    return sorted((time, trial.value or 0.0, trial.number) for time, trial in ends)


def _reference(facts: Facts, hours: float) -> dict[str, Any] | str:
    """Best so far had the same trials come in random order: each takes its own time in the same slots."""
    if facts.population:
        return "no random order is shown: the trials of a population depend on each other"
    sound = {trial.number for trial in facts.sound}
    took: dict[int, float] = {}
    for one in facts.intervals:
        took[one.trial] = took.get(one.trial, 0.0) + one.end - one.begin
    numbers = sorted(took)
    begin, end = (facts.clock.at(edge) for edge in _ends(facts))
    if len(sound) < FEWEST or end <= begin:
        return f"no random order is shown: it takes {FEWEST} trials with a value"
    lanes = max(1, min(len(facts.lanes), len(numbers)))
    seconds = np.array([took[number] for number in numbers])
    # What a slot waited between trials belongs to the trials, so that both curves take the same time.
    seconds = seconds + max(0.0, lanes * (end - begin) - seconds.sum()) / len(numbers)
    place = {number: k for k, number in enumerate(numbers)}
    owner, offset, value = _results(facts, place, seconds)
    grid = np.linspace(begin, facts.clock.whole, GRID)
    rng = np.random.default_rng(0)
    curves = np.empty((SHUFFLES, GRID))
    begins = _begins(seconds, lanes, rng)
    for k in range(SHUFFLES):
        at = begin + begins[k][owner] + offset
        order = np.argsort(at, kind="stable")
        best = np.minimum.accumulate(value[order])
        where = np.searchsorted(at[order], grid, side="right") - 1
        curves[k] = np.where(where >= 0, best[np.maximum(where, 0)], np.nan)
    whole = ~np.isnan(curves).any(axis=0)
    low, middle, high = np.percentile(curves[:, whole], BAND, axis=0) * facts.sign
    share = np.clip((grid[whole] - begin) / (end - begin), 0.0, 1.0)
    return {
        "time": shorts(list(grid[whole])),
        "hours": shorts(list(share * hours)),
        "low": shorts(list(low)),
        "middle": shorts(list(middle)),
        "high": shorts(list(high)),
        "shuffles": SHUFFLES,
    }


def _ends(facts: Facts) -> tuple[float, float]:
    """When the first trial began and the last one ended."""
    if not facts.intervals:
        return 0.0, 0.0
    return min(one.begin for one in facts.intervals), max(one.end for one in facts.intervals)


def _results(facts: Facts, place: dict[int, int], seconds: Array) -> tuple[NDArray[np.int64], Array, Array]:
    """Trial, seconds since its start, value turned so that less is better; only what improves its trial."""
    owner, offset, value = [], [], []
    for trial in facts.sound:
        if trial.number not in place or trial.value is None:
            continue
        k, best = place[trial.number], math.inf
        for _, one, time in trial.results:
            if facts.sign * one < best and trial.started is not None and math.isfinite(time):
                best = facts.sign * one
                owner.append(k)
                offset.append(min(max(time - trial.started, 0.0), seconds[k]))
                value.append(best)
        if facts.sign * trial.value < best:
            owner.append(k)
            offset.append(seconds[k])
            value.append(facts.sign * trial.value)
    return np.array(owner, dtype=np.int64), np.array(offset), np.array(value)


def _begins(seconds: Array, lanes: int, rng: np.random.Generator) -> Array:
    """Each trial's begin in each shuffle, as slots take one trial after another."""
    count = len(seconds)
    orders = rng.permuted(np.tile(np.arange(count), (SHUFFLES, 1)), axis=1)
    free = np.zeros((SHUFFLES, lanes))
    begins = np.empty((SHUFFLES, count))
    rows = np.arange(SHUFFLES)
    for k in range(count):
        trial, lane = orders[:, k], free.argmin(axis=1)
        begins[rows, trial] = free[rows, lane]
        free[rows, lane] += seconds[trial]
    return begins
