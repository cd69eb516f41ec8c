"""W&B's grid: a search space → its cells by number, computed one at a time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hpo.space.conditions import Condition
from hpo.space.space import SearchSpace
from hpo.space.values import distinct

Context = tuple[tuple[bool, ...] | None, ...]
"""Of the parameters gone through so far: None for an inactive one, else which conditions on it hold."""


@dataclass(frozen=True)
class Grid:
    """The cells of a grid in W&B's order: parameters by name, the last one changing fastest.

    A value listed twice makes one cell, as W&B's de-duplication by hash does (`sweeps` 0.3.0, grid_search).
    A parameter with a condition comes after those that it depends on; an inactive one multiplies no cells.
    Raises ValueError where a parameter cannot be listed.
    """

    space: SearchSpace
    _counts: dict[tuple[int, Context], int] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        _ = self.axes

    @cached_property
    def axes(self) -> list[Sequence[Any]]:
        """The different values of each parameter, in the order of the space's leaves."""
        axes: list[Sequence[Any]] = []
        for leaf in self.space.leaves:
            values = leaf.distribution.grid()
            if values is None:
                raise ValueError(f"'{leaf.name}' is {leaf.distribution.name}, which grid cannot list")
            axes.append(values if isinstance(values, range) else distinct(values))
        return axes

    def __len__(self) -> int:
        """Number of cells; for more than sys.maxsize use `size`."""
        return self.size

    @property
    def size(self) -> int:
        """Number of cells, however large."""
        if self.space.conditional:
            return self._count(0, ())
        return math.prod(len(axis) for axis in self.axes)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """The configuration of cell `number`, from 0; raises IndexError past the end."""
        if not 0 <= number < self.size:
            raise IndexError(f"cell {number} of {self.size}")
        if self.space.conditional:
            return self._conditional(number)
        values = []
        for axis in reversed(self.axes):
            number, place = divmod(number, len(axis))
            values.append(axis[place])
        return self.space.nest(reversed(values))

    def _conditional(self, number: int) -> dict[str, Any]:
        """Cell `number` where parameters depend on each other: down the tree of choices by counting."""
        values: list[Any] = [None] * len(self.axes)
        there = [False] * len(self.axes)
        context: Context = ()
        for depth, place in enumerate(self.order):
            there[place] = self._there(depth, context)
            if not there[place]:
                context = (*context, None)
                continue
            if not self._asked[place]:  # nothing depends on it: all its values have as many cells below
                below = (*context, ())
                digit, number = divmod(number, self._count(depth + 1, below))
                values[place], context = self.axes[place][digit], below
                continue
            for value in self.axes[place]:
                below = (*context, self._held(place, value))
                cells = self._count(depth + 1, below)
                if number < cells:
                    break
                number -= cells
            values[place], context = value, below
        return self.space.nest(values, there)

    def _count(self, depth: int, context: Context) -> int:
        """How many cells there are below a choice for the first `depth` parameters."""
        if depth == len(self.axes):
            return 1
        context = self._needed(depth, context)
        if (depth, context) not in self._counts:
            place = self.order[depth]
            if not self._there(depth, context):
                count = self._count(depth + 1, (*context, None))
            elif not self._asked[place]:
                count = len(self.axes[place]) * self._count(depth + 1, (*context, ()))
            else:
                kinds = Counter(self._held(place, value) for value in self.axes[place])
                count = sum(many * self._count(depth + 1, (*context, held)) for held, many in kinds.items())
            self._counts[depth, context] = count
        return self._counts[depth, context]

    def _there(self, depth: int, context: Context) -> bool:
        """Whether the parameter at `depth` of the order is active."""
        place = self.order[depth]
        for condition in self.space.conditions[place]:
            held = context[self._depths[condition.other]]
            if held is None or not held[self._asked[condition.other].index(condition)]:
                return False
        return True

    @cached_property
    def order(self) -> list[int]:
        """Places of the leaves in the order in which they are gone through, each after what it depends on."""
        return self.space.order

    @cached_property
    def _depths(self) -> dict[int, int]:
        return {place: depth for depth, place in enumerate(self.order)}

    @cached_property
    def _last(self) -> list[int]:
        """By depth: the greatest depth at which a parameter depends on the one there, or -1."""
        last = [-1] * len(self.order)
        for depth, place in enumerate(self.order):
            for condition in self.space.conditions[place]:
                last[self._depths[condition.other]] = depth
        return last

    def _needed(self, depth: int, context: Context) -> Context:
        """The context without what no parameter from `depth` on asks for: fewer different ones to count."""
        return tuple(held if last >= depth else None for held, last in zip(context, self._last, strict=False))

    @cached_property
    def _asked(self) -> list[list[Condition]]:
        """The different conditions on each leaf."""
        asked: list[list[Condition]] = [[] for _ in self.axes]
        for condition in dict.fromkeys(c for conditions in self.space.conditions for c in conditions):
            asked[condition.other].append(condition)
        return asked

    def _held(self, place: int, value: Any) -> tuple[bool, ...]:
        return tuple(condition.holds(value) for condition in self._asked[place])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All cells in order."""
        return (self[number] for number in range(self.size))
