"""Learning curves from the trials' metrics files: some of the trials, some of the points, and says so."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Any

from hpo.record.metrics import read_rows
from hpo.record.objective import objective_of
from hpo.record.trials import rank
from hpo.review.report.facts import Facts, short

CURVES = 150
"""So many are drawn at the most."""
BEST = 20
"""Of these the best ones, the others by chance."""
POINTS = 120
"""Of a curve, at even distances; the last one is always there."""


def curves(facts: Facts) -> dict[str, Any] | str:
    """Lines of (iteration, value), or why there are none."""
    metric = facts.record.metric
    if metric is None:
        return "the sweep names no metric"
    chosen = _chosen(facts)
    lines: list[dict[str, Any]] = []
    longest = 0
    for number in chosen:
        points = _points(facts, number)
        longest = max(longest, len(points))
        if any(math.isfinite(value) for _, value in points):
            shown = _thinned(points)
            lines.append({"trial": number, "x": [x for x, _ in shown], "y": [short(y) for _, y in shown]})
    if not lines:
        return "no trial has logged a value yet"
    if all(len(line["x"]) < 2 for line in lines):
        return "each trial logged one value: there is nothing to draw a line through"
    return {
        "lines": lines,
        "rungs": list(facts.rungs),
        "milestones": facts.population,
        "said": _said(facts, len(lines), longest),
    }


def _chosen(facts: Facts) -> list[int]:
    """The best ones and a sample of the others, the same whenever it is asked for."""
    numbers = [trial.number for trial in rank(facts.trials, facts.record.goal)]
    if len(numbers) <= CURVES:
        return numbers
    return numbers[:BEST] + sorted(random.Random(0).sample(numbers[BEST:], CURVES - BEST))


def _points(facts: Facts, number: int) -> list[tuple[int, float]]:
    objective = objective_of(facts.record)
    points = []
    for row in _rows(facts, number):
        value = objective.add_row(row)
        if value is not None:
            points.append((objective.iterations, value))
    return points


def _rows(facts: Facts, number: int) -> Iterable[dict[str, Any]]:
    try:
        yield from read_rows(facts.record.directory, number)
    except OSError:  # it may be gone, or not ours to read: the record is enough for all else
        return


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    if len(points) <= POINTS:
        return points
    return [points[round(k * (len(points) - 1) / (POINTS - 1))] for k in range(POINTS)]


def _said(facts: Facts, drawn: int, longest: int) -> str:
    total = len(facts.trials)
    text = f"All {drawn} trials that logged a value."
    if total > CURVES:
        text = f"{drawn} of {total:,} trials: the best {BEST}, and others drawn by chance."
    if longest > POINTS:
        text += f" Of a curve at most {POINTS} points are shown, at even distances."
    return text
