"""PED-ANOVA (Watanabe et al. 2023): how far a parameter's values among the best trials differ from all.

The estimators are those of Optuna's evaluator (Scott's rule on a grid of 50, one prior of weight 1), to whose
figures a test holds these; without its imports, which take longer than a whole report.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STEPS = 50
TARGET = 0.1
"""The best trials are this share."""
_erf = np.vectorize(math.erf, otypes=[float])  # scipy's takes longer to load than a report to make


def divergence(cells: NDArray[np.int64], best: NDArray[np.bool_], size: int, *, ordered: bool) -> float:
    """Pearson's divergence of the best trials' density from that of all.

    `cells` are places on a grid of `size`, whose neighbours are near each other only where it is `ordered`.
    """
    density = _numbers if ordered else _choices
    top, everything = (density(np.bincount(part, minlength=size)) + 1e-12 for part in (cells[best], cells))
    return float(everything @ (top / everything - 1) ** 2)


def best_share(values: Array) -> NDArray[np.bool_]:
    """Which of these are among the lowest tenth, ties included."""
    cut = max(1, math.ceil(TARGET * len(values))) - 1
    lowest: NDArray[np.bool_] = values <= np.partition(values, cut)[cut]
    return lowest


def on_grid(values: Array, low: float, high: float, *, log: bool, steps: int = STEPS) -> NDArray[np.int64]:
    """Places of numbers on an even grid from low to high."""
    if log:
        values, low, high = np.log(values), math.log(low), math.log(high)
    if high <= low:
        return np.zeros(len(values), dtype=np.int64)
    places = np.ceil((values - low) / ((high - low) / (steps - 1)) - 0.5)
    return np.clip(places, 0, steps - 1).astype(np.int64)


def _numbers(counts: NDArray[np.int64]) -> Array:
    """Density on the grid: a normal around each place that was seen, cut at the ends, and a wide one."""
    places = np.flatnonzero(counts).astype(float)
    weights = counts[counts > 0].astype(float)
    total, passed = weights.sum(), np.cumsum(weights)
    mean = places @ weights / total
    spread = math.sqrt(float((places - mean) ** 2 @ weights) / max(1.0, total - 1))
    first = int(np.searchsorted(passed, total // 4, side="left"))
    third = min(len(places) - 1, int(np.searchsorted(passed, total * 3 // 4, side="right")))
    width = 1.059 * min((places[third] - places[first]) / 1.34, spread) * total**-0.2
    ends = len(counts) - 1
    centres = np.append(places, ends / 2)
    widths = np.append(np.full(len(places), max(width, 0.5 / 1.64)), float(ends + 1))
    shares = np.append(weights, 1.0) / (total + 1)
    at = np.arange(len(counts))[:, None]
    mass = _below((at + 0.5 - centres) / widths) - _below((at - 0.5 - centres) / widths)
    inside = _below((ends + 0.5 - centres) / widths) - _below((-0.5 - centres) / widths)
    density: Array = (mass / inside) @ shares
    return density


def _below(z: Array) -> Array:
    """The normal distribution's share below z."""
    share: Array = (1.0 + _erf(z / math.sqrt(2.0))) / 2.0
    return share


def _choices(counts: NDArray[np.int64]) -> Array:
    """Shares of the choices, pulled towards each other as by one more trial."""
    seen = np.flatnonzero(counts)
    kernels = len(seen) + 1
    each = np.full((kernels, len(counts)), 1.0 / kernels)
    each[np.arange(len(seen)), seen] += 1.0
    each /= each.sum(axis=1, keepdims=True)
    weights = np.append(counts[seen].astype(float), 1.0)
    density: Array = (weights / weights.sum()) @ each
    return density
