"""Tree-structured Parzen estimators."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from hpo.space.space import SearchSpace
from hpo.tune.history import Memory
from hpo.tune.modelled import ModelSearcher

if TYPE_CHECKING:
    from hpo.tune.axes import Axes


class TpeSearcher(ModelSearcher):
    """Optuna's tree-structured Parzen estimator (Bergstra et al., 2011), aware of running trials."""

    def __init__(self, space: SearchSpace, **settings: Any) -> None:
        super().__init__(space, **settings)
        if len(self.signs) > 2:
            self.memory = Memory(200, 50)  # the volume under a front of 1,000 points would take half a minute

    def sampler(self, seed: int, index: int, axes: Axes) -> Any:
        """Multivariate TPE that takes running trials for bad ones, so that parallel trials spread."""
        from hpo.tune.samplers import SeparateTpe, Tpe

        own = self.options
        cls = Tpe if own.multivariate else SeparateTpe
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # both options are marked experimental in Optuna 3 and 4
            sampler = cls(
                seed=seed,
                n_startup_trials=max(1, self.startup),
                n_ei_candidates=own.candidates,
                multivariate=own.multivariate,
                constant_liar=True,
            )
        sampler.axes = axes
        return sampler
