"""Search space → the axes that Optuna searches: native where that is exact, else [0, 1] by quantile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
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
from hpo.space.space import SearchSpace
from hpo.space.start import Start
from hpo.space.values import value_key


@dataclass(frozen=True)
class Axis:
    """How one parameter looks to Optuna: a distribution, and the ways between its numbers and values."""

    distribution: BaseDistribution
    value: Callable[[Any], Any]
    from_unit: Callable[[float], Any]
    place: Callable[[Any], Any]


def axis(distribution: Distribution) -> Axis:
    """The axis of one parameter. Choices are searched by index: lists and mappings need not be hashable."""
    if isinstance(distribution, (Quantised, WeightedCategorical)):
        return _by_quantile(distribution)
    if isinstance(distribution, Categorical):
        choices = list(distribution.grid() or ())
        keys = [value_key(choice) for choice in choices]
        return Axis(
            CategoricalDistribution(range(len(choices))),
            lambda index: choices[index],
            lambda u: min(int(u * len(choices)), len(choices) - 1),
            lambda value: keys.index(value_key(value)),
        )
    if isinstance(distribution, IntUniform):
        return Axis(IntDistribution(distribution.min, distribution.max), int, distribution.ppf, int)
    if isinstance(distribution, (Uniform, LogUniform)):
        low, high = distribution.bounds()
        log = isinstance(distribution, LogUniform)
        return Axis(FloatDistribution(low, high, log=log), float, distribution.ppf, float)
    return _by_quantile(distribution)


def _by_quantile(distribution: Distribution) -> Axis:
    return Axis(FloatDistribution(0.0, 1.0), distribution.draw, float, distribution.locate)


class Axes:
    """All searched parameters of a space, by names for Optuna; which of them a point has."""

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.axes = {"\x1f".join(leaf.path): axis(leaf.distribution) for leaf in space.searched}
        self.distributions = {name: one.distribution for name, one in self.axes.items()}
        self.places = dict(zip(self.axes, space.axes, strict=True))
        self._fixed = [
            leaf.distribution.draw(0.5) if leaf.distribution.levels() == 1 else None for leaf in space.leaves
        ]

    @cached_property
    def levels(self) -> list[list[str]]:
        """Names, those that depend on no searched one first, then those that depend on these, and so on."""
        depth = [0] * len(self.space.leaves)
        for place in self.space.order:
            above = [depth[c.other] + 1 for c in self.space.conditions[place]]
            depth[place] = max(above, default=0)
        found = sorted({depth[place] for place in self.places.values()})
        return [[n for n, place in self.places.items() if depth[place] == level] for level in found]

    @cached_property
    def middle(self) -> dict[str, Any]:
        """The middle of each axis."""
        return {name: one.from_unit(0.5) for name, one in self.axes.items()}

    @cached_property
    def controlling(self) -> set[str]:
        """Axes that others depend on."""
        places = {condition.other for found in self.space.conditions for condition in found}
        return {name for name, place in self.places.items() if place in places}

    def active(self, params: Mapping[str, Any]) -> dict[str, bool]:
        """Which axes a point has; those that `params` leaves out count as absent for what depends on them."""
        if not self.space.conditional:
            return dict.fromkeys(self.axes, True)
        values = list(self._fixed)
        for name, number in params.items():
            values[self.places[name]] = self.axes[name].value(number)
        there = self.space.active(values)
        return {name: there[place] for name, place in self.places.items()}

    def placed(self, config: Mapping[str, Any], start: Start, index: int) -> dict[str, Any]:
        """Where a suggestion is, by its configuration alone: a recorded one is at the same place.

        On inactive axes it is where draw number `index` is.
        """
        unit = start.unit(index, 0) if self.space.conditional else [0.5] * len(self.axes)
        params: dict[str, Any] = {}
        for (name, one), u in zip(self.axes.items(), unit, strict=True):
            try:
                value = self.space.value(config, self.space.leaves[self.places[name]])
            except (KeyError, TypeError):
                params[name] = one.from_unit(u)
            else:
                params[name] = one.place(value)
        return params

    def locate(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Where a configuration is; KeyError or ValueError where it does not fit. Inactive: in the middle."""
        values = self.space.values(config)
        there = self.space.active(values)
        return {
            name: one.place(values[place]) if there[place := self.places[name]] else one.from_unit(0.5)
            for name, one in self.axes.items()
        }

    def config(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration at a point; axes that it leaves out are inactive ones."""
        return self.space.assemble(
            one.value(params[name]) if name in params else None for name, one in self.axes.items()
        )
