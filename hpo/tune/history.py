"""What a model-based searcher has suggested and learnt, kept to a size that does not grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

HISTORY = 1000
"""Finished trials that a sampler sees at least, where there are so many: the cost of a suggestion is
proportional to them."""
SLACK = 250
"""So many more come together before the least telling are let go."""


@dataclass
class Point:
    """One suggestion: its place in the sequence, where it is on Optuna's axes, its value once it has one.

    `params` is None for a point of the random beginning: the seed and `index` say where that is. Of two
    values the smaller is better. `number` is its trial in the study that was made last.
    """

    index: int
    params: dict[str, Any] | None = None
    value: float | None = None
    number: int = -1


def bounded(finished: list[Point]) -> list[Point]:
    """Finished points in the order of their ends, no more than HISTORY of them once SLACK too many came.

    Kept are the best and the newest, half of each: TPE sets its 25 best apart and weighs the others by age.
    """
    if len(finished) < HISTORY + SLACK:
        return finished
    older, newest = finished[: -HISTORY // 2], finished[-HISTORY // 2 :]
    ranked = sorted(range(len(older)), key=lambda place: (older[place].value, place))
    return [older[place] for place in sorted(ranked[: HISTORY - len(newest)])] + newest
