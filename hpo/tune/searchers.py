"""`method` → a Ray Tune Searcher over a search space; a new one is a class and a line in `SEARCHERS`."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray.tune.search import Searcher

from hpo.space.grid import Grid
from hpo.space.space import SearchSpace
from hpo.tune.history import Point, bounded

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

    from hpo.tune.study import Study

BEST = "hpo_best"
"""Key of a result under which the controller passes a trial's best value so far."""
END = "hpo_end"
"""Key of a stock Tuner's last result under which a trial's process tells how it ended."""


class SpaceSearcher(Searcher):
    """What every searcher of a sweep shares: the space, the seed, and how many suggestions were made.

    In a `tune.Tuner` the space is already set; `param_space`, `metric` and `mode` given there are the same
    ones and are accepted.
    """

    costly = False
    """Whether a suggestion takes so long that it should be made beside the loop that runs trials."""

    def __init__(self, space: SearchSpace, *, seed: int, metric: str | None, mode: str) -> None:
        super().__init__(metric=metric, mode=mode)
        self.space = space
        self.seed = seed
        self.suggested = 0

    def set_search_properties(self, metric: Any, mode: Any, config: Any, **spec: Any) -> bool:
        """Accept what Tune passes on: it came from the same translation."""
        return True

    def suggest(self, trial_id: str) -> Any:
        """The next configuration, or Searcher.FINISHED."""
        config = self.propose(trial_id, self.suggested)
        self.suggested += config != Searcher.FINISHED
        return config

    def propose(self, trial_id: str, index: int) -> Any:
        """Configuration number `index`, from 0."""
        raise NotImplementedError

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing to learn, unless a subclass does."""

    def save(self, checkpoint_path: str) -> None:
        """Write the place in the sequence as JSON."""
        Path(checkpoint_path).write_text(json.dumps({"suggested": self.suggested}))

    def restore(self, checkpoint_path: str) -> None:
        """Go on from a saved place."""
        self.suggested = json.loads(Path(checkpoint_path).read_text())["suggested"]


class RandomSearcher(SpaceSearcher):
    """Independent draws, the same ones for the same seed."""

    def propose(self, trial_id: str, index: int) -> Any:
        """Draw number `index`."""
        return self.space.sample(self.seed, index)


class GridSearcher(SpaceSearcher):
    """W&B's grid, one cell after the other."""

    def __init__(self, space: SearchSpace, **settings: Any) -> None:
        super().__init__(space, **settings)
        self.grid = Grid(space)

    def propose(self, trial_id: str, index: int) -> Any:
        """Cell number `index`, FINISHED after the last."""
        return self.grid[index] if index < self.grid.size else Searcher.FINISHED


class ModelSearcher(SpaceSearcher):
    """A sampler of Optuna's, asked and told; the first suggestions are RandomSearcher's.

    A trial's value is its best so far (or last, by `use`). A trial that failed or gave no number is told as
    the worst value seen, W&B's `impute: worst`.

    A suggestion follows from the seed, its place in the sequence and the values told before it, and from
    nothing else: a copy that was told the same goes on alike. The sampler sees the `HISTORY` finished trials
    that say most, so that a suggestion costs the same however many there were. Optuna is loaded with the
    first suggestion after the random beginning.
    """

    costly = True
    startup = 10

    def __init__(
        self, space: SearchSpace, *, seed: int, metric: str | None, mode: str, use: str = "best"
    ) -> None:
        super().__init__(space, seed=seed, metric=metric, mode=mode)
        self.use = use
        self.sign = 1.0 if mode == "min" else -1.0
        self.running: dict[str, Point] = {}
        self.history: list[Point] = []
        self.best: dict[str, float] = {}
        self.worst: float | None = None
        self.study: Study | None = None

    def sampler(self, seed: int, axes: dict[str, BaseDistribution]) -> Any:
        """The Optuna sampler that makes one suggestion over `axes`; each has a `seed` of its own."""
        raise NotImplementedError

    def propose(self, trial_id: str, index: int) -> Any:
        """A random point at first, then what the sampler makes of the finished trials."""
        if index < self.startup:
            point, config = Point(index), self.space.sample(self.seed, index)
            if self.study is not None:
                self.study.add(point)
        else:
            study = self.prepare()
            seed = random.Random(f"hpo:model:{self.seed}:{index}").getrandbits(32)
            point, config = study.ask(index, self.sampler(seed, study.distributions))
        self.running[trial_id] = point
        return config

    def adopt(self, trial_id: str, params: dict[str, Any]) -> None:
        """Take over the next suggestion, made by a copy of this searcher that was told the same."""
        self.running[trial_id] = Point(self.suggested, params)
        self.suggested += 1

    def withdraw(self, trial_id: str) -> None:
        """Forget the newest suggestion: no trial was made of it."""
        del self.running[trial_id]
        self.suggested -= 1
        self.study = None

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Follow a trial's best value."""
        value = result.get(BEST, result.get(self.metric))
        if isinstance(value, (int, float)) and math.isfinite(value):
            known = self.best.get(trial_id, math.inf)
            self.best[trial_id] = min(known, self.sign * value)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tell the sampler how a trial ended; unknown trials and repeats are passed over."""
        if trial_id in self.running:
            self.learn(trial_id, self.worth(trial_id, result, error))

    def worth(self, trial_id: str, result: dict[str, Any] | None, error: bool) -> float | None:
        """What the sampler is to be told of a trial that ended, smaller is better; None: nothing."""
        error = error or ((result or {}).get(END) or {}).get("state") == "failed"
        if result and not error:
            self.on_trial_result(trial_id, result)
        value = self.best.pop(trial_id, None)
        last: Any = (result or {}).get(self.metric)
        latest = self.use == "last" and isinstance(last, (int, float)) and math.isfinite(last)
        if latest and value is not None:
            value = self.sign * last
        if error or value is None:
            return self.worst
        self.worst = value if self.worst is None else max(self.worst, value)
        return value

    def learn(self, trial_id: str, value: float | None) -> None:
        """Take in a suggestion's value, smaller is better; with None it is forgotten."""
        point = self.running.pop(trial_id)
        point.value = value
        if self.study is not None:
            self.study.tell(point)
        if value is None:
            return
        self.history.append(point)
        kept = bounded(self.history)
        if kept is not self.history:
            self.history, self.study = kept, None

    def prepare(self) -> Study:
        """Make all that a suggestion needs beforehand: load Optuna, tell it what is known."""
        if self.study is None:
            from hpo.tune.study import Study

            known = sorted([*self.history, *self.running.values()], key=lambda point: point.index)
            self.study = Study(self.space, self.seed, known)
        return self.study

    def __getstate__(self) -> dict[str, Any]:
        """A copy makes a study of its own."""
        return {**self.__dict__, "study": None}


class TpeSearcher(ModelSearcher):
    """Optuna's tree-structured Parzen estimator (Bergstra et al., 2011), aware of running trials."""

    def sampler(self, seed: int, axes: dict[str, BaseDistribution]) -> Any:
        """Multivariate TPE that takes running trials for bad ones, so that parallel trials spread."""
        import warnings

        from hpo.tune.study import Tpe

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # both options are marked experimental in Optuna 3 and 4
            sampler = Tpe(seed=seed, n_startup_trials=self.startup, multivariate=True, constant_liar=True)
        sampler.space = axes
        return sampler


SEARCHERS: dict[str, type[SpaceSearcher]] = {
    "grid": GridSearcher,
    "random": RandomSearcher,
    "tpe": TpeSearcher,
}
