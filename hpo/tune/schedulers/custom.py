"""`type: module:Class`: a TrialScheduler of the user's own, or any of Ray Tune's."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ray.tune.schedulers import TrialScheduler

from hpo.errors import UserError
from hpo.sweepfile.early import CustomRule


def load_class(target: str, kind: type, folders: Iterable[Path] = ()) -> Any:
    """The class `module:Class`, which also `folders` are searched for; UserError if it is none of `kind`."""
    sys.path.extend(entry for entry in map(str, folders) if entry not in sys.path)
    module, _, name = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise UserError(f"{target} cannot be imported: {type(error).__name__}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise UserError(f"{target} is no {kind.__name__}; derive it from ray.tune's {kind.__name__}")
    return found


def custom(rule: CustomRule, metric: str, mode: str, folders: Iterable[Path] = ()) -> TrialScheduler:
    """The scheduler of a sweep that names a class; UserError if it cannot be built."""
    cls = load_class(rule.type, TrialScheduler, folders)
    try:
        scheduler: TrialScheduler = cls(**rule.arguments)
        scheduler.set_search_properties(metric, mode)
    except Exception as error:
        keys = ", ".join(rule.arguments) or "no keys"
        text = f"early_terminate: {rule.type} cannot be built with {keys}"
        raise UserError(f"{text}: {type(error).__name__}: {error}") from error
    return scheduler
