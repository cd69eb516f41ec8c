"""Optuna's samplers told what the search space is: to look through all trials for it costs as much again."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import CmaEsSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import TrialState, create_trial

from hpo.tune.axes import Axes


class Tpe(TPESampler):
    """TPE that goes down the tree of conditions: a parameter is modelled by the trials that have it."""

    axes: Axes

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, BaseDistribution]:
        """The axes that can be sampled together: all that have a choice."""
        return self.axes.distributions

    def sample_relative(self, study: Any, trial: Any, search_space: dict[str, Any]) -> dict[str, Any]:
        """Level by level: all that do not depend on each other are sampled together."""
        params: dict[str, Any] = {}
        for level in self.axes.levels:
            there = self.axes.active(params)
            here = {name: search_space[name] for name in level if there[name]}
            params |= super().sample_relative(study, trial, here) if here else {}
            if any(name not in params for name in here):
                break
        return params


class SeparateTpe(TPESampler):
    """TPE that models each parameter by itself."""

    axes: Axes


class Gp(GPSampler):
    """A Gaussian process over all axes, of points that are in the middle of their inactive ones.

    Its acquisition function is made to see all points so: along an axis without effect it would be looking
    for what no trial can tell, at the same configuration for ever.
    """

    axes: Axes

    def _optimize_acqf(self, acqf: Any, best_params: Any) -> Any:
        if self.axes.space.conditional:
            acqf.eval_acqf = _centred(acqf, self.axes)
        return super()._optimize_acqf(acqf, best_params)

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, BaseDistribution]:
        """All axes."""
        return self.axes.distributions


def _centred(acqf: Any, axes: Axes) -> Callable[[Any], Any]:
    """An acquisition function, given points of any place on their inactive axes: (..., axes) → (...)."""
    import torch

    evaluate, space = acqf.eval_acqf, acqf.search_space
    trial = create_trial(params=axes.middle, distributions=axes.distributions, value=0.0)
    middle = torch.from_numpy(space.get_normalized_params([trial])[0])
    above = [column for column, name in enumerate(axes.axes) if name in axes.controlling]
    known: dict[bytes, list[bool]] = {}

    def there(point: Any) -> list[bool]:
        key = point[above].tobytes()
        if key not in known:
            known[key] = list(axes.active(space.get_unnormalized_param(point)).values())
        return known[key]

    def centred(points: Any) -> Any:
        flat = points.detach().numpy().reshape(-1, len(middle))
        active = torch.tensor([there(point) for point in flat]).reshape(points.shape)
        return evaluate(torch.where(active, points, middle))

    return centred


class Cmaes(CmaEsSampler):
    """CMA-ES over all axes that are numbers."""

    axes: Axes
    index: int

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, BaseDistribution]:
        """What it moves; choices are drawn at random."""
        return self.numeric(self.axes)

    @staticmethod
    def numeric(axes: Axes) -> dict[str, BaseDistribution]:
        """The axes that are numbers."""
        found = axes.distributions.items()
        return {name: one for name, one in found if not isinstance(one, CategoricalDistribution)}

    def sample_relative(self, study: Any, trial: Any, search_space: dict[str, Any]) -> dict[str, Any]:
        """A draw of the distribution that it has come to; the trial's number is part of Optuna's seed."""
        numbered = copy.copy(trial)
        numbered.number = self.index
        return super().sample_relative(study, numbered, search_space)


class Nsga2(NSGAIISampler):
    """NSGA-II whose parents follow from the finished trials alone, whatever generation these were made in."""

    axes: Axes

    def __init__(self, *, seed: int, population_size: int) -> None:
        super().__init__(seed=seed, population_size=population_size)
        # Optuna mutates by draws of the same seed, which would tell what the choice of parents told
        self._random_sampler = RandomSampler(seed=seed ^ 0x5DEECE66)

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, BaseDistribution]:
        """All axes."""
        return self.axes.distributions

    def sample_relative(self, study: Any, trial: Any, search_space: dict[str, Any]) -> dict[str, Any]:
        """A child of the best finished trials by rank and crowding; what it lacks is drawn at random."""
        trials = study.get_trials(deepcopy=False)
        finished = [one for one in trials if one.state == TrialState.COMPLETE]
        if len(finished) < 2:
            return {}
        parents = self._elite_population_selection_strategy(study, finished)
        known = [one.params for one in trials if one.state != TrialState.FAIL]
        child: dict[str, Any] = {}
        for _ in range(TRIES):
            child = self._child_generation_strategy(study, search_space, parents)
            if len(child) < len(search_space) or child not in known:
                break
        return child


TRIES = 8
"""So often a child is made anew that was tried already: in a small space there may be no other."""
