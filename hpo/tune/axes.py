"""Distribution → an axis that Optuna searches: native where that is exact, else [0, 1] by quantile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from hpo.space.categories import Categorical, WeightedCategorical
from hpo.space.distribution import Distribution, Quantised
from hpo.space.ranges import IntUniform, LogUniform, Uniform


@dataclass(frozen=True)
class Axis:
    """How one parameter looks to Optuna: a distribution, and the way between its numbers and values."""

    distribution: BaseDistribution
    value: Callable[[Any], Any]
    from_unit: Callable[[float], Any]


def axis(distribution: Distribution) -> Axis:
    """The axis of one parameter. Choices are searched by index: lists and mappings need not be hashable."""
    if isinstance(distribution, (Quantised, WeightedCategorical)):
        return _by_quantile(distribution)
    if isinstance(distribution, Categorical):
        choices = list(distribution.grid() or ())
        return Axis(
            CategoricalDistribution(range(len(choices))),
            lambda index: choices[index],
            lambda u: min(int(u * len(choices)), len(choices) - 1),
        )
    if isinstance(distribution, IntUniform):
        return Axis(IntDistribution(distribution.min, distribution.max), int, distribution.ppf)
    if isinstance(distribution, (Uniform, LogUniform)):
        low, high = distribution.bounds()
        log = isinstance(distribution, LogUniform)
        return Axis(FloatDistribution(low, high, log=log), float, distribution.ppf)
    return _by_quantile(distribution)


def _by_quantile(distribution: Distribution) -> Axis:
    return Axis(FloatDistribution(0.0, 1.0), distribution.draw, float)
