"""What a model-based searcher has suggested and learnt, kept to a size that does not grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Worth = float | tuple[float, ...]
"""What a trial came to, smaller is better: its value, or one for each of several objectives."""


@dataclass(frozen=True)
class Memory:
    """How many finished trials a sampler sees; the cost of a suggestion follows from it.

    Once `slack` more than `most` came together, the least telling are let go, down to `most`.
    Kept are the best and the newest, half of each: TPE sets its 25 best apart and weighs the others by age.
    With several objectives, the best are those that the fewest others dominate.
    A share `cover` is taken from the newest and given to others, evenly by rank, for a model that must know
    the bad regions too.
    """

    most: int = 1000
    slack: int = 250
    cover: float = 0.0

    def bounded(self, finished: list[Point]) -> list[Point]:
        """Finished points in the order of their ends, the same list where nothing is to be let go."""
        if len(finished) < self.most + self.slack:
            return finished
        newest = self.most // 2 - round(self.cover * self.most)
        older, kept = finished[:-newest], finished[-newest:]
        worse = _beaten(older)
        ranked = sorted(range(len(older)), key=lambda place: (worse[place], older[place].value, place))
        best, others = ranked[: self.most // 2], ranked[self.most // 2 :]
        count = self.most - newest - len(best)
        best += [others[place * len(others) // count] for place in range(count)]
        return [older[place] for place in sorted(best)] + kept


@dataclass
class Point:
    """One suggestion: its place in the sequence, where it is on Optuna's axes, its value once it has one.

    `params` is None for a point of the beginning: the seed and `index` say where that is; points of earlier
    runs have negative indices. Of two values the smaller is better. `marks` is what the sampler noted on it,
    `number` its trial in the study that was made last, `cell` its number among the configurations of a space
    in which none is to come twice: there it says where the point is, even one of the beginning.
    """

    index: int
    params: dict[str, Any] | None = None
    value: float | None = None
    marks: dict[str, Any] = field(default_factory=dict)
    number: int = -1
    values: tuple[float, ...] = ()
    """Of several objectives, all values; `value` is the first."""
    cell: int | None = None

    def tell(self, worth: Worth | None) -> None:
        """Set its value, or values."""
        if isinstance(worth, tuple):
            self.value, self.values = worth[0], worth
        else:
            self.value = worth


def _beaten(points: list[Point]) -> list[int]:
    """How many others dominate each point, where there are several objectives; else all alike."""
    if not points or not points[0].values:
        return [0] * len(points)
    import numpy as np

    values = np.array([point.values for point in points])
    found = []
    for own in values:
        nowhere_worse, somewhere_better = (values <= own).all(axis=1), (values < own).any(axis=1)
        found.append(int((nowhere_worse & somewhere_better).sum()))
    return found


def stand_in(marks: Mapping[str, Any]) -> dict[str, Any]:
    """The marks of a point that takes another's place: a place of CMA-ES's own in the cube is not its."""
    own = "x_for_tell" in marks
    return {key: value for key, value in marks.items() if not own or "optimizer" in key}
