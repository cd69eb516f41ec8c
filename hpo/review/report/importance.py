"""Which parameters mattered, at equal budget: PED-ANOVA beside linear correlation, rung by rung."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.record.lineage import generations_of
from hpo.record.trial import TrialRecord
from hpo.review.report.facts import Facts, short
from hpo.review.report.parameters import Parameter
from hpo.review.report.ped_anova import STEPS, best_share, divergence, on_grid

ENOUGH = 50
"""Fewer trials say little."""
FEWEST = 5
"""Fewer say nothing."""
MOST_BUDGETS = 6


@dataclass(frozen=True)
class Budget:
    """What trials came to with equal training: place of the trial → value, less being better."""

    label: str
    values: Mapping[int, float]


def importance(facts: Facts) -> dict[str, Any] | str:
    """A table a budget, or why there is none."""
    if facts.record.metric is None:
        return "the sweep names no metric"
    if not facts.parameters:
        return "no parameter takes more than one value"
    if facts.population:
        return _of_segments(facts)
    tables = [_table(facts, budget) for budget in budgets(facts)]
    if not any(table["rows"] for table in tables):
        return f"it takes {FEWEST} trials with a value"
    return {"of": "value", "tables": tables}


def budgets(facts: Facts) -> list[Budget]:
    """The rungs, far enough from each other, and the trials that came to their end."""
    found = []
    last = 0
    for rung in facts.rungs:
        values = _at_rung(facts, rung)
        if len(values) >= FEWEST and (rung >= 2 * last):
            found.append(Budget(f"iteration {rung:,}", values))
            last = rung
    # The lowest rungs have the most trials; of more than fit every other one would say the same.
    while len(found) >= MOST_BUDGETS:
        found = [one for k, one in enumerate(found) if k % 2 == 0 or k == 0]
    ended = {
        k: facts.sign * trial.value
        for k, trial in enumerate(facts.trials)
        if trial.state == "finished" and trial.value is not None and math.isfinite(trial.value)
    }
    if len(ended) >= FEWEST or not found:
        found.append(Budget("trials that ran to their end", ended))
    return found


def _at_rung(facts: Facts, rung: int) -> dict[int, float]:
    """What each trial had at exactly this iteration; a number that is none says nothing."""
    return {
        k: facts.sign * value
        for k, trial in enumerate(facts.trials)
        for iteration, value, _ in trial.results
        if iteration == rung and math.isfinite(value)
    }


def _table(facts: Facts, budget: Budget) -> dict[str, Any]:
    places = sorted(budget.values)
    values = np.array([budget.values[k] for k in places])
    columns = [[one.values[k] for k in places] for one in facts.parameters]
    return {"label": budget.label, **compared(facts.parameters, columns, values, facts.sign)}


def compared(
    parameters: Sequence[Parameter],
    columns: Sequence[Sequence[float | None]],
    values: NDArray[np.float64],
    turn: float,
) -> dict[str, Any]:
    """Importance and correlation of each parameter; `columns` hold one number a value.

    Less is better of `values`; what correlates is `turn` times them.
    """
    few = {"n": len(values), "grey": len(values) < ENOUGH, "rows": []}
    if len(values) < FEWEST:
        return few
    best = best_share(values)
    raw = [_divergence(p, column, best) for p, column in zip(parameters, columns, strict=True)]
    total = sum(raw)
    rows = [
        {
            "name": one.name,
            "share": short(amount / total) if total > 0 else 0,
            **_correlation(one, column, turn * values),
        }
        for one, column, amount in zip(parameters, columns, raw, strict=True)
    ]
    return {**few, "rows": sorted(rows, key=lambda row: -row["share"])}


def _divergence(parameter: Parameter, column: Sequence[float | None], best: NDArray[np.bool_]) -> float:
    """A missing value is a choice of its own; beside it numbers are fifths."""
    there = np.array([value is not None for value in column])
    numbers = np.array([math.nan if value is None else value for value in column])
    if parameter.labels:
        cells = np.where(there, np.nan_to_num(numbers), len(parameter.labels)).astype(np.int64)
        size = len(parameter.labels) + (not there.all())
        return divergence(cells, best, size, ordered=False)
    low, high = parameter.low or 0.0, parameter.high or 0.0
    known = numbers[there]
    if not there.all():
        steps = 5
        cells = np.full(len(numbers), steps, dtype=np.int64)
        cells[there] = on_grid(known, low, high, log=parameter.log, steps=steps)
        return divergence(cells, best, steps + 1, ordered=False)
    steps = min(STEPS, round(high - low) + 1) if parameter.whole and not parameter.log else STEPS
    cells = on_grid(known, low, high, log=parameter.log, steps=max(2, steps))
    return divergence(cells, best, max(2, steps), ordered=True)


def _correlation(
    parameter: Parameter, column: Sequence[float | None], values: NDArray[np.float64]
) -> dict[str, Any]:
    """Pearson's r, of the logarithm where the scale is one; for choices eta, which has no sign."""
    there = np.array([value is not None for value in column])
    x = np.array([value for value in column if value is not None])
    y = values[there]
    if len(x) < FEWEST or np.ptp(y) == 0 or np.ptp(x) == 0:
        return {"r": None}
    if parameter.labels:
        between = sum((x == k).sum() * (y[x == k].mean() - y.mean()) ** 2 for k in np.unique(x))
        return {"r": short(math.sqrt(float(between / ((y - y.mean()) ** 2).sum()))), "eta": True}
    if parameter.log:
        x = np.log(x)
    return {"r": short(float(np.corrcoef(x, y)[0, 1]))}


def _of_segments(facts: Facts) -> dict[str, Any] | str:
    """Of a population: of what a stretch of training gained, less what the others gained in the same one."""
    segments = _segments(facts)
    if len(segments) < FEWEST:
        return f"it takes {FEWEST} stretches of training between milestones"
    usual: dict[tuple[int, int], float] = {}
    for span in {one[0] for one in segments}:
        usual[span] = float(np.median([gain for other, _, gain in segments if other == span]))
    values = np.array([-(gain - usual[span]) for span, _, gain in segments])
    columns = [[one.number(config) for _, config, _ in segments] for one in facts.parameters]
    table = {"label": "gain of a stretch of training", **compared(facts.parameters, columns, values, -1.0)}
    return {"of": "gain", "tables": [table]}


def _segments(facts: Facts) -> list[tuple[tuple[int, int], dict[str, Any], float]]:
    """(first and last iteration, configuration, gain) between two results that stand beside each other."""
    milestones = set(facts.rungs)
    by_number = {trial.number: dict(_values(trial, milestones)) for trial in facts.trials}
    found = []
    for trial in facts.trials:
        known = sorted(by_number[trial.number])
        generations = generations_of(trial)
        for begin, end in pairwise(known):
            one = [g for g in generations if g.iteration <= begin][-1]
            before: float | None = by_number[trial.number][begin]
            if one.iteration == begin and one.donor is not None:  # it went on from another's state
                before = by_number.get(one.donor, {}).get(one.donor_iteration)
            if before is None or any(begin < g.iteration < end for g in generations):
                continue
            gain = facts.sign * (before - by_number[trial.number][end])
            found.append(((begin, end), one.config, gain))
    return found


def _values(trial: TrialRecord, milestones: set[int]) -> list[tuple[int, float]]:
    """(iteration, value) where all trials have one, and at its end."""
    values = [
        (iteration, value)
        for iteration, value, _ in trial.results
        if math.isfinite(value) and (iteration in milestones or not milestones)
    ]
    if trial.last is not None and math.isfinite(trial.last):
        values.append((trial.iterations, trial.last))
    return values
