"""Where a search begins: by the number of a trial → a point given first, or one of a sequence."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hpo.space.placing import place
from hpo.space.space import SearchSpace


@dataclass(frozen=True)
class Start:
    """The configurations that need no model: `points` first, the rest of each and all later ones random."""

    space: SearchSpace
    seed: int
    points: Sequence[Mapping[str, Any]] = ()

    def unit(self, index: int, attempt: int) -> list[float]:
        """Point number `index` of the sequence in the unit cube, from 0; others with later attempts."""
        if attempt == 0:
            return self.space.point(self.seed, index)
        generator = random.Random(f"hpo:{self.seed}:{index}:{attempt}")
        return [generator.random() for _ in self.space.searched]

    def given(self, index: int) -> Mapping[int, Any]:
        """What point number `index` was given: place among the leaves → value."""
        return self._given[index] if index < len(self._given) else {}

    def config(self, index: int, attempt: int = 0) -> dict[str, Any]:
        """Configuration number `index`; later attempts draw anew what was not given."""
        given = self.given(index)
        drawn = zip(self.space.axes, self.unit(index, attempt), strict=True)
        return self.space.assemble(
            given[n] if n in given else self.space.leaves[n].distribution.draw(u) for n, u in drawn
        )

    @cached_property
    def _given(self) -> list[Mapping[int, Any]]:
        return [place(self.space, point).values for point in self.points]


@dataclass(frozen=True)
class SobolStart(Start):
    """A Sobol sequence in place of random numbers, scrambled by the seed: evener in every direction."""

    scramble: bool = field(default=True)

    def unit(self, index: int, attempt: int) -> list[float]:
        """Point number `index` of the sequence; each is computed by itself. Later attempts are random."""
        if attempt:
            return super().unit(index, attempt)
        from scipy.stats.qmc import Sobol  # costs half a second: only where it is used

        engine = Sobol(len(self.space.searched), scramble=self.scramble, seed=self.seed)
        if index:
            engine.fast_forward(index)
        return [float(u) for u in engine.random(1)[0]]
