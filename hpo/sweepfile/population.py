"""`early_terminate` of the types `pbt` and `pb2`: trials that train as one population."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from hpo.space.distribution import Number, fault
from hpo.sweepfile.section import Count, EarlyTermination, Section

GENERATIONS = 2000
"""So many milestones a trial has at most."""
FACTORS = (0.8, 1.2)

Probability = Annotated[
    Number, Field(ge=0, le=1), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})
]
Quantile = Annotated[
    Number,
    Field(gt=0, le=0.5),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}),
]


class Mutation(Section):
    """How one hyperparameter changes."""

    factors: tuple[float, ...] = FACTORS
    """A number is multiplied by one of them."""
    resample: float | None = None
    """Probability of a fresh draw in place of that; None: the section's."""
    ordered: bool | None = None
    """Whether a category moves to a neighbour; None: where all are numbers that rise or fall."""


def _mutations(value: Any) -> Any:
    """Names, or names with settings of their own → a Mutation for each."""
    if isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value):
        value = dict.fromkeys(value)
    if not isinstance(value, Mapping) or not value:
        raise fault("no hyperparameter is named", "write for example `mutate: [learning_rate]`")
    return {str(name): _mutation(str(name), settings) for name, settings in value.items()}


def _mutation(name: str, settings: Any) -> Mutation:
    if isinstance(settings, Mutation):
        return settings
    given = {} if settings is None else settings
    if not isinstance(given, Mapping) or set(given) - set(Mutation.model_fields):
        raise _wrong(name, f"{settings!r} are no settings", f"known: {', '.join(Mutation.model_fields)}")
    factors, resample = given.get("factors", FACTORS), given.get("resample")
    if not isinstance(factors, (list, tuple)) or not factors or not all(map(_positive, factors)):
        raise _wrong(name, f"factors {factors!r} are no positive numbers", "write for example [0.8, 1.2]")
    if (resample is not None and not (_positive(resample) or resample == 0)) or (resample or 0) > 1:
        raise _wrong(name, f"resample {resample!r} is no probability", "write a number from 0 to 1")
    if given.get("ordered") not in (None, True, False):
        raise _wrong(name, f"ordered {given['ordered']!r} is neither true nor false", "write true or false")
    return Mutation(factors=tuple(map(float, factors)), resample=resample, ordered=given.get("ordered"))


def _positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1e300


def _wrong(name: str, message: str, hint: str) -> PydanticCustomError:
    return fault(f"{name}: {message}", hint)


_SETTINGS = {
    "type": ["object", "null"],
    "properties": {
        "factors": {"type": "array", "minItems": 1, "items": {"type": "number", "exclusiveMinimum": 0}},
        "resample": {"type": "number", "minimum": 0, "maximum": 1},
        "ordered": {"type": "boolean"},
    },
    "additionalProperties": False,
}
Mutations = Annotated[
    dict[str, Mutation],
    BeforeValidator(_mutations),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "minItems": 1, "items": {"type": "string"}},
                {"type": "object", "minProperties": 1, "additionalProperties": _SETTINGS},
            ]
        }
    ),
]


class Population(EarlyTermination):
    """What `pbt` and `pb2` share. `run_cap` is the size of the population, which may exceed the slots."""

    interval: Count
    """Iterations from milestone to milestone, where a trial at the bottom takes over another's state."""
    mutate: Mutations
    """The hyperparameters that change: names, or names with `factors`, `resample`, `ordered`."""
    quantile: Quantile = 0.25
    """Share of the population at the bottom that clones one of the same share at the top."""
    group: tuple[str, ...] = ()
    """Trials that differ in one of these parameters, such as a network's size, never clone each other."""
    max_iter: Count | None = None
    """Iterations of a full trial: nothing is taken over from there on. Never ends a script by itself."""

    def rungs(self, most: int = GENERATIONS) -> list[int]:
        """The multiples of the interval below max_iter."""
        end = self.interval * most + 1 if self.max_iter is None else self.max_iter
        return list(range(self.interval, end, self.interval))[:most]


class Pbt(Population):
    """Population based training (Jaderberg et al. 2017)."""

    type: Literal["pbt"]
    """The worst trials go on from the checkpoints of the best, with hyperparameters that are perturbed."""
    resample: Probability = 0.25
    """Probability that a mutated hyperparameter is drawn afresh and not perturbed."""


class Pb2(Population):
    """Population based bandits (Parker-Holder et al. 2020)."""

    type: Literal["pb2"]
    """As `pbt`, but a Gaussian process of what has helped lately chooses the new numbers."""


class Replay(EarlyTermination):
    """A found schedule, replayed by one trial; made by `hpo run --replay`, never written in a file."""

    type: Literal["replay"] = "replay"
    changes: dict[int, dict[str, Any]]
    """Iteration → the whole configuration from there on."""
    max_iter: int | None = None
    """Iterations of a class that does not say when it is done."""

    def rungs(self, most: int = GENERATIONS) -> list[int]:
        """Where the configuration changes."""
        return sorted(self.changes)[:most]

    @property
    def milestones(self) -> tuple[int, ...]:
        """The same, all of them."""
        return tuple(sorted(self.changes))
