"""Trials with several objectives → those that no other one beats in all of them: the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hpo.record.trial import TrialRecord
from hpo.record.trials import RunRecord, rank


def front(record: RunRecord) -> list[TrialRecord]:
    """The sound trials of a run that are not dominated, best first by the first objective.

    A trial dominates another that is nowhere better and somewhere worse. Trials that still run, failed or
    lack a value take no part; of equal ones all are there.
    """
    ended = [trial for trial in record.trials if trial.state in ("finished", "stopped")]
    points = {trial.number: point for trial in ended if (point := _point(trial, record.goals))}
    best = undominated(list(points.values()))
    kept = [trial for trial in ended if trial.number in points and points[trial.number] in best]
    return sorted(kept, key=lambda trial: (points[trial.number], trial.number))


def ordered(record: RunRecord) -> list[TrialRecord]:
    """Trials best first: by value, or with several objectives the front and then the others by value."""
    if not record.goals:
        return rank(record.trials, record.goal)
    first = front(record)
    there = {trial.number for trial in first}
    return first + rank((t for t in record.trials if t.number not in there), record.goal)


def undominated(points: Sequence[tuple[float, ...]]) -> set[tuple[float, ...]]:
    """The points that no other one dominates, smaller being better everywhere."""
    kept: list[tuple[float, ...]] = []
    for point in sorted(set(points)):  # whoever dominates a point stands before it
        if len(point) == 2:
            if not kept or point[1] < kept[-1][1]:
                kept.append(point)
        elif not any(all(map(float.__le__, other, point)) for other in kept):
            kept.append(point)
    return set(kept)


def _point(trial: TrialRecord, goals: Mapping[str, str]) -> tuple[float, ...] | None:
    """A trial's values, turned so that smaller is better; None where one is missing."""
    values = [trial.values.get(name) for name in goals]
    found = [float(value) for value in values if value is not None and math.isfinite(value)]
    if not goals or len(found) < len(goals):
        return None
    return tuple(-x if goal == "maximize" else x for x, goal in zip(found, goals.values(), strict=True))
