"""A found schedule of a positive number → the usual rules of learning rates, fitted, as code to paste."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOST_STEPS = 4
WORTH = 0.9
"""A further step must lower the error to this share of it."""
POINTS = 2000
"""Iterations that a fit looks at, evenly spread where there are more."""


@dataclass(frozen=True)
class Rule:
    """One fitted rule. `error` is the root mean square of ln(rule / schedule): 0.1 is about 10 %."""

    name: str
    start: float
    code: str
    """The scheduler, for an `optimizer` whose learning rate is `start`."""
    error: float


def rules(changes: Mapping[int, Any], iterations: int) -> list[Rule]:
    """multistep, exponential and cosine, the best first; none for constants and what is not positive."""
    if len(changes) < 2 or not all(map(_positive, changes.values())):
        return []
    times = np.unique(np.linspace(0, iterations - 1, min(iterations, POINTS)).astype(int)).astype(float)
    begins = np.array(sorted(changes), dtype=float)
    logs = np.log(np.array([float(changes[at]) for at in sorted(changes)]))
    wanted = logs[np.searchsorted(begins, times, side="right") - 1]
    found = [_multistep(times, wanted, begins[1:]), _exponential(times, wanted)]
    found.append(_cosine(times, wanted, iterations))
    return sorted(found, key=lambda rule: rule.error)


def _positive(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and value > 0


def _error(found: Array, wanted: Array) -> float:
    return float(np.sqrt(np.mean((found - wanted) ** 2)))


def _line(x: Array, wanted: Array) -> tuple[float, float]:
    """Intercept and slope of least squares; a constant where x does not vary."""
    if np.ptp(x) == 0:
        return float(wanted.mean()), 0.0
    slope, intercept = np.polyfit(x, wanted, 1)
    return float(intercept), float(slope)


def _exponential(times: Array, wanted: Array) -> Rule:
    a, b = _line(times, wanted)
    code = f"torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma={math.exp(b):.6g})"
    return Rule("exponential", math.exp(a), code, _error(a + b * times, wanted))


def _multistep(times: Array, wanted: Array, candidates: Array) -> Rule:
    """Steps by one factor, each added where it helps most, then moved while that helps."""

    def fit(steps: list[float]) -> tuple[float, float, float]:
        passed = (times[:, None] >= np.array(steps)[None, :]).sum(axis=1).astype(float)
        a, b = _line(passed, wanted)
        return _error(a + b * passed, wanted), a, b

    steps: list[float] = []
    best = fit(steps)
    spread = candidates[:: max(1, len(candidates) // 100)]
    while len(steps) < min(MOST_STEPS, len(spread)):
        trial = min(([*steps, at] for at in spread if at not in steps), key=lambda one: fit(one)[0])
        for place in range(len(trial)):
            moved = [[*trial[:place], at, *trial[place + 1 :]] for at in spread if at not in trial]
            trial = min([trial, *moved], key=lambda one: fit(one)[0])
        if fit(trial)[0] > WORTH * best[0]:
            break
        steps, best = sorted(trial), fit(trial)
    error, a, b = best
    milestones = [int(at) for at in sorted(steps)]
    settings = f"milestones={milestones}, gamma={math.exp(b):.6g}"
    code = f"torch.optim.lr_scheduler.MultiStepLR(optimizer, {settings})"
    return Rule("multistep", math.exp(a), code, error)


def _cosine(times: Array, wanted: Array, iterations: int) -> Rule:
    from scipy.optimize import least_squares

    bend = (1 + np.cos(np.pi * times / iterations)) / 2

    def curve(ends: Array) -> Array:
        high, low = np.exp(ends)
        found: Array = np.log(low + (high - low) * bend)
        return found

    first, last = float(wanted[0]), float(wanted[-1])
    starts = [(first, last), (float(wanted.max()), float(wanted.min()))]
    fits = [least_squares(lambda ends: curve(ends) - wanted, start) for start in starts]
    high, low = np.exp(min(fits, key=lambda one: float(one.cost)).x)
    error = _error(curve(np.log(np.array([high, low]))), wanted)
    code = f"torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max={iterations}, eta_min={low:.6g})"
    return Rule("cosine", float(high), code, error)
