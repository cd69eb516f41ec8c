"""A space of finitely many configurations: each has a number, and each number is a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hpo.space.categories import WeightedCategorical
from hpo.space.distribution import Distribution, Quantised, Real
from hpo.space.grid import Grid
from hpo.space.space import SearchSpace
from hpo.space.values import distinct, value_key

MOST_VALUES = 2**32
"""A parameter of more values counts as continuous: two draws of it are never the same."""
MOST_AWAITED = 2**16
"""So does one that others depend on, whose values are gone through."""
MOST_LEAVES = 250
"""Conditions among more parameters are not counted out."""


@dataclass(frozen=True)
class Multiples(Sequence[Any]):
    """Multiples of q, as a quantised distribution gives them."""

    steps: range
    q: Real

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, place: Any) -> Any:
        steps = self.steps[place]
        return steps * self.q if isinstance(self.q, int) else float(steps) * self.q


def possible(distribution: Distribution) -> Sequence[Any] | None:
    """The different values that draws can give, in order; None where there is no end of them."""
    levels = distribution.levels()
    if levels is None or levels > MOST_VALUES:
        return None
    if isinstance(distribution, Quantised):
        first, last = (round(distribution.draw(end) / distribution.q) for end in (0.0, 1.0))
        return Multiples(range(first, last + 1), distribution.q)
    if isinstance(distribution, WeightedCategorical):
        shares = zip(distribution.values, distribution.probabilities, strict=True)
        return distinct(value for value, share in shares if share > 0)
    return distribution.grid()


def identity(space: SearchSpace, config: Mapping[str, Any]) -> list[object]:
    """Keys that are equal for two configurations in which every parameter has the same value, or none."""
    found: list[object] = []
    for leaf in space.leaves:
        try:
            found.append(value_key(space.value(config, leaf)))
        except (KeyError, TypeError):
            found.append(None)
    return found


@dataclass(frozen=True)
class Cells(Grid):
    """All configurations that draws of a space can give, numbered as in a grid.

    Raises ValueError where a parameter has no end of values, or conditions are too many to count out.
    """

    @classmethod
    def of(cls, space: SearchSpace) -> Cells | None:
        """The cells of a space, None where they cannot be counted; mostly a parameter is continuous."""
        awaited = {c.other for conditions in space.conditions for c in conditions}
        for place, leaf in enumerate(space.leaves):
            values = possible(leaf.distribution)
            if values is None or (place in awaited and len(values) > MOST_AWAITED):
                return None
        if space.conditional and len(space.leaves) > MOST_LEAVES:
            return None
        try:
            return cls(space)
        except ValueError:
            return None

    @cached_property
    def axes(self) -> list[Sequence[Any]]:
        """The possible values of each parameter, in the order of the space's leaves."""
        found = [possible(leaf.distribution) for leaf in self.space.leaves]
        if None in found:
            raise ValueError(f"'{self.space.leaves[found.index(None)].name}' has no end of values")
        return [values for values in found if values is not None]

    def number(self, config: Mapping[str, Any]) -> int:
        """The number of a configuration; raises KeyError or ValueError where it is none of the space."""
        leaves, number = self.space.leaves, 0
        if self.space.conditional:
            return self._conditional_number(config)
        for place, axis in enumerate(self.axes):
            number = number * len(axis) + self.digit(place, self.space.value(config, leaves[place]))
        return number

    def digit(self, place: int, value: Any) -> int:
        """Which of the values of the parameter at `place` this one is; raises ValueError if it is none."""
        axis, keys = self.axes[place], self._keys[place]
        if keys is not None:
            digit = keys.get(value_key(value), -1)
        elif isinstance(axis, Multiples):
            digit = round(value / axis.q) - axis.steps[0]
        else:
            digit = int(value) - axis[0]
        if not 0 <= digit < len(axis):
            raise ValueError(f"'{self.space.leaves[place].name}' is never {value!r}")
        return digit

    @cached_property
    def _keys(self) -> list[dict[object, int] | None]:
        """Of each list of values, where which one stands; None where that is to be computed."""
        return [
            None
            if isinstance(axis, (range, Multiples))
            else {value_key(value): digit for digit, value in enumerate(axis)}
            for axis in self.axes
        ]

    def _conditional_number(self, config: Mapping[str, Any]) -> int:
        """Down the tree of choices, past all cells of the choices before."""
        number, absent = 0, frozenset[int]()
        for depth, place in enumerate(self.order):
            if place in absent:
                absent = self._after(place, absent, self._asked[place])
                continue
            digit, below = self.digit(place, self.space.value(config, self.space.leaves[place])), absent
            for first, length, failed in self._runs[place]:
                below = self._after(place, absent, failed)
                if digit < first + length:
                    number += (digit - first) * self._counts[depth + 1][below]
                    break
                number += length * self._counts[depth + 1][below]
            absent = below
        return number

    @cached_property
    def order(self) -> list[int]:
        """What depends on a parameter comes soon after it: then little is to be kept in mind."""
        above = [{c.other for c in conditions} for conditions in self.space.conditions]
        order: list[int] = []
        pending = list(reversed(range(len(above))))
        while pending:
            place = next(n for n in reversed(pending) if above[n] <= set(order))
            pending.remove(place)
            order.append(place)
            below = [n for n in pending if place in above[n]]
            pending = [n for n in pending if place not in above[n]] + below
        return order
