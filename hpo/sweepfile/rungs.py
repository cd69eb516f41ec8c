"""Where trials are compared: rungs in iterations, and Hyperband's brackets of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hpo.space.distribution import Real

SLACK = 1e-9
"""Relative error of a float below which two numbers of iterations are one."""

RUNGS = 200
"""More make no sense of the rungs of one trial; an eta next to 1 would."""


@dataclass(frozen=True)
class Bracket:
    """Rungs that a share of all trials is compared at; with no rung they run to their own ends."""

    rungs: tuple[int, ...]
    trials: int
    """How many trials one round of Hyperband gives it."""
    share: float
    """Of all trials."""


def rising(min_iter: int, eta: Real, below: int | None = None) -> list[int]:
    """W&B's min_iter · eta^k for k = 0 … 99, each rounded down by itself, ascending; those under `below`."""
    rungs, rung = [], float(min_iter)
    for _ in range(100):
        if rung > 1e15 or (below is not None and int(rung) >= below):
            break
        rungs.append(int(rung))
        rung *= eta
    return sorted(set(rungs))


def falling(max_iter: int, eta: Real, s: int) -> list[int]:
    """W&B's max_iter / eta^k for k = 1 … s, each rounded down by itself, ascending; those of 1 and more."""
    rungs, rung = [], float(max_iter)
    for _ in range(s):
        rung /= eta
        if rung < 1:
            break
        rungs.append(int(rung))
    return sorted(set(rungs))


def too_many(min_iter: int, max_iter: int, eta: Real) -> bool:
    """Whether there are more rungs from min_iter to max_iter than any search has."""
    return math.log(max_iter) - math.log(min_iter) > RUNGS * math.log(eta)


def halvings(min_iter: int, max_iter: int, eta: Real) -> int:
    """The most k for which max_iter / eta^k is not below min_iter; no float error hides the last one."""
    count, rung = 0, float(max_iter)
    while rung / eta >= min_iter * (1 - SLACK):
        count, rung = count + 1, rung / eta
    return count


def brackets(min_iter: int, max_iter: int, eta: Real, most: int | None = None) -> list[Bracket]:
    """The brackets of Hyperband (Li et al. 2017, algorithm 1), that with the most rungs first.

    Bracket s has s rungs, max_iter / eta^s … max_iter / eta, and ⌈(s_max + 1) / (s + 1) · eta^s⌉ trials.
    """
    highest = halvings(min_iter, max_iter, eta)
    kept = range(highest, -1, -1)[:most]
    trials = [math.ceil((highest + 1) / (s + 1) * eta**s * (1 - SLACK)) for s in kept]
    rungs = [tuple(int(max_iter / eta**k * (1 + SLACK)) for k in range(s, 0, -1)) for s in kept]
    return [Bracket(tuple(sorted(set(at))), n, n / sum(trials)) for at, n in zip(rungs, trials, strict=True)]


def thinning(min_iter: int, below: int | None = None) -> list[int]:
    """Every iteration from min_iter on at first, then steps of an eighth: few, however long a trial is."""
    rungs, rung = [], min_iter
    while rung <= 10**9 and (below is None or rung < below):
        rungs.append(rung)
        rung += max(1, rung // 8)
    return rungs
