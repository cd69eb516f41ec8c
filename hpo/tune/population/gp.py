"""A Gaussian process over the unit cube and time (Bogunovic et al. 2016), and where its bound is highest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STARTS = ((0.0, -0.7, -2.3, -3.0), (0.0, 0.5, -4.0, -1.0))
"""Where fits begin: ln of variance, length scale, forgetting a generation, noise."""
BOUNDS = ((-3.0, 3.0), (-3.0, 2.0), (-9.0, -0.7), (-9.0, 0.0))
CANDIDATES, ROUNDS = 512, 3


@dataclass(frozen=True)
class Data:
    """Generation, place in the unit cube, and improvement of each interval that was trained."""

    times: Array
    places: Array
    values: Array


@dataclass(frozen=True)
class Fitted:
    """A process given its data."""

    data: Data
    parameters: Array
    factor: Array
    weights: Array

    def predict(self, times: Array, places: Array) -> tuple[Array, Array]:
        """Mean and standard deviation."""
        from scipy.linalg import solve_triangular

        across = kernel(self.data.times, self.data.places, times, places, self.parameters)
        solved = solve_triangular(self.factor, across, lower=True)
        variance = np.exp(self.parameters[0]) - (solved**2).sum(axis=0)
        return across.T @ self.weights, np.sqrt(np.maximum(variance, 1e-12))


def kernel(times: Array, places: Array, other_times: Array, others: Array, parameters: Array) -> Array:
    """variance · exp(-d² / 2l²) · (1 - forgetting)^(|Δt| / 2)."""
    variance, length, forgetting = np.exp(parameters[:3])
    squares = ((places[:, None, :] - others[None, :, :]) ** 2).sum(axis=-1)
    ages = np.abs(times[:, None] - other_times[None, :])
    near: Array = variance * np.exp(-squares / (2 * length**2)) * (1 - forgetting) ** (ages / 2)
    return near


def fit(data: Data) -> Fitted:
    """The process with the likeliest parameters."""
    from scipy.optimize import minimize

    found = [
        minimize(lambda p: _unlikeliness(p, data), start, method="L-BFGS-B", bounds=BOUNDS)
        for start in STARTS
    ]
    return given(data, min(found, key=lambda one: float(one.fun)).x)


def given(data: Data, parameters: Array) -> Fitted:
    """The process with these parameters."""
    factor, weights = _solve(parameters, data)
    return Fitted(data, parameters, factor, weights)


def highest(process: Fitted, sure: Fitted, time: float, begin: Array, draw: np.random.Generator) -> Array:
    """Where mean + √β · deviation is highest at a time; `sure` also knows the points that are under way."""
    beta = 0.2 + max(0.0, float(np.log(0.4 * len(process.data.values))))
    points = np.vstack([begin[None, :], draw.random((CANDIDATES, len(begin)))])
    best, width = begin, 0.1
    for _ in range(ROUNDS):
        times = np.full(len(points), time)
        bound = process.predict(times, points)[0] + np.sqrt(beta) * sure.predict(times, points)[1]
        best = points[int(np.argmax(bound))]
        near = best + width * draw.standard_normal((CANDIDATES, len(begin)))
        points, width = np.vstack([best[None, :], np.clip(near, 0.0, 1.0)]), width / 4
    return best


def _solve(parameters: Array, data: Data) -> tuple[Array, Array]:
    from scipy.linalg import cho_solve

    inside = kernel(data.times, data.places, data.times, data.places, parameters)
    inside = inside + (np.exp(parameters[3]) + 1e-8) * np.eye(len(inside))
    factor: Array = np.linalg.cholesky(inside)
    weights: Any = cho_solve((factor, True), data.values)
    return factor, weights


def _unlikeliness(parameters: Array, data: Data) -> float:
    try:
        factor, weights = _solve(parameters, data)
    except np.linalg.LinAlgError:
        return 1e10
    return float(0.5 * data.values @ weights + np.log(np.diag(factor)).sum())
