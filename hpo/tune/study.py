"""Points and their values → an Optuna study that is asked for the next one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import TrialState

from hpo.space.space import SearchSpace
from hpo.tune.axes import axis
from hpo.tune.history import Point


class Study:
    """An Optuna study in memory over a search space, made from points that are finished or still run."""

    def __init__(self, space: SearchSpace, seed: int, points: Iterable[Point] = ()) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.space, self.seed = space, seed
        self.axes = {"\x1f".join(leaf.path): axis(leaf.distribution) for leaf in space.searched}
        self.distributions = {name: axis.distribution for name, axis in self.axes.items()}
        self.study = optuna.create_study(direction="minimize")
        for point in points:
            self.add(point)

    def add(self, point: Point) -> None:
        """Make a point known: finished where it has a value, else running."""
        if point.params is None:
            start = self.space.point(self.seed, point.index)
            point.params = {n: a.from_unit(u) for (n, a), u in zip(self.axes.items(), start, strict=True)}
        point.number = len(self.study.get_trials(deepcopy=False))
        self.study.add_trial(
            optuna.trial.create_trial(
                state=TrialState.RUNNING if point.value is None else TrialState.COMPLETE,
                params=point.params,
                distributions=self.distributions,
                value=point.value,
            )
        )

    def ask(self, index: int, sampler: BaseSampler) -> tuple[Point, dict[str, Any]]:
        """Where `sampler` wants suggestion number `index`, a running point from now on; its configuration."""
        self.study.sampler = sampler
        trial = self.study.ask(self.distributions)
        config = self.space.assemble(axis.value(trial.params[name]) for name, axis in self.axes.items())
        return Point(index, trial.params, number=trial.number), config

    def tell(self, point: Point) -> None:
        """A running point has ended; without a value it tells nothing."""
        state = TrialState.FAIL if point.value is None else TrialState.COMPLETE
        self.study.tell(point.number, point.value, state=state)


class Tpe(TPESampler):
    """Optuna's TPE told what the search space is: to look through all trials for it costs as much again."""

    space: dict[str, BaseDistribution]

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, BaseDistribution]:
        """The axes that can be sampled together: all that have a choice."""
        return self.space
