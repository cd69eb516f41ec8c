"""wandb.init: what a script wants of a run → the run that is this trial, the sweep's values locked in."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from typing import Any

from hpo.trial import client
from hpo.trial.history import warn_of_tensorboard

from ._config import as_mapping
from ._run import Run, activate, active
from .errors import UsageError
from .errors.term import said_anew, termlog, termwarn


def init(
    entity: Any = None,
    project: Any = None,
    dir: Any = None,
    id: Any = None,
    name: Any = None,
    notes: Any = None,
    tags: Any = None,
    config: Any = None,
    **options: Any,
) -> Run:
    """The run that is under way, or a new one where there is none or `reinit` asks for it."""
    reinit = options.get("reinit")
    current = active()
    if current is not None and reinit in (True, "finish_previous"):
        current.finish()
    elif current is not None and reinit != "create_new":
        termlog("wandb.init() called while a run is active, so returning the previous run.")
        return current
    named = {"entity": entity, "project": project, "id": id, "name": name, "notes": notes, "tags": tags}
    warn_of_tensorboard(options)
    run = Run({**options, **named})
    run.config.update(_chosen(config, options), allow_val_change=True)
    run.config.merge_locked(client.configuration())
    activate(run, globally=reinit != "create_new")
    return run


def _chosen(config: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    values = as_mapping(config)
    include, exclude = options.get("config_include_keys"), options.get("config_exclude_keys")
    if include and exclude:
        raise UsageError("Expected at most only one of exclude or include")
    return {k: v for k, v in values.items() if (not include or k in include) and k not in (exclude or ())}


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """End the run if there is one."""
    current = active()
    if current is not None:
        current.finish(exit_code)


def _end() -> None:
    """At the end of the process, but not of a forked child's, that has its parent's runs too."""
    while client.owner() and active() is not None:
        finish()


def _begin_anew(_: int) -> None:
    """At the end of a trial that is not the last of its process."""
    _end()
    said_anew()


atexit.register(_end)
client.at_end(_begin_anew)

if not client.in_trial():
    termwarn("hpo's stand-in for wandb is used outside of a trial: nothing is kept")
