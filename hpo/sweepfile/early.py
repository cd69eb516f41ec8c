"""`early_terminate`: one model for each `type`, whose docstrings are its documentation.

A new type is a class, an entry in `EarlyTerminate`, and a scheduler in hpo.tune.schedulers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Discriminator, Field, StrictBool, Tag, model_validator
from pydantic_core import PydanticCustomError

from hpo.space.distribution import Real, fault
from hpo.sweepfile import rungs as ladders
from hpo.sweepfile.population import Pb2, Pbt
from hpo.sweepfile.rungs import Bracket
from hpo.sweepfile.section import Count, EarlyTermination, Factor


def _too_fine(eta: Real) -> PydanticCustomError:
    return fault(f"eta {eta} makes more than {ladders.RUNGS} rungs", "write `eta: 3`", "eta")


class Ladder(EarlyTermination):
    """Rungs as W&B defines them."""

    min_iter: Count | None = None
    """First rung, in iterations: reports that carry the metric."""
    max_iter: Count | None = None
    """Iterations of a full trial; rungs are max_iter / eta^k for k = 1 … s. Never ends a trial by itself."""
    s: Count | None = None
    """How many rungs lie below max_iter."""
    eta: Factor = 3
    """One in eta trials passes a rung."""

    @model_validator(mode="after")
    def _rungs_defined(self) -> Ladder:
        if self.min_iter is None and (self.max_iter is None or self.s is None):
            missing = "min_iter: 3" if self.max_iter is None else "s: 2"
            raise fault(
                "no rungs: neither min_iter nor max_iter with s is given",
                f"add for example `{missing}`",
            )
        if self.max_iter and (self.s or 0) > ladders.RUNGS and ladders.too_many(1, self.max_iter, self.eta):
            raise _too_fine(self.eta)
        if not self.rungs(1):
            if self.s is None:
                raise fault(
                    f"min_iter {self.min_iter} leaves no rung below max_iter {self.max_iter}",
                    "raise max_iter",
                )
            raise fault(
                f"max_iter {self.max_iter} divided by eta {self.eta} leaves no rung", "raise max_iter"
            )
        return self

    def rungs(self, most: int = 100) -> list[int]:
        """The first `most` rungs, ascending, in iterations (W&B's `sweeps`, hyperband_stopping).

        max_iter with s wins; min_iter with max_iter but no s, on which W&B fails, means the rungs
        min_iter · eta^k below max_iter.
        """
        if self.max_iter is not None and self.s is not None:
            return ladders.falling(self.max_iter, self.eta, self.s)[:most]
        assert self.min_iter is not None
        return ladders.rising(self.min_iter, self.eta, self.max_iter)[:most]


class Hyperband(Ladder):
    """W&B's rule: at the last rung that a trial has reached it must be among the best 1/eta of all trials."""

    nan_counts: ClassVar[bool] = False
    type: Literal["hyperband"]
    """Trials outside the best 1/eta at a rung are stopped, also later, when others get there."""
    strict: StrictBool = True
    """Judge the value at the rung itself (true), or the best up to now (false)."""

    @property
    def milestones(self) -> tuple[int, ...] | None:
        """The rungs; all iterations where the best up to now counts, for it may change at each."""
        return tuple(self.rungs()) if self.strict else None


class Asha(Ladder):
    """ASHA (Li et al. 2018): successive halving that waits for nobody."""

    type: Literal["asha"]
    """A trial that is not among the best 1/eta of those at its rung so far is stopped."""
    promote: StrictBool = False
    """Pause each trial at a rung and go on with the best of them (needs scripts that checkpoint)."""


class Bracketed(EarlyTermination):
    """Hyperband's brackets."""

    max_iter: Count
    """Iterations of a full trial; rungs are max_iter / eta^k. Never ends a trial by itself."""
    min_iter: Count = 1
    """No rung lies below it."""
    eta: Factor = 3
    """One in eta trials passes a rung."""

    @model_validator(mode="after")
    def _rungs_defined(self) -> Bracketed:
        if ladders.too_many(self.min_iter, self.max_iter, self.eta):
            raise _too_fine(self.eta)
        if not self.rungs(1):
            text = f"max_iter {self.max_iter} divided by eta {self.eta} leaves no rung from min_iter on"
            raise fault(text, "raise max_iter")
        return self

    def rungs(self, most: int = 100) -> list[int]:
        """The rungs of the bracket that has the most; the others have the last of these."""
        return list(self.shares()[0].rungs[:most])

    def shares(self) -> list[Bracket]:
        """The brackets, that with the most rungs first."""
        return ladders.brackets(self.min_iter, self.max_iter, self.eta, getattr(self, "brackets", None))


class AsyncHyperband(Bracketed):
    """Hyperband whose brackets are each an ASHA of its own."""

    type: Literal["async_hyperband"]
    """Each trial draws a bracket, by Hyperband's shares; in it ASHA decides."""
    brackets: Count | None = None
    """How many brackets, those with the most rungs first; all without it, the last of which has no rung."""

    @model_validator(mode="after")
    def _brackets_fit(self) -> AsyncHyperband:
        there = len(ladders.brackets(self.min_iter, self.max_iter, self.eta))
        if self.brackets is not None and self.brackets > there:
            raise fault(
                f"{self.brackets} brackets, but min_iter, max_iter and eta make {there}",
                f"write {there} or less",
                "brackets",
            )
        return self


class HyperbandSync(Bracketed):
    """Hyperband (Li et al. 2017): brackets of successive halving, whose rungs are judged together."""

    type: Literal["hyperband_sync"]
    """Trials are compared in groups, as large as run at once; at a rung the best 1/eta of a group go on."""


class Bohb(Bracketed):
    """The early stopping of BOHB (Falkner et al. 2018), which is Hyperband's; pairs with `method: bohb`."""

    type: Literal["bohb"]
    """As `hyperband_sync`."""


class Median(EarlyTermination):
    """The median stopping rule (Golovin et al. 2017)."""

    type: Literal["median"]
    """A trial whose best value is worse than the median of other trials' running averages is stopped."""
    min_iter: Count = 1
    """First iteration at which a trial is judged (its grace period)."""
    max_iter: Count | None = None
    """Iterations of a full trial, none of which is judged from there on. Never ends a trial by itself."""
    min_samples: Count = 3
    """So many completed trials must have come as far as the one that is judged."""

    @model_validator(mode="after")
    def _rungs_defined(self) -> Median:
        if self.max_iter is not None and self.min_iter >= self.max_iter:
            raise fault(f"min_iter {self.min_iter} is not below max_iter {self.max_iter}", "lower it")
        return self

    def rungs(self, most: int = 1000) -> list[int]:
        """Every iteration at first, then steps of an eighth."""
        return ladders.thinning(self.min_iter, self.max_iter)[:most]


class CustomRule(EarlyTermination):
    """A TrialScheduler of your own, or any of Ray Tune's."""

    model_config = ConfigDict(extra="allow")
    type: str = Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")
    """`module:Class`; all further keys are arguments of its constructor."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What its constructor is called with."""
        return dict(self.__pydantic_extra__ or {})

    def rungs(self, most: int = 100) -> list[int]:
        """None that are known."""
        return []

    @property
    def milestones(self) -> tuple[int, ...] | None:
        """All iterations: only the class knows which it needs."""
        return None

    @property
    def longest(self) -> int | None:
        """Not known."""
        return None


CUSTOM = "module:Class"
"""Tag of the type that names a class."""


def _kind(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, Mapping) else getattr(value, "type", None)
    return CUSTOM if isinstance(kind, str) and ":" in kind else None if kind is None else str(kind)


EarlyTerminate = Annotated[
    Annotated[Hyperband, Tag("hyperband")]
    | Annotated[Asha, Tag("asha")]
    | Annotated[AsyncHyperband, Tag("async_hyperband")]
    | Annotated[HyperbandSync, Tag("hyperband_sync")]
    | Annotated[Bohb, Tag("bohb")]
    | Annotated[Median, Tag("median")]
    | Annotated[Pbt, Tag("pbt")]
    | Annotated[Pb2, Tag("pb2")]
    | Annotated[CustomRule, Tag(CUSTOM)],
    Discriminator(_kind),
]
"""The section `early_terminate`, whichever type it has."""

RULES: dict[str, type[EarlyTermination]] = {
    "hyperband": Hyperband,
    "asha": Asha,
    "async_hyperband": AsyncHyperband,
    "hyperband_sync": HyperbandSync,
    "bohb": Bohb,
    "median": Median,
    "pbt": Pbt,
    "pb2": Pb2,
    CUSTOM: CustomRule,
}
"""Type → its model."""
