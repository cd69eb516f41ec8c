"""What the sections of a sweep file share, and the kinds of their numbers."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from hpo.space.distribution import Number, Whole
from hpo.sweepfile.rungs import Bracket

Count = Annotated[Whole, Field(ge=1), WithJsonSchema({"type": "integer", "minimum": 1})]
Factor = Annotated[Number, Field(gt=1), WithJsonSchema({"type": "number", "exclusiveMinimum": 1})]


class Section(BaseModel):
    """What all sections share: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class EarlyTermination(Section):
    """What all types have: where trials are judged, and which results a decision needs."""

    nan_counts: ClassVar[bool] = True
    """Whether a report of NaN is an iteration, and the worst one."""
    type: str

    def rungs(self, most: int = 100) -> list[int]:
        """The first `most` iterations at which a trial may be stopped, ascending."""
        raise NotImplementedError

    def shares(self) -> list[Bracket]:
        """The brackets where there are several, that with the most rungs first."""
        return []

    @property
    def milestones(self) -> tuple[int, ...] | None:
        """Iterations whose results decisions need; None: all."""
        return tuple(self.rungs())

    @property
    def longest(self) -> int | None:
        """Iterations of a full trial, where they are known."""
        return getattr(self, "max_iter", None)
