"""`early_terminate` → a Ray Tune TrialScheduler. A new rule is one file and one entry in `SCHEDULERS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from hpo.space.space import SearchSpace
from hpo.sweepfile import early
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.population import Pb2, Pbt, Replay
from hpo.sweepfile.section import EarlyTermination
from hpo.tune.schedulers.asha import Asha
from hpo.tune.schedulers.custom import custom
from hpo.tune.schedulers.hyperband import Hyperband
from hpo.tune.schedulers.hyperband_sync import HyperbandSync
from hpo.tune.schedulers.judging import MEAN, TIME
from hpo.tune.schedulers.median import Median
from hpo.tune.schedulers.pb2 import PopulationBandits
from hpo.tune.schedulers.pbt import PopulationBased
from hpo.tune.schedulers.promotion import PromotingAsha
from hpo.tune.schedulers.replay import Replaying

__all__ = ["MEAN", "SCHEDULERS", "TIME", "Setting", "scheduler"]


@dataclass(frozen=True)
class Setting:
    """What a scheduler gets beside its rule."""

    metric: str
    mode: str
    """`min` or `max`."""
    space: SearchSpace
    seed: int = 0
    folders: tuple[Path, ...] = ()
    """Where a class of the user's own is looked for, beside sys.path."""
    pausing: bool = True
    """Whether trials can pause and go on."""


def _hyperband(rule: early.Hyperband, to: Setting) -> TrialScheduler:
    return Hyperband(to.metric, to.mode, rule.rungs(), rule.eta, rule.strict)


def _asha(rule: early.Asha, to: Setting) -> TrialScheduler:
    if rule.promote and to.pausing:
        return PromotingAsha(to.metric, to.mode, rule.rungs(), rule.eta)
    return Asha(to.metric, to.mode, [rule.rungs()], eta=rule.eta, seed=to.seed)


def _async_hyperband(rule: early.AsyncHyperband, to: Setting) -> TrialScheduler:
    brackets = rule.shares()
    rungs, shares = [one.rungs for one in brackets], [one.share for one in brackets]
    return Asha(to.metric, to.mode, rungs, shares, rule.eta, to.seed)


def _hyperband_sync(rule: early.HyperbandSync | early.Bohb, to: Setting) -> TrialScheduler:
    brackets = rule.shares()
    rungs, trials = [one.rungs for one in brackets], [one.trials for one in brackets]
    return HyperbandSync(to.metric, to.mode, rungs, trials, rule.eta)


def _median(rule: early.Median, to: Setting) -> TrialScheduler:
    return Median(to.metric, to.mode, rule.rungs(), rule.min_samples)


def _pbt(rule: Pbt, to: Setting) -> TrialScheduler:
    return PopulationBased(to.metric, to.mode, rule, to.space, to.seed)


def _pb2(rule: Pb2, to: Setting) -> TrialScheduler:
    return PopulationBandits(to.metric, to.mode, rule, to.space, to.seed)


def _custom(rule: early.CustomRule, to: Setting) -> TrialScheduler:
    return custom(rule, to.metric, to.mode, to.folders)


SCHEDULERS: dict[type[EarlyTermination], Callable[[Any, Setting], TrialScheduler]] = {
    early.Hyperband: _hyperband,
    early.Asha: _asha,
    early.AsyncHyperband: _async_hyperband,
    early.HyperbandSync: _hyperband_sync,
    early.Bohb: _hyperband_sync,
    early.Median: _median,
    early.CustomRule: _custom,
    Pbt: _pbt,
    Pb2: _pb2,
    Replay: lambda rule, to: Replaying(rule),
}
"""Model of a rule → what builds its scheduler."""


def scheduler(
    sweep: Sweep, seed: int = 0, folders: Iterable[Path] = (), *, pausing: bool = True
) -> TrialScheduler:
    """The scheduler of a sweep; first in, first out where it stops nothing early.

    UserError where the sweep names a class of its own that cannot be built.
    """
    rule, metric = sweep.early_terminate, sweep.metric
    if rule is None or metric is None:
        return FIFOScheduler()
    to = Setting(metric.name, metric.goal[:3], sweep.space, seed, tuple(folders), pausing)
    return SCHEDULERS[type(rule)](rule, to)
