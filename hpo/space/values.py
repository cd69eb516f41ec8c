"""When two configuration values are the same, as W&B's grid search sees it: value → hashable key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def value_key(value: Any) -> object:
    """A key equal for two values that W&B takes for one grid point.

    Whole floats equal integers at the top (a value's journey through Go's JSON makes them so); True, 1 and
    "1" differ; mappings compare without regard to order; inside lists 1 and 1.0 differ.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _frozen(value)


def distinct(values: Iterable[Any]) -> list[Any]:
    """Each value once, at its first place and in its last spelling (1 and 1.0 are one value), as on W&B."""
    return list({value_key(value): value for value in values}.values())


def _frozen(value: Any) -> object:
    if isinstance(value, dict):
        return ("dict", tuple(sorted(((str(k), _frozen(v)) for k, v in value.items()), key=repr)))
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, tuple(map(_frozen, value)))
    return (type(value).__name__, repr(value))
