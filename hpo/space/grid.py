"""W&B's grid: a search space → its cells by number, computed one at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from hpo.space.conditions import Condition
from hpo.space.space import SearchSpace
from hpo.space.values import LISTABLE, Steps, distinct, many, number_of, value_key

Absent = frozenset[int]
"""Of the parameters still to come, by their places: those that a choice so far leaves out."""
STATES = 100_000
"""So many combinations of parameters that are left out can be told apart."""

UNCOUNTABLE = "grid cannot count the cells of so many conditions"


@dataclass(frozen=True)
class Grid:
    """The cells of a grid in W&B's order: parameters by name, the last one changing fastest.

    A value listed twice makes one cell, as W&B's de-duplication by hash does (`sweeps` 0.3.0, grid_search).
    A parameter with a condition comes after those that it depends on; an inactive one multiplies no cells.
    Raises ValueError where a parameter cannot be listed, or conditions are too many to count the cells.
    """

    space: SearchSpace

    def __post_init__(self) -> None:
        _ = self.size

    @cached_property
    def axes(self) -> list[Sequence[Any]]:
        """The different values of each parameter, in the order of the space's leaves."""
        axes: list[Sequence[Any]] = []
        for leaf in self.space.leaves:
            values = leaf.distribution.grid()
            if values is None:
                raise ValueError(f"'{leaf.name}' is {leaf.distribution.name}, which grid cannot list")
            long = isinstance(values, range) or (isinstance(values, Steps) and values.number > LISTABLE)
            axes.append(values if long else distinct(values))
        return axes

    @property
    def order(self) -> list[int]:
        """Places of the leaves in the order in which they are gone through, each after what it depends on."""
        return self.space.order

    def __len__(self) -> int:
        """Number of cells; for more than sys.maxsize use `size`."""
        return self.size

    @cached_property
    def size(self) -> int:
        """Number of cells, however large."""
        if self.space.conditional:
            return self._counts[0][frozenset()]
        return math.prod(map(many, self.axes))

    def __getitem__(self, number: int) -> dict[str, Any]:
        """The configuration of cell `number`, from 0; raises IndexError past the end."""
        if not 0 <= number < self.size:
            raise IndexError(f"cell {number} of {self.size}")
        if self.space.conditional:
            return self._conditional(number)
        values = []
        for axis in reversed(self.axes):
            number, place = divmod(number, many(axis))
            values.append(axis[place])
        return self.space.nest(reversed(values))

    def _conditional(self, number: int) -> dict[str, Any]:
        """Cell `number` where parameters depend on each other: down the tree of choices by counting."""
        values: list[Any] = [None] * len(self.axes)
        there = [False] * len(self.axes)
        absent: Absent = frozenset()
        for depth, place in enumerate(self.order):
            there[place] = place not in absent
            below = self._counts[depth + 1]
            if not there[place]:
                absent = self._after(place, absent, self._asked[place])
                continue
            for first, length, failed in self._runs[place]:
                after = self._after(place, absent, failed)
                if number < length * below[after]:
                    digit, number = divmod(number, below[after])
                    values[place], absent = self.axes[place][first + digit], after
                    break
                number -= length * below[after]
        return self.space.nest(values, there)

    @cached_property
    def _counts(self) -> list[Mapping[Absent, int]]:
        """For each depth of the order: what is left out → how many cells there are below."""
        reached: list[set[Absent]] = [{frozenset()}]
        room = STATES
        for place in self.order:
            found = {after for absent in reached[-1] for after, _ in self._ways(place, absent)}
            room -= sum(1 + len(absent) for absent in found)
            if room < 0:
                raise ValueError(UNCOUNTABLE)
            reached.append(found)
        counts: list[Mapping[Absent, int]] = [{frozenset(): 1}]
        for place, states in zip(reversed(self.order), reversed(reached[:-1]), strict=True):
            below = counts[-1]
            counts.append(
                {absent: sum(n * below[after] for after, n in self._ways(place, absent)) for absent in states}
            )
        return counts[::-1]

    def _ways(self, place: int, absent: Absent) -> Iterator[tuple[Absent, int]]:
        """What may be left out after a parameter, and how many of its values lead there."""
        if place in absent:
            yield self._after(place, absent, self._asked[place]), 1
            return
        kinds: dict[Absent, int] = {}
        for _, length, failed in self._runs[place]:
            kinds[failed] = kinds.get(failed, 0) + length
        for failed, length in kinds.items():
            yield self._after(place, absent, failed), length

    @staticmethod
    def _after(place: int, absent: Absent, failed: Absent) -> Absent:
        return absent - {place} | failed if failed or place in absent else absent

    @cached_property
    def _asked(self) -> list[Absent]:
        """For each leaf those that have a condition on it."""
        return [frozenset(place for place, _ in conditions) for conditions in self._conditions]

    @cached_property
    def _conditions(self) -> list[list[tuple[int, Condition]]]:
        """The conditions on each leaf, with the place of the one that is there only if they hold."""
        asked: list[list[tuple[int, Condition]]] = [[] for _ in self.axes]
        for place, conditions in enumerate(self.space.conditions):
            for condition in conditions:
                asked[condition.other].append((place, condition))
        return asked

    @cached_property
    def _runs(self) -> list[list[tuple[int, int, Absent]]]:
        """Each axis as runs of values that leave out the same: first, how many, what."""
        return [self._runs_of(place) for place in range(len(self.axes))]

    def _runs_of(self, place: int) -> list[tuple[int, int, Absent]]:
        axis, conditions = self.axes[place], self._conditions[place]
        if not conditions:
            return [(0, many(axis), frozenset())]
        special: set[int] = set()
        keys = list(map(value_key, axis)) if isinstance(axis, list) else []
        for _, condition in conditions:
            if keys:
                special |= {n for n, key in enumerate(keys) if key in condition.keys}
            else:
                special |= {n for value in condition.values if (n := number_of(value, axis)) is not None}
        if len(special) * len(conditions) > 10 * STATES:
            raise ValueError(UNCOUNTABLE)
        edges = sorted({0, many(axis), *special, *(n + 1 for n in special)})
        runs = []
        for first, end in pairwise(edges):
            key = value_key(axis[first])
            failed = frozenset(p for p, condition in conditions if key not in condition.keys)
            runs.append((first, end - first, failed))
        return runs

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All cells in order."""
        return (self[number] for number in range(self.size))
