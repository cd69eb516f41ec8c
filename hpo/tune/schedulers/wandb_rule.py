"""W&B's `hyperband` as a function of histories (package `sweeps`, hyperband_stopping)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


def threshold(values: Sequence[float], eta: float) -> float:
    """The worst value that passes a rung; `values` are all that reached it, ascending, one at least."""
    return values[int(1.0 / eta * len(values))]  # the float product decides: 1 / 49 · 49 is below 1


def last_rung(rungs: Sequence[int], iterations: int) -> int:
    """The largest rung that is reached, 0 for none; `rungs` ascend."""
    place = bisect_right(rungs, iterations)
    return rungs[place - 1] if place else 0


def to_stop(
    histories: Sequence[Sequence[float]],
    running: Sequence[bool],
    rungs: Sequence[int],
    eta: float,
    *,
    strict: bool,
) -> list[int]:
    """Places of the running trials that are to stop now.

    A history holds a trial's finite values, of which less is better. All trials count for a rung's threshold,
    ended ones too; each running one is judged at the last rung that it has reached.
    """
    reached: dict[int, list[float]] = {
        rung: sorted(h[rung - 1] for h in histories if len(h) >= rung) for rung in rungs
    }
    stops = []
    for place, (history, runs) in enumerate(zip(histories, running, strict=True)):
        rung = last_rung(rungs, len(history))
        if runs and rung:
            value = history[rung - 1] if strict else min(history)
            if value > threshold(reached[rung], eta):
                stops.append(place)
    return stops
