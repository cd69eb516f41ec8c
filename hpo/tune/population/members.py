"""What a population knows of its trials."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hpo.space.space import SearchSpace


@dataclass
class Member:
    """One trial that has not ended."""

    trial: Any
    group: str
    """Members of one group are ranked among each other and clone each other."""
    iteration: int = 0
    """Its newest milestone, in its own count."""
    score: float | None = None
    """Its value there, less is better; that of the donor until a clone's own next milestone."""
    own: bool = False
    """Whether it has earned the score itself."""

    @property
    def donates(self) -> bool:
        """Whether there is a checkpoint of the milestone that its score is of."""
        return self.own and saved(self.trial) == self.iteration


def saved(trial: Any) -> int:
    """The milestone of a trial that there is a checkpoint of; 0: none."""
    return int(getattr(trial, "saved", 0))


def group_of(config: Mapping[str, Any], space: SearchSpace, names: Iterable[str]) -> str:
    """What members of one group have in common, as text."""
    leaves = {leaf.name: leaf for leaf in space.leaves}
    values = {}
    for name in names:
        try:
            values[name] = space.value(config, leaves[name])
        except (KeyError, TypeError):
            continue  # not there under this configuration's conditions
    return json.dumps(values, sort_keys=True, default=repr)


def finite(score: float | None) -> bool:
    """Whether there is a number."""
    return score is not None and math.isfinite(score)
