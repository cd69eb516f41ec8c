"""What the sections of a sweep file share, and the kinds of their numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from hpo.space.distribution import Number, Whole

Count = Annotated[Whole, Field(ge=1), WithJsonSchema({"type": "integer", "minimum": 1})]
Factor = Annotated[Number, Field(gt=1), WithJsonSchema({"type": "number", "exclusiveMinimum": 1})]


class Section(BaseModel):
    """What all sections share: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
