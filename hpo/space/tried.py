"""Which configurations of a finite space were suggested, and others in place of those."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping
from typing import Any

from hpo.space.cells import Cells
from hpo.space.start import Start

DRAWS = 32
"""So often a point is drawn again, by the space's own law, before any untried one is taken."""
MOVES = 64
"""So many points near one that was tried are looked at."""


class Tried:
    """The cells of a space that were suggested: one number each, so that it may be pickled often.

    All that it gives follows from the cells in it, in whatever order they came, and from its arguments.
    """

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.size = cells.size
        self.numbers: list[int] = []
        """In ascending order."""
        self.again: Counter[int] = Counter()
        """How often those came again that did, once there were no others."""

    def __contains__(self, number: int) -> bool:
        place = bisect_left(self.numbers, number)
        return place < len(self.numbers) and self.numbers[place] == number

    @property
    def exhausted(self) -> bool:
        """Whether all were tried."""
        return len(self.numbers) >= self.size

    def add(self, number: int) -> None:
        """A cell was suggested."""
        place = bisect_left(self.numbers, number)
        if place < len(self.numbers) and self.numbers[place] == number:
            self.again[number] += 1
        else:
            self.numbers.insert(place, number)

    def remove(self, number: int) -> None:
        """A suggestion was taken back."""
        if self.again[number]:
            self.again[number] -= 1
        else:
            del self.numbers[bisect_left(self.numbers, number)]

    def untried(self, generator: random.Random) -> int:
        """Any untried cell, all equally likely; there must be one."""
        rank = generator.randrange(self.size - len(self.numbers))
        before = bisect_right(range(len(self.numbers)), rank, key=lambda n: self.numbers[n] - n)
        return rank + before

    def draw(self, start: Start, index: int) -> dict[str, Any]:
        """Configuration number `index` of `start`; where that was tried, drawn anew, in the end by number."""
        config = start.config(index)
        if self.exhausted:
            return config
        for attempt in range(DRAWS):
            if self.cells.number(config) not in self:
                return config
            config = start.config(index, attempt + 1)
        return self.cells[self.untried(random.Random(f"hpo:untried:{start.seed}:{index}"))]

    def beginning(self, start: Start, count: int) -> list[dict[str, Any]]:
        """The next configurations of `start`, which are tried from now on."""
        configs = []
        for index in range(count):
            configs.append(self.draw(start, index))
            self.add(self.cells.number(configs[-1]))
        return configs

    def near(self, config: Mapping[str, Any], seed: str) -> dict[str, Any]:
        """An untried configuration near a tried one, else any; there must be one."""
        generator = random.Random(seed)
        for attempt in range(MOVES):
            moved = self._moved(config, attempt / MOVES, generator)
            if self.cells.number(moved) not in self:
                return moved
        return self.cells[self.untried(generator)]

    def _moved(self, config: Mapping[str, Any], reach: float, generator: random.Random) -> dict[str, Any]:
        """One to four parameters changed, by the more the nearer `reach` comes to 1; numbers by few steps."""
        space = self.cells.space
        values = []
        for leaf in space.leaves:
            try:
                values.append(space.value(config, leaf))
            except (KeyError, TypeError):  # inactive: what it is if a change brings it in
                values.append(leaf.distribution.draw(generator.random()))
        for _ in range(1 + int(4 * reach)):
            there = space.active(values)
            free = [n for n, axis in enumerate(self.cells.axes) if there[n] and len(axis) > 1]
            if free:
                place = generator.choice(free)
                values[place] = self._beside(place, values[place], reach, generator)
        return space.nest(values, space.active(values))

    def _beside(self, place: int, value: Any, reach: float, generator: random.Random) -> Any:
        axis, digit = self.cells.axes[place], self.cells.digit(place, value)
        if isinstance(axis, list):
            other = generator.randrange(len(axis) - 1)
            return axis[other + (other >= digit)]
        step = 1 + int(generator.expovariate(1.0) * 8 * reach)
        side = generator.choice((-step, step))
        moved = digit + side if 0 <= digit + side < len(axis) else digit - side
        return axis[min(max(moved, 0), len(axis) - 1)]
