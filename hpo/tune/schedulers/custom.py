"""`type: module:Class`: a TrialScheduler of the user's own, or any of Ray Tune's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ray.tune.schedulers import TrialScheduler

from hpo.sweepfile.early import CustomRule
from hpo.tune.own_class import instance, unfit

WHERE = "early_terminate"


def custom(rule: CustomRule, metric: str, mode: str, folders: Iterable[Path] = ()) -> TrialScheduler:
    """The scheduler of a sweep that names a class; UserError if it cannot be built."""
    scheduler: TrialScheduler = instance(rule.type, TrialScheduler, folders, rule.arguments, WHERE)
    try:
        scheduler.set_search_properties(metric, mode)
    except Exception as error:
        raise unfit(rule.type, rule.arguments, WHERE, error) from error
    return scheduler
