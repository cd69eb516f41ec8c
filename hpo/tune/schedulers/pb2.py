"""Population based bandits: PBT whose clones get the numbers that a Gaussian process expects most of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Any

from hpo.space.categories import Categorical
from hpo.space.space import Leaf, SearchSpace
from hpo.sweepfile.population import Pb2
from hpo.tune.population.explore import perturbed, replaced
from hpo.tune.population.members import Member, finite
from hpo.tune.schedulers.pbt import PopulationBased

MOST = 60
"""So many newest intervals the model sees: its cost grows with their cube."""
FEWEST = 4
"""With fewer, clones are perturbed as in PBT."""
RESAMPLE = 0.25
"""Of what the model does not see: categories."""


@dataclass(frozen=True)
class Trained:
    """One interval of one member: when, with what, and how much better it got (-inf: it broke)."""

    generation: int
    place: tuple[float, ...]
    gain: float


class PopulationBandits(PopulationBased):
    """Parker-Holder et al. 2020: time-varying GP-UCB over the mutated numbers, in the unit cube.

    A point that is chosen but not yet trained counts as one without a value, so that clones of one
    generation spread. Categories change as in PBT.
    """

    def __init__(self, metric: str, mode: str, rule: Pb2, space: SearchSpace, seed: int = 0) -> None:
        super().__init__(metric, mode, rule, space, seed)
        named = [leaf for leaf in space.leaves if leaf.name in rule.mutate]
        self.modelled: list[Leaf] = [x for x in named if not isinstance(x.distribution, Categorical)]
        self.trained: list[Trained] = []
        self.pending: dict[str, tuple[float, ...]] = {}
        """Points that clones have begun with, by member."""

    def learn(self, member: Member, before: float | None) -> None:
        """How much the interval that has just ended has brought."""
        self.pending.pop(member.trial.trial_id, None)
        place = self._place(member.trial.config)
        if before is None or not finite(before) or place is None or member.score is None:
            return
        generation = member.iteration // self.rule.interval
        self.trained.append(Trained(generation, place, before - member.score))
        del self.trained[:-MOST]

    def explore(self, member: Member, donor: Member, draw: Random) -> dict[str, Any]:
        """The donor's configuration with the numbers that promise most in the next interval."""
        config, place = donor.trial.config, self._place(donor.trial.config)
        if place is None or sum(math.isfinite(one.gain) for one in self.trained) < FEWEST:
            return perturbed(config, self.space, self.rule.mutate, RESAMPLE, draw)
        numbers = {leaf.name for leaf in self.modelled}
        others = {name: how for name, how in self.rule.mutate.items() if name not in numbers}
        config = perturbed(config, self.space, others, RESAMPLE, draw)
        chosen = self._promising(place, donor.iteration // self.rule.interval + 1, draw)
        self.pending[member.trial.trial_id] = chosen
        values = zip(self.modelled, chosen, strict=True)
        return replaced(config, {leaf.path: leaf.distribution.draw(u) for leaf, u in values})

    def leave(self, name: str) -> None:
        """A trial has ended in some way."""
        super().leave(name)
        self.pending.pop(name, None)

    def _place(self, config: dict[str, Any]) -> tuple[float, ...] | None:
        """Where a configuration is in the unit cube; None where it lacks a parameter."""
        try:
            return tuple(x.distribution.cdf(self.space.value(config, x)) for x in self.modelled)
        except (KeyError, TypeError, ValueError):
            return None

    def _promising(self, begin: tuple[float, ...], generation: int, draw: Random) -> tuple[float, ...]:
        import numpy as np

        from hpo.tune.population.gp import Data, fit, given, highest

        gains = np.array([one.gain for one in self.trained])
        gains[~np.isfinite(gains)] = gains[np.isfinite(gains)].min()
        values = np.clip((gains - gains.mean()) / (gains.std() + 1e-12), -2.0, 2.0)
        times = np.array([float(one.generation) for one in self.trained])
        places = np.array([one.place for one in self.trained])
        process = fit(Data(times, places, values))
        waiting = np.array(list(self.pending.values())).reshape(-1, len(begin))
        known = Data(
            np.append(times, np.full(len(waiting), float(generation))),
            np.vstack([places, waiting]),
            np.append(values, np.zeros(len(waiting))),
        )
        sure = given(known, process.shape)
        numbers = np.random.default_rng(draw.getrandbits(64))
        best = highest(process, sure, float(generation), np.array(begin), numbers)
        return tuple(map(float, best))
