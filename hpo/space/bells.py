"""Distributions without bounds of their own: normal, log-normal and beta, with their quantised forms."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from hpo.space.distribution import Distribution, Number, Quantised, fault, log_or_lowest


class Normal(Distribution):
    """A normal distribution."""

    name: ClassVar[str] = "normal"
    distribution: Literal["normal"]
    mu: Number = Field(default=0.0, description="Mean.")
    sigma: Number = Field(default=1.0, description="Standard deviation, above 0.")

    @model_validator(mode="after")
    def _spread(self) -> Normal:
        if self.sigma <= 0:
            raise fault(
                f"sigma {self.sigma} is not positive",
                "write a positive sigma, or `value:` for a constant",
                "sigma",
            )
        return self

    def ppf(self, u: float) -> Any:
        """Mu + sigma times the standard normal quantile; infinite at u = 0 and 1."""
        from scipy.special import ndtri  # costs 0.1 s: only where a normal is sampled

        return self.mu + self.sigma * float(ndtri(u))

    def cdf(self, x: Any) -> float:
        """The normal CDF."""
        return 0.5 * math.erfc((self.mu - x) / (self.sigma * math.sqrt(2)))

    def bounds(self) -> tuple[float, float]:
        """All real numbers."""
        return -math.inf, math.inf


class QNormal(Quantised, Normal):
    """A normal distribution rounded to multiples of q."""

    name: ClassVar[str] = "q_normal"
    distribution: Literal["q_normal"]  # type: ignore[assignment]


class LogNormal(Normal):
    """exp() of a normal number; mu and sigma are those of ln x."""

    name: ClassVar[str] = "log_normal"
    log_scaled: ClassVar[bool] = True
    distribution: Literal["log_normal"]  # type: ignore[assignment]

    def ppf(self, u: float) -> Any:
        """exp(normal quantile), infinite where that is too large for a float."""
        exponent = super().ppf(u)
        return math.exp(exponent) if exponent < 709.0 else math.inf

    def cdf(self, x: Any) -> float:
        """The normal CDF of ln x."""
        return super().cdf(log_or_lowest(x))

    def bounds(self) -> tuple[float, float]:
        """Positive real numbers."""
        return 0.0, math.inf


class QLogNormal(Quantised, LogNormal):
    """log_normal rounded to multiples of q."""

    name: ClassVar[str] = "q_log_normal"
    distribution: Literal["q_log_normal"]  # type: ignore[assignment]


class Beta(Distribution):
    """A beta distribution on [0, 1]."""

    name: ClassVar[str] = "beta"
    distribution: Literal["beta"]
    a: Number = Field(default=1, description="First shape, above 0.")
    b: Number = Field(default=1, description="Second shape, above 0.")

    @model_validator(mode="after")
    def _shapes(self) -> Beta:
        for key, shape in (("a", self.a), ("b", self.b)):
            if shape <= 0:
                raise fault(f"shape {shape} is not positive", "write a positive number", key)
        return self

    def ppf(self, u: float) -> Any:
        """The inverse of the regularised incomplete beta function."""
        from scipy.special import betaincinv  # costs 0.1 s: only where a beta is sampled

        value = float(betaincinv(self.a, self.b, u))
        return value if math.isfinite(value) else float(u > 0.5)  # NaN for u below about 1e-200

    def cdf(self, x: Any) -> float:
        """The regularised incomplete beta function."""
        from scipy.special import betainc

        return float(betainc(self.a, self.b, min(max(x, 0.0), 1.0)))

    def bounds(self) -> tuple[float, float]:
        """0 and 1."""
        return 0.0, 1.0


class QBeta(Quantised, Beta):
    """Beta rounded to multiples of q; the default q of 1 leaves only 0 and 1."""

    name: ClassVar[str] = "q_beta"
    distribution: Literal["q_beta"]  # type: ignore[assignment]
