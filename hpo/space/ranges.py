"""Distributions between two bounds: uniform and log-uniform, integers, quantised forms, inverses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from hpo.space.categories import slot
from hpo.space.distribution import Distribution, Number, Quantised, Real, WholeBound, fault, log_or_lowest
from hpo.space.values import Steps

LARGEST_EXPONENT = 700.0
"""exp() of more is not a float any more."""


class Bounded(Distribution):
    """Mixin: `min` below `max`."""

    min: Number = Field(description="Lower bound.")
    max: Number = Field(description="Upper bound.")

    @model_validator(mode="after")
    def _ordered(self) -> Bounded:
        if self.min == self.max:
            raise fault(
                f"min and max are both {self.min}", f"write `value: {self.min}` for a constant", "max"
            )
        if self.min > self.max:
            raise fault(f"min {self.min} is above max {self.max}", "swap them", "min")
        return self

    def bounds(self) -> tuple[float, float]:
        """min and max."""
        return self.min, self.max


class IntUniform(Bounded):
    """Integers from min to max, both included, all equally likely."""

    name: ClassVar[str] = "int_uniform"
    distribution: Literal["int_uniform"] = "int_uniform"
    min: WholeBound = Field(description="Smallest value, included.")
    max: WholeBound = Field(description="Largest value, included.")

    def ppf(self, u: float) -> int:
        """The integer whose slot of width 1/(max - min + 1) holds `u`."""
        return self.min + slot(u, self.max - self.min + 1)

    def cdf(self, x: Any) -> float:
        """(x - min + 1) / (max - min + 1), within [0, 1]."""
        share: float = (math.floor(x) - self.min + 1) / (self.max - self.min + 1)
        return min(max(share, 0.0), 1.0)

    def grid(self) -> Sequence[Any]:
        """Every integer, max included."""
        return range(self.min, self.max + 1)

    def levels(self) -> int:
        """max - min + 1."""
        return self.max - self.min + 1


class Uniform(Bounded):
    """Real numbers between min and max, all equally likely."""

    name: ClassVar[str] = "uniform"
    distribution: Literal["uniform"] = "uniform"

    def ppf(self, u: float) -> Any:
        """Min + u (max - min)."""
        return float(min(self.min + u * (self.max - self.min), self.max))

    def cdf(self, x: Any) -> float:
        """(x - min) / (max - min), within [0, 1]."""
        share: float = (x - self.min) / (self.max - self.min)
        return min(max(share, 0.0), 1.0)


class QUniform(Quantised, Uniform):
    """Uniform between min and max, rounded to multiples of q (values may leave the bounds)."""

    name: ClassVar[str] = "q_uniform"
    distribution: Literal["q_uniform"]  # type: ignore[assignment]

    def grid(self) -> Sequence[Any] | None:
        """From min in steps of q, max excluded and nothing rounded: numpy.arange, as on W&B.

        None where q is too small to lead from one float to another.
        """
        step = (self.min + self.q) - self.min
        steps = (self.max - self.min) / self.q
        if math.isinf(steps) or step <= 0:  # more values than floats between the bounds
            return None
        return Steps(self.min, step, math.ceil(steps))


class LogUniform(Bounded):
    """exp() of a uniform number: min and max are natural-log exponents, not values."""

    name: ClassVar[str] = "log_uniform"
    log_scaled: ClassVar[bool] = True
    distribution: Literal["log_uniform"]

    @model_validator(mode="after")
    def _finite(self) -> LogUniform:
        if max(abs(x) for x in self.exponents()) > LARGEST_EXPONENT:
            raise fault(
                f"e^{self.max} cannot be computed: min and max are exponents of e here",
                "for bounds that are values write `distribution: log_uniform_values`",
                "distribution",
            )
        return self

    def exponents(self) -> tuple[Real, Real]:
        """Bounds of ln x."""
        return self.min, self.max

    def bounds(self) -> tuple[float, float]:
        """e^min and e^max."""
        low, high = self.exponents()
        return math.exp(low), math.exp(high)

    def ppf(self, u: float) -> Any:
        """exp(min + u (max - min)), kept within the bounds against rounding."""
        low, high = self.exponents()
        bottom, top = self.bounds()
        return float(min(max(math.exp(low + u * (high - low)), bottom), top))

    def cdf(self, x: Any) -> float:
        """(ln x - min) / (max - min), within [0, 1]."""
        low, high = self.exponents()
        return min(max((log_or_lowest(x) - low) / (high - low), 0.0), 1.0)


class LogUniformValues(LogUniform):
    """Real numbers between min and max whose logarithm is uniform."""

    name: ClassVar[str] = "log_uniform_values"
    distribution: Literal["log_uniform_values"]  # type: ignore[assignment]

    @model_validator(mode="before")
    @classmethod
    def _positive(cls, data: Any) -> Any:
        low = data.get("min") if isinstance(data, dict) else None
        if isinstance(low, (int, float)) and not isinstance(low, bool) and low <= 0:
            raise fault(
                f"min {low} has no logarithm",
                "write a small positive min, or a `uniform` distribution",
                "min",
            )
        return data

    def exponents(self) -> tuple[Real, Real]:
        """ln min and ln max."""
        return math.log(self.min), math.log(self.max)

    def bounds(self) -> tuple[float, float]:
        """min and max."""
        return self.min, self.max


class QLogUniform(Quantised, LogUniform):
    """log_uniform rounded to multiples of q; min and max are natural-log exponents."""

    name: ClassVar[str] = "q_log_uniform"
    distribution: Literal["q_log_uniform"]  # type: ignore[assignment]


class QLogUniformValues(Quantised, LogUniformValues):
    """log_uniform_values rounded to multiples of q."""

    name: ClassVar[str] = "q_log_uniform_values"
    distribution: Literal["q_log_uniform_values"]  # type: ignore[assignment]


class InvLogUniform(LogUniform):
    """exp(-x) of a uniform number x: min and max are natural-log exponents of 1/value."""

    name: ClassVar[str] = "inv_log_uniform"
    distribution: Literal["inv_log_uniform"]  # type: ignore[assignment]

    def exponents(self) -> tuple[Real, Real]:
        """-max and -min."""
        return -self.max, -self.min


class InvLogUniformValues(LogUniformValues):
    """The same law as log_uniform_values: 1/x is log-uniform where x is."""

    name: ClassVar[str] = "inv_log_uniform_values"
    distribution: Literal["inv_log_uniform_values"]  # type: ignore[assignment]
