"""W&B's grid: a search space → its cells by number, computed one at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hpo.space.space import SearchSpace
from hpo.space.values import distinct


@dataclass(frozen=True)
class Grid:
    """The cells of a grid in W&B's order: parameters by name, the last one changing fastest.

    A value listed twice makes one cell, as W&B's de-duplication by hash does (`sweeps` 0.3.0, grid_search).
    Raises ValueError where a parameter cannot be listed.
    """

    space: SearchSpace

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
        return math.prod(len(axis) for axis in self.axes)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """The configuration of cell `number`, from 0; raises IndexError past the end."""
        if not 0 <= number < self.size:
            raise IndexError(f"cell {number} of {self.size}")
        values = []
        for axis in reversed(self.axes):
            number, place = divmod(number, len(axis))
            values.append(axis[place])
        return self.space.nest(reversed(values))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All cells in order."""
        return (self[number] for number in range(self.size))
