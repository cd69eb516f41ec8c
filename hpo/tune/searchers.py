"""`method` → a Ray Tune Searcher over a search space; a new one is a class and a line in `SEARCHERS`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher

from hpo.space.grid import Grid
from hpo.space.space import SearchSpace

BEST = "hpo_best"
"""Key of a result under which the controller passes a trial's best value so far."""
END = "hpo_end"
"""Key of a stock Tuner's last result under which a trial's process tells how it ended."""


class SpaceSearcher(Searcher):
    """What every searcher of a sweep shares: the space, the seed, and how many suggestions were made.

    In a `tune.Tuner` the space is already set; `param_space`, `metric` and `mode` given there are the same
    ones and are accepted.
    """

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
    """

    startup = 10

    def __init__(
        self, space: SearchSpace, *, seed: int, metric: str | None, mode: str, use: str = "best"
    ) -> None:
        super().__init__(space, seed=seed, metric=metric, mode=mode)
        import optuna

        from hpo.tune.axes import axis

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.use = use
        self.sign = 1.0 if mode == "min" else -1.0
        self.axes = {leaf.path: axis(leaf.distribution) for leaf in space.searched}
        self.study = optuna.create_study(sampler=self.sampler(), direction="minimize")
        self.asked: dict[str, Any] = {}
        self.best: dict[str, float] = {}
        self.worst: float | None = None

    def sampler(self) -> Any:
        """The Optuna sampler."""
        raise NotImplementedError

    def propose(self, trial_id: str, index: int) -> Any:
        """A random point at first, then what the sampler makes of the finished trials."""
        names = {path: "\x1f".join(path) for path in self.axes}
        if index < self.startup:
            point = self.space.point(self.seed, index)
            first = {names[p]: a.from_unit(u) for (p, a), u in zip(self.axes.items(), point, strict=True)}
            self.study.enqueue_trial(first)
        trial = self.study.ask({names[path]: axis.distribution for path, axis in self.axes.items()})
        self.asked[trial_id] = trial
        return self.space.assemble(axis.value(trial.params[names[p]]) for p, axis in self.axes.items())

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
        from optuna.trial import TrialState

        error = error or ((result or {}).get(END) or {}).get("state") == "failed"
        trial = self.asked.pop(trial_id, None)
        if trial is None:
            return
        if result and not error:
            self.on_trial_result(trial_id, result)
        value: float | None = self.best.pop(trial_id, None)
        last = (result or {}).get(self.metric)
        if (
            self.use == "last"
            and value is not None
            and isinstance(last, (int, float))
            and math.isfinite(last)
        ):
            value = self.sign * last
        if error or value is None:
            value = self.worst
        else:
            self.worst = value if self.worst is None else max(self.worst, value)
        self.study.tell(trial, value, state=None if value is not None else TrialState.FAIL)


class TpeSearcher(ModelSearcher):
    """Optuna's tree-structured Parzen estimator (Bergstra et al., 2011), aware of running trials."""

    def sampler(self) -> Any:
        """Multivariate TPE that takes running trials for bad ones, so that parallel trials spread."""
        import warnings

        from optuna.samplers import TPESampler

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # both options are marked experimental in Optuna 3 and 4
            return TPESampler(
                seed=self.seed % 2**32, n_startup_trials=self.startup, multivariate=True, constant_liar=True
            )


SEARCHERS: dict[str, type[SpaceSearcher]] = {
    "grid": GridSearcher,
    "random": RandomSearcher,
    "tpe": TpeSearcher,
}
