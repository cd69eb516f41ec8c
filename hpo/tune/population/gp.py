"""A Gaussian process over the unit cube and time (Bogunovic et al. 2016), and where its bound is highest."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LENGTHS = (0.1, 0.2, 0.4, 0.8)
"""Length scales in the unit cube, of which the likeliest is taken."""
FORGETTING = (0.003, 0.05, 0.2, 0.5)
"""How much of what a point says is gone after a generation; likewise."""
NOISES = (0.01, 0.1, 0.5)
"""Noise as a share of the variance; likewise."""
CANDIDATES, ROUNDS = 128, 3


@dataclass(frozen=True)
class Data:
    """Generation, place in the unit cube, and improvement of each interval that was trained."""

    times: Array
    places: Array
    values: Array


@dataclass(frozen=True)
class Shape:
    """What the process assumes."""

    length: float
    forgetting: float
    noise: float


@dataclass(frozen=True)
class Fitted:
    """A process given its data."""

    data: Data
    shape: Shape
    factor: Array
    weights: Array
    variance: float
    unlikeliness: float

    def predict(self, times: Array, places: Array) -> tuple[Array, Array]:
        """Mean and standard deviation."""
        across = kernel(*distances(self.data.times, self.data.places, times, places), self.shape)
        solved = np.linalg.solve(self.factor, across)
        left = 1.0 - (solved**2).sum(axis=0)
        return across.T @ self.weights, np.sqrt(self.variance * np.maximum(left, 1e-12))


def distances(times: Array, places: Array, other_times: Array, others: Array) -> tuple[Array, Array]:
    """Squared distances in the cube, and distances in time."""
    ones, twos = (places**2).sum(axis=1), (others**2).sum(axis=1)
    squares = np.maximum(ones[:, None] + twos[None, :] - 2 * places @ others.T, 0.0)
    return squares, np.abs(times[:, None] - other_times[None, :])


def kernel(squares: Array, ages: Array, shape: Shape) -> Array:
    """exp(-d² / 2l²) · (1 - forgetting)^(|Δt| / 2)."""
    lost = 0.5 * float(np.log1p(-shape.forgetting))
    near: Array = np.exp(ages * lost - squares / (2 * shape.length**2))
    return near


def fit(data: Data) -> Fitted:
    """The process with the likeliest shape."""
    apart = distances(data.times, data.places, data.times, data.places)
    shapes = (Shape(*one) for one in product(LENGTHS, FORGETTING, NOISES))
    return min((_given(data, shape, *apart) for shape in shapes), key=lambda one: one.unlikeliness)


def given(data: Data, shape: Shape) -> Fitted:
    """The process with this shape."""
    return _given(data, shape, *distances(data.times, data.places, data.times, data.places))


def _given(data: Data, shape: Shape, squares: Array, ages: Array) -> Fitted:
    """With the variance that is likeliest under a shape."""
    size = len(data.values)
    inside = kernel(squares, ages, shape) + (shape.noise + 1e-8) * np.eye(size)
    factor: Any = np.linalg.cholesky(inside)
    weights: Any = np.linalg.solve(inside, data.values)
    variance = max(float(data.values @ weights) / size, 1e-12)
    unlikeliness = 0.5 * size * np.log(variance) + np.log(np.diag(factor)).sum()
    return Fitted(data, shape, factor, weights, variance, float(unlikeliness))


def highest(process: Fitted, sure: Fitted, time: float, begin: Array, draw: np.random.Generator) -> Array:
    """Where mean + √β · deviation is highest at a time; `sure` also knows the points that are under way."""
    beta = 0.2 + max(0.0, float(np.log(0.4 * len(process.data.values))))
    scale = np.sqrt(beta * process.variance / sure.variance)
    points = np.vstack([begin[None, :], draw.random((CANDIDATES, len(begin)))])
    best, width = begin, 0.1
    for _ in range(ROUNDS):
        times = np.full(len(points), time)
        bound = process.predict(times, points)[0] + scale * sure.predict(times, points)[1]
        best = points[int(np.argmax(bound))]
        near = best + width * draw.standard_normal((CANDIDATES, len(begin)))
        points, width = np.vstack([best[None, :], np.clip(near, 0.0, 1.0)]), width / 4
    return best
