"""When two configuration values are the same, as W&B's grid search sees it: value → hashable key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, overload

LISTABLE = 100_000
"""Values of an axis that are looked at one by one."""


@dataclass(frozen=True)
class Steps(Sequence[Any]):
    """`number` numbers from `start` in equal steps, each computed when it is asked for."""

    start: int | float
    step: int | float
    number: int

    def __len__(self) -> int:
        """Their number; for more than sys.maxsize use `number`."""
        return self.number

    @overload
    def __getitem__(self, place: int) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...
    def __getitem__(self, place: int | slice) -> Any:
        """Number `place`, from 0; raises IndexError past the end."""
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(self.number))]
        if not 0 <= place < self.number:
            raise IndexError(place)
        return self.start + place * self.step


def many(axis: Sequence[Any]) -> int:
    """How many values an axis has, however many."""
    if isinstance(axis, range):
        return max(0, axis.stop - axis.start)  # a range of step 1, beyond what len() can tell
    return axis.number if isinstance(axis, Steps) else len(axis)


def number_of(value: Any, axis: Sequence[Any]) -> int | None:
    """Where a value stands on a long axis; None where it is not there."""
    if isinstance(axis, Steps):
        place = round((value - axis.start) / axis.step)
        there = 0 <= place < axis.number and value_key(axis[place]) == value_key(value)
        return place if there else None
    return axis.index(value) if value in axis else None


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
