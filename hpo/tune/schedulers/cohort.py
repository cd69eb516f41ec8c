"""A group of trials that successive halving compares with each other, none of which has to wait."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpo.tune.schedulers.rung import Rung


class Cohort:
    """The first `size` trials to come to the first rung; the best of them go on, rung by rung.

    At a rung the best ⌊n / eta⌋ of the n that got there go on, one at least (Li et al. 2017). A rung is
    settled when all that could come to it have, or ended before. A trial is named a loser as soon as it is
    certain that it will not be among the best, which is at the latest when its rung is settled.
    """

    def __init__(self, rungs: Sequence[int], eta: float, size: int) -> None:
        self.rungs = [Rung(at) for at in rungs]
        self._size, self._members = size, 0
        self._quotas: list[int] = []
        for _ in rungs:
            size = max(1, math.floor(size / eta))
            self._quotas.append(size)
        self._in: set[str] = set()
        """Trials that run, or ended well: not those that lost, failed or diverged."""
        self._ended: set[str] = set()

    @property
    def full(self) -> bool:
        """Whether nobody joins any more."""
        return self._members == self._size

    def arrive(self, name: str, place: int, score: float) -> bool:
        """A trial comes to rung number `place`, perhaps its first here; False if its score is no number."""
        if name not in self._in:
            self._members += 1
            self._in.add(name)
        for rung in self.rungs[: place + 1]:  # a report that skips rungs keeps nobody waiting there
            if name not in rung.placed:
                rung.add(name, score)
        if not math.isfinite(score):
            self.fail(name)
        return math.isfinite(score)

    def end(self, name: str) -> None:
        """A trial has ended well: its scores stay, and no higher rung waits for it."""
        self._ended.add(name)

    def fail(self, name: str) -> None:
        """A trial is out: its place at every rung is free for the next best."""
        self._in.discard(name)
        for rung in self.rungs:
            rung.drop(name)

    def losers(self) -> list[str]:
        """Trials that will certainly not be among the best of their rung; each is named once."""
        lost: list[str] = []
        contenders, settled = set(self._in), self.full
        for rung, quota in zip(self.rungs, self._quotas, strict=True):
            here = sorted((name for name in contenders if name in rung.placed), key=rung.placed.__getitem__)
            out = set(here[quota:])
            lost += [name for name in here if name in out and name not in self._ended]
            settled = settled and contenders - set(here) <= self._ended
            if not settled:
                break
            contenders = set(here) - out
        for name in lost:
            self._in.discard(name)
        return lost
