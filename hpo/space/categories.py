"""Distributions over listed values: a constant, equal choices, weighted choices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from hpo.space.distribution import Distribution, Listed, fault
from hpo.space.values import distinct, value_key


def slot(u: float, n: int) -> int:
    """Index 0..n-1 of the equally likely slot that holds `u`: the smallest i with (i + 1) / n >= u."""
    i = min(max(math.ceil(u * n) - 1, 0), n - 1)
    return i - 1 if i > 0 and i / n >= u else i


class Constant(Distribution):
    """The same value in every trial; any JSON value."""

    name: ClassVar[str] = "constant"
    constant: ClassVar[bool] = True
    distribution: Literal["constant"] = "constant"
    value: Any = Field(description="The value, of any type; lists and mappings are passed whole.")

    def ppf(self, u: float) -> Any:
        """The value."""
        return self.value

    def cdf(self, x: Any) -> float:
        """0: a constant takes no part in the search."""
        return 0.0

    def accept(self, x: Any) -> Any:
        """The value; raises ValueError if `x` is another."""
        if value_key(x) != value_key(self.value):
            raise ValueError(f"{x!r} is not {self.value!r}")
        return self.value

    def grid(self) -> Sequence[Any] | None:
        """The value alone."""
        return [self.value]

    def levels(self) -> int:
        """1."""
        return 1


class Categorical(Distribution):
    """One of the listed values, all equally likely."""

    name: ClassVar[str] = "categorical"
    distribution: Literal["categorical"] = "categorical"
    values: Listed = Field(description="The choices, of any types, mixed ones too.")

    @cached_property
    def places(self) -> Mapping[object, int]:
        """Key of each different choice → its first place."""
        places: dict[object, int] = {}
        for place, value in enumerate(self.values):
            places.setdefault(value_key(value), place)
        return places

    def index(self, x: Any) -> int:
        """Position of `x` among the choices; raises ValueError if it is none of them."""
        place = self.places.get(value_key(x))
        if place is None:
            raise ValueError(f"{x!r} is not one of its values")
        return place

    def ppf(self, u: float) -> Any:
        """The choice whose slot of width 1/n holds `u`."""
        return self.values[slot(u, len(self.values))]

    def cdf(self, x: Any) -> float:
        """(index + 1) / n."""
        return (self.index(x) + 1) / len(self.values)

    def grid(self) -> Sequence[Any] | None:
        """The choices as listed, each once (a repeated one at its first place, in its last spelling)."""
        return distinct(self.values)

    def levels(self) -> int:
        """Number of different choices."""
        return len(self.places)


class WeightedCategorical(Categorical):
    """One of the listed values, each with its own probability."""

    name: ClassVar[str] = "categorical_w_probabilities"
    distribution: Literal["categorical_w_probabilities"] = "categorical_w_probabilities"  # type: ignore[assignment]
    probabilities: Listed = Field(description="One number from 0 to 1 for each value; they add up to 1.")

    @model_validator(mode="after")
    def _check(self) -> WeightedCategorical:
        shares = self.probabilities
        for share in shares:
            if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1.00001:
                raise fault(f"{share!r} is not a probability", "write numbers from 0 to 1", "probabilities")
        if len(shares) != len(self.values):
            raise fault(
                f"{len(shares)} probabilities for {len(self.values)} values", "give one each", "probabilities"
            )
        if abs(sum(shares) - 1) > 1e-5:
            raise fault(
                f"the probabilities add up to {sum(shares):g}", "make them add up to 1", "probabilities"
            )
        return self

    def ppf(self, u: float) -> Any:
        """The first value whose cumulative probability exceeds `u`, the last possible one at u = 1."""
        total, last = 0.0, self.values[0]
        for value, share in zip(self.values, self.probabilities, strict=True):
            total += share
            last = value if share > 0 else last
            if total > u:
                return value
        return last

    def cdf(self, x: Any) -> float:
        """Cumulative probability up to and including `x`."""
        return min(1.0, float(sum(self.probabilities[: self.index(x) + 1])))

    def locate(self, x: Any) -> float:
        """The middle of its share; raises ValueError for a value that never comes."""
        first = self.index(x)  # one listed again may have its probability there
        places = range(first, len(self.values))
        same = (n for n in places if value_key(self.values[n]) == value_key(x) and self.probabilities[n] > 0)
        place = next(same, None)
        if place is None:
            raise ValueError(f"{x!r} has probability 0")
        return float(sum(self.probabilities[:place]) + self.probabilities[place] / 2)

    def grid(self) -> Sequence[Any] | None:
        """None: W&B's grid refuses probabilities."""
        return None
