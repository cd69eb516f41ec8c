"""`early_terminate` → a Ray Tune TrialScheduler. A new rule is one function and one line in `SCHEDULERS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, TrialScheduler

from hpo.sweepfile.model import EarlyTerminate, Metric, Sweep

TIME = "training_iteration"
"""A trial's iterations: how many of its reports carried the metric."""


class Hyperband(AsyncHyperBandScheduler):
    """W&B's `hyperband` as Ray's ASHA: W&B's rungs, and no rung ends a trial that is good enough."""

    def __init__(self, rule: EarlyTerminate, metric: Metric) -> None:
        rungs = rule.rungs()
        super().__init__(
            time_attr=TIME,
            metric=metric.name,
            mode=metric.goal[:3],
            grace_period=rungs[0],
            max_t=rungs[-1] + 1,
            reduction_factor=float(rule.eta),
            stop_last_trials=False,
        )
        # W&B rounds each rung down by itself; Ray would multiply the rounded first one.
        self._brackets[0]._rungs = [(rung, {}) for rung in reversed(rungs)]

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Accept the metric and mode of a TuneConfig: they come from the same translation."""
        return metric in (None, self._metric)


def _hyperband(rule: EarlyTerminate, metric: Metric) -> TrialScheduler:
    return Hyperband(rule, metric)


SCHEDULERS: dict[str, Callable[[EarlyTerminate, Metric], TrialScheduler]] = {"hyperband": _hyperband}


def scheduler(sweep: Sweep) -> TrialScheduler:
    """The scheduler of a sweep; first in, first out where it stops nothing early."""
    if sweep.early_terminate is None or sweep.metric is None:
        return FIFOScheduler()
    return SCHEDULERS[sweep.early_terminate.type](sweep.early_terminate, sweep.metric)
