"""One rung: the scores that trials had there, in order."""

from __future__ import annotations

import math
from bisect import bisect_left, insort


class Rung:
    """Scores at an iteration, less is better; of equal ones that with the lower lot is the better."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration
        self.placed: dict[str, tuple[float, float]] = {}
        """Trial → its score and its lot."""
        self._order: list[tuple[float, float]] = []
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._order)

    def add(self, name: str, score: float, lot: float | None = None) -> None:
        """A trial has come here; once only. Without a lot the earlier of equal ones is the better."""
        self.placed[name] = (score, self._arrivals if lot is None else lot)
        self._arrivals += 1
        insort(self._order, self.placed[name])

    def drop(self, name: str) -> None:
        """A trial counts no more."""
        if place := self.placed.pop(name, None):
            del self._order[bisect_left(self._order, place)]

    def rank(self, name: str) -> int:
        """How many are better than a trial that is here."""
        return bisect_left(self._order, self.placed[name])

    def finite(self, name: str) -> bool:
        """Whether the trial's score is a number."""
        return math.isfinite(self.placed[name][0])

    def passes(self, name: str, eta: float) -> bool:
        """Whether a trial is among the best 1/eta of those that are here, rounded up: the first one is."""
        return self.finite(name) and self.rank(name) * eta < len(self)

    def promotable(self, name: str, eta: float) -> bool:
        """The same, rounded down: one in fewer than eta trials is not."""
        return self.finite(name) and (self.rank(name) + 1) * eta <= len(self)


def reached(rungs: list[Rung], iteration: int) -> int:
    """Place of the highest rung that is reached, -1 for none; rungs ascend."""
    return bisect_left([rung.iteration for rung in rungs], iteration + 1) - 1
