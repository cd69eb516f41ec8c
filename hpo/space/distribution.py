"""What every distribution of a sweep file is: checked keys → quantile function, CDF and support."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

Real = int | float
TINY = 2.0**-53
"""Half the spacing of `random.random()`: unit coordinates are kept this far from 0 and 1 where the
quantile function is infinite there."""


def fault(message: str, hint: str = "", key: str = "") -> PydanticCustomError:
    """An error of a validator with its remedy, and the key it is about where the field does not say."""
    return PydanticCustomError("hpo", "{message}", {"message": message, "hint": hint, "key": key})


def _number(value: Any) -> Real:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        quoted = isinstance(value, str) and re.fullmatch(
            r"\s*[-+]?[\d.]+(e[-+]?\d+)?\s*", value, re.IGNORECASE
        )
        hint = "leave out the quotes" if quoted else "write one number"
        raise fault(f"{value!r} is not a number", hint)
    if not abs(value) <= 1e300:  # before anything makes a float of a long integer
        raise fault(f"{value!r} is not a finite number", "write a bound that a float can hold")
    return value


def _integer(value: Any, hint: str) -> int:
    number = _number(value)
    if number != int(number):
        raise fault(f"{value!r} is not a whole number", hint)
    return int(number)


def _whole(value: Any) -> int:
    return _integer(value, "write an integer")


def _whole_bound(value: Any) -> int:
    return _integer(value, "write an integer, or `distribution: uniform`")


def _step(value: Any) -> Real:
    number = _number(value)
    if number <= 0:
        raise fault(f"{value!r} is not positive", "q is the width of a step, for example q: 1")
    return number


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise fault(
            f"{value!r} is not a list", f"write `values: [{value}]`, or `value: {value}` for a constant"
        )
    if not value:
        raise fault("the list is empty", "give at least one entry")
    return value


Number = Annotated[Real, PlainValidator(_number), WithJsonSchema({"type": "number"})]
Whole = Annotated[int, PlainValidator(_whole), WithJsonSchema({"type": "integer"})]
WholeBound = Annotated[int, PlainValidator(_whole_bound), WithJsonSchema({"type": "integer"})]
Step = Annotated[Real, PlainValidator(_step), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})]
Listed = Annotated[list[Any], PlainValidator(_listed), WithJsonSchema({"type": "array", "minItems": 1})]


class Distribution(BaseModel):
    """One parameter's values and how likely each is.

    Subclasses give `ppf` (exact inverse CDF, W&B's formula), `cdf` and `bounds`; `levels` where the values
    can be counted, and `grid` where W&B's grid search takes them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: ClassVar[str]
    constant: ClassVar[bool] = False
    log_scaled: ClassVar[bool] = False
    """Whether equal factors are equally likely, rather than equal differences."""

    def ppf(self, u: float) -> Any:
        """Value at quantile `u` in [0, 1]."""
        raise NotImplementedError

    def cdf(self, x: Any) -> float:
        """Probability of a value not above `x`, in [0, 1]; what W&B's bayes encodes `x` by."""
        raise NotImplementedError

    def bounds(self) -> tuple[float, float] | None:
        """The range before any rounding, infinite ends included; None for categories."""
        return None

    def support(self) -> tuple[float, float] | None:
        """Smallest and largest value that can come out, infinite ends included; None for categories."""
        return self.bounds()

    def grid(self) -> Sequence[Any] | None:
        """The values that W&B's grid search goes through, in order; None if it refuses this one."""
        return None

    def levels(self) -> int | None:
        """How many different values there are; None if they cannot be counted."""
        return None

    def locate(self, x: Any) -> float:
        """A place in [0, 1] whose quantile is `x`, one of the values; raises ValueError if it is none."""
        return self.cdf(x)

    def accept(self, x: Any) -> Any:
        """`x` as this distribution gives it; raises ValueError, with the reason, if it never does."""
        support = self.support()
        if support is None:
            return self.draw(self.locate(x))
        if isinstance(x, bool) or not isinstance(x, (int, float)):
            raise ValueError(f"{x!r} is not a number")
        if not support[0] <= x <= support[1]:
            raise ValueError(f"{x!r} is not between {support[0]:g} and {support[1]:g}")
        if self.levels() is None and not isinstance(self, Quantised):
            return float(x)
        value = self.draw(self.locate(x))
        if not math.isclose(value, x, rel_tol=1e-9, abs_tol=1e-12):
            raise ValueError(f"{x!r} is not a value of it: the nearest is {value:g}")
        return value

    def draw(self, u: float) -> Any:
        """`ppf` kept away from the two ends, where some distributions are infinite."""
        return self.ppf(min(max(u, TINY), 1 - TINY))


def rounded(x: float, q: Real) -> Real:
    """`x` to the nearest multiple of `q`, halves to even; an integer where `q` is one (W&B: numpy's rule).

    `x` itself where it is infinite or `q` is nothing beside it.
    """
    if math.isinf(x / q):
        return x
    steps = round(x / q)
    return steps * q if isinstance(q, int) else float(steps) * q


def log_or_lowest(x: float) -> float:
    """ln(x), and -inf at and below 0: the CDF of a log distribution is 0 there."""
    return math.log(x) if x > 0 else -math.inf


class Quantised(Distribution):
    """Mixin, named before a distribution: rounds its values to multiples of `q`.

    Values may leave [min, max], as on W&B: 1..8 with q=3 gives 0, 3, 6 and 9.
    """

    q: Step = Field(default=1.0, description="Width of a step; an integer q gives integer values.")

    def ppf(self, u: float) -> Any:
        """The unrounded quantile, rounded to a multiple of q."""
        return rounded(super().ppf(u), self.q)

    def support(self) -> tuple[float, float] | None:
        """The ends of the unrounded range, rounded; by ppf where finite, for e^ln(300) is below 300."""
        low, high = self.bounds() or (0.0, math.inf)
        if math.isfinite(low) and math.isfinite(high):
            return self.ppf(0.0), self.ppf(1.0)
        return rounded(low, self.q), rounded(high, self.q)

    def levels(self) -> int | None:
        """Number of multiples of q between the rounded ends; None for more than a float can count."""
        low, high = self.support() or (0.0, math.inf)
        steps = (high - low) / self.q
        return None if math.isinf(steps) else round(steps) + 1
