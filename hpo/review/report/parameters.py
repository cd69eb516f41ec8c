"""The searched parameters of a run → columns: numbers, or places in a list of choices."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from hpo.errors import visible
from hpo.record.flat import ABSENT, Path, lookup
from hpo.record.trials import RunRecord
from hpo.review.cells import value_text
from hpo.review.parameters import searched
from hpo.space.categories import Categorical
from hpo.space.space import SearchSpace
from hpo.space.values import value_key

LONGEST = 60
"""Characters of a choice before it is cut."""


@dataclass(frozen=True)
class Parameter:
    """One column. A missing value is None: a conditional parameter that a trial did not have."""

    path: Path
    log: bool
    labels: tuple[str, ...]
    """The choices in order; none where its values are numbers."""
    values: tuple[float | None, ...]
    """One a trial: a number, or the place of its choice."""
    whole: bool = False
    low: float | None = None
    high: float | None = None
    """The range that is searched, or that was seen where it has no ends."""
    keys: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """Keys joined with dots."""
        return ".".join(self.path)

    @cached_property
    def _places(self) -> dict[Any, int]:
        return {key: place for place, key in enumerate(self.keys)}

    def number(self, config: Mapping[str, Any]) -> float | None:
        """Its value in a configuration, as in `values`."""
        value = lookup(config, self.path)
        if value is ABSENT:
            return None
        if self.labels:
            return self._places.get(value_key(value))
        return float(value) if _is_number(value) else None


def parameters_of(
    record: RunRecord, space: SearchSpace | None, more: Iterable[Mapping[str, Any]] = ()
) -> tuple[Parameter, ...]:
    """Those that can take more than one value, in the file's order; `more` configurations count, too."""
    configs = [trial.config for trial in record.trials]
    everything = [*configs, *more]
    found = []
    for path in searched(record.sweep, configs):
        place = space.by_path.get(path) if space else None
        distribution = space.leaves[place].distribution if space and place is not None else None
        found.append(_parameter(path, configs, everything, distribution))
    return tuple(one for one in found if one is not None)


def _parameter(path: Path, configs: list[Any], everything: list[Any], distribution: Any) -> Parameter | None:
    """None where no trial has it."""
    values = [value for config in everything if (value := lookup(config, path)) is not ABSENT]
    listed = list(distribution.values) if isinstance(distribution, Categorical) else []
    if not values:
        return None
    if listed or not all(map(_is_number, values)):
        made = _choices(path, listed, values)
    else:
        low, high = min(map(float, values)), max(map(float, values))
        ends = distribution.support() if distribution is not None else None
        if ends and all(abs(end) < 1e300 for end in ends):
            low, high = min(low, ends[0]), max(high, ends[1])
        log = distribution is not None and distribution.log_scaled and low > 0
        made = Parameter(path, log, (), (), all(isinstance(value, int) for value in values), low, high)
    return replace(made, values=tuple(made.number(config) for config in configs))


def _choices(path: Path, listed: list[Any], values: list[Any]) -> Parameter:
    """The file's order; numbers ascend."""
    choices = {value_key(value): value for value in [*listed, *values]}
    if all(map(_is_number, choices.values())):
        choices = dict(sorted(choices.items(), key=lambda item: float(item[1])))
    labels = tuple(_label(value) for value in choices.values())
    return Parameter(path, False, labels, (), keys=tuple(choices))


def _label(value: Any) -> str:
    """Text as it is, unless it could be taken for a number or the like."""
    if isinstance(value, str):
        try:
            json.loads(value)
        except ValueError:
            text = visible(value)
            return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
        return json.dumps(value)
    return value_text(value, LONGEST)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300
