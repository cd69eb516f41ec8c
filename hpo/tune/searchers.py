"""`method` → a Ray Tune Searcher over a search space; a new one is a class and a line in `SEARCHERS`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ray.tune.search import Searcher

from hpo.space.grid import Grid
from hpo.space.space import SearchSpace
from hpo.space.start import SobolStart
from hpo.tune.bohb import BohbSearcher
from hpo.tune.history import Memory, Point, stand_in
from hpo.tune.modelled import ModelSearcher
from hpo.tune.searcher import BEST, END, SpaceSearcher
from hpo.tune.tpe import TpeSearcher

if TYPE_CHECKING:
    from hpo.tune.axes import Axes

__all__ = ["BEST", "END", "SEARCHERS", "GridSearcher", "ModelSearcher", "SpaceSearcher"]


class RandomSearcher(SpaceSearcher):
    """Independent draws, the same ones for the same seed."""

    unique = True

    def propose(self, trial_id: str, index: int) -> Any:
        """Draw number `index`."""
        return self.drawn(index)


class QmcSearcher(SpaceSearcher):
    """A Sobol sequence over the unit cube: evener than random draws, and as independent of results."""

    unique = True

    def __init__(self, space: SearchSpace, **settings: Any) -> None:
        super().__init__(space, **settings)
        self.start = SobolStart(space, self.seed, self.options.points, self.options.scramble)

    def propose(self, trial_id: str, index: int) -> Any:
        """Point number `index` of the sequence."""
        return self.drawn(index)


class GridSearcher(SpaceSearcher):
    """W&B's grid, one cell after the other."""

    def __init__(self, space: SearchSpace, **settings: Any) -> None:
        super().__init__(space, **settings)
        self.grid = Grid(space)

    def propose(self, trial_id: str, index: int) -> Any:
        """Cell number `index`, FINISHED after the last."""
        return self.grid[index] if index < self.grid.size else Searcher.FINISHED


class GpSearcher(ModelSearcher):
    """Optuna's Gaussian process: log expected improvement, of the whole batch where trials are running."""

    memory = Memory(120, 20, cover=0.25)
    absent = "centred"
    asks = 1  # a suggestion takes it long, and another seed would hardly give another

    def sampler(self, seed: int, index: int, axes: Axes) -> Any:
        """A Matern 5/2 kernel with a length scale for each parameter, fitted anew."""
        from hpo.tune.samplers import Gp

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deterministic_objective is marked experimental
            sampler = Gp(
                seed=seed,
                n_startup_trials=max(1, self.startup),
                deterministic_objective=self.options.deterministic,
            )
        sampler.axes = axes
        return sampler


class CmaesSearcher(ModelSearcher):
    """Optuna's CMA-ES: generations of draws from a normal distribution that follows the best of each."""

    beginning = 1
    absent = "kept"
    as_sampled = True

    def sampler(self, seed: int, index: int, axes: Axes) -> Any:
        """A sampler that finds its state on the trials of the study."""
        from hpo.tune.samplers import Cmaes

        own = self.options
        settings: dict[str, Any] = {"use_separable_cma": own.separable, "with_margin": own.margin}
        if not own.separable and (before := self._before()):
            numeric = Cmaes.numeric(axes)
            settings["source_trials"] = [self.prepare().frozen(one, one.value, numeric) for one in before]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # separable and margin are marked experimental
            sampler = Cmaes(
                seed=seed,
                n_startup_trials=max(1, self.startup),
                popsize=own.population,
                warn_independent_sampling=False,
                **settings,
            )
        sampler.axes, sampler.index = axes, index
        return sampler

    def resumed(self, trial_id: str, config: Mapping[str, Any]) -> None:
        """Ask again: the record holds nothing of what the sampler noted on a suggestion, its state among it.

        That gives the same suggestion where all was told in the same order; where it does not, the recorded
        one takes the other's place in its generation.
        """
        index, cell = self.suggested, self.cell(config)
        if self.unmodelled(index):
            super().resumed(trial_id, config)
            return
        if not self.same(self.propose(trial_id, index), config):
            marks = stand_in(self.running[trial_id].marks)
            params = self.axes.placed(config, self.start, index)
            self.running[trial_id] = Point(index, params, marks=marks, cell=cell)
            self.study = None
        self.count(cell)

    def _before(self) -> list[Point]:
        """Earlier trials to begin from: none once a generation has been told."""
        if any("optimizer" in mark for point in self.history for mark in point.marks):
            return []
        before = [point for point in self.history if point.index < 0]
        return before if len(before) >= LEAST_EARLIER else []


class Nsga2Searcher(ModelSearcher):
    """NSGA-II (Deb et al., 2002) as a steady state: after each trial the parents are the best ones so far.

    There are no generations to wait for, and none to keep in mind: trials may run side by side.
    """

    memory = Memory(500, 125)
    absent = "kept"

    def __init__(self, space: SearchSpace, **settings: Any) -> None:
        super().__init__(space, **settings)
        self.population = self.options.population or POPULATION
        if self.options.startup is None:
            self.startup = max(self.population, len(self.options.points))

    def sampler(self, seed: int, index: int, axes: Axes) -> Any:
        """Crossover and mutation of parents that are drawn by tournament."""
        from hpo.tune.samplers import Nsga2

        sampler = Nsga2(seed=seed, population_size=self.population)
        sampler.axes = axes
        return sampler


POPULATION = 20
"""Parents of nsga2: a sweep has hundreds of trials rather than the paper's 25,000."""
LEAST_EARLIER = 20
"""So many earlier trials make a beginning for CMA-ES: it goes by the best tenth of them."""
SEARCHERS: dict[str, type[SpaceSearcher]] = {
    "grid": GridSearcher,
    "random": RandomSearcher,
    "qmc": QmcSearcher,
    "tpe": TpeSearcher,
    "gp": GpSearcher,
    "cmaes": CmaesSearcher,
    "bohb": BohbSearcher,
    "nsga2": Nsga2Searcher,
}
