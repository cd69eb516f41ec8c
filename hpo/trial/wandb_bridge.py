"""Real wandb, just imported → its logging calls also reach the supervisor. The script notices nothing."""

from __future__ import annotations

import atexit
import functools
import os
import sys
import tempfile
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from hpo.trial import client
from hpo.trial.history import History

KEEP = (None, False, "default", "return_previous")
"""Values of `reinit` with which a second wandb.init gives the run that is under way."""
_histories: weakref.WeakKeyDictionary[Any, History] = weakref.WeakKeyDictionary()


def patch(wandb: Any) -> None:
    """Wrap Run.log, its summary and define_metric, for real runs and for those of mode `disabled`."""
    from wandb.sdk import wandb_run
    from wandb.sdk.lib import noop_run

    for run_class in (wandb_run.Run, noop_run.NoopRun):
        for name, wrap in (("log", _log), ("finish", _finish), ("define_metric", _define_metric)):
            if name in vars(run_class):
                setattr(run_class, name, wrap(getattr(run_class, name)))
    update = wandb_run.Run._summary_update_callback
    wandb_run.Run._summary_update_callback = _summary(update)
    _complete_disabled_mode(noop_run)
    atexit.register(_flush)


def _log(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def log(
        run: Any, data: Any, step: int | None = None, commit: bool | None = None, *args: Any, **more: Any
    ) -> Any:
        if not isinstance(data, Mapping) or any(not isinstance(key, str) for key in data):
            kind = "wandb.log must be passed a dictionary"
            raise TypeError(
                kind if not isinstance(data, Mapping) else "Key values passed to `wandb.log` must be strings."
            )
        _silent.add(id(run))
        try:
            result = original(run, data, step, commit, *args, **more)
        finally:
            _silent.discard(id(run))
        _history(run).log(data, step, commit)
        return result

    return log


def _finish(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def finish(run: Any, *args: Any, **more: Any) -> Any:
        _history(run).flush()
        return original(run, *args, **more)

    return finish


def _define_metric(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def define_metric(run: Any, name: str, *args: Any, **more: Any) -> Any:
        result = original(run, name, *args, **more)
        aggregates = more.get("summary")
        if isinstance(aggregates, str):
            client.define(name, aggregates)
        return result

    return define_metric


def _summary(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def update(run: Any, record: Any) -> Any:
        for item in getattr(record, "update", ()):
            nested: Any = item.value
            for key in reversed(item.key[1:]):
                nested = {key: nested}
            client.summary({item.key[0]: nested})
        return original(run, record)

    return update


_silent: set[int] = set()
"""Runs inside a log call: in mode disabled that writes to the summary too, which is no news."""


def _complete_disabled_mode(noop_run: Any) -> None:
    """What `offline` does and `disabled` leaves out: values locked, one run, steps, a folder, an end."""
    from wandb.sdk import wandb_init

    maker = getattr(wandb_init, "_WandbInit", None)
    if maker is not None and hasattr(maker, "make_disabled_run"):
        maker.make_disabled_run = _locking(maker.make_disabled_run)
    noop_run.NoopRun.step = property(lambda run: _history(run).step)
    noop_run.NoopRun.dir = property(_directory)
    noop_run.NoopRun._finish = lambda run, *args, **more: run.finish()  # what `with wandb.init()` calls
    _watch_disabled_summary()


def _locking(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def make_disabled_run(maker: Any, settings: Any, config: Any) -> Any:
        current = sys.modules["wandb"].run
        if current is not None and getattr(settings, "reinit", None) in KEEP:
            return current
        run = original(maker, settings, config)
        run._config._update(dict(config.base_no_artifacts), allow_val_change=True)
        run._config.merge_locked(dict(config.sweep_no_artifacts), user="sweep", _allow_val_change=True)
        return run

    return make_disabled_run


def _directory(run: Any) -> str:
    """A folder for the files of a disabled run: the trial's own, made when it is asked for."""
    path = os.path.join(os.environ.get("HPO_TRIAL_DIR") or tempfile.gettempdir(), "files")
    os.makedirs(path, exist_ok=True)
    return path


def _watch_disabled_summary() -> None:
    """Mode disabled keeps its summary in a plain dict: tell what scripts set there."""
    from wandb.sdk.lib.disabled import SummaryDisabled

    def set_item(summary: Any, key: str, value: Any) -> None:
        dict.__setitem__(summary, key, value)
        if not _silent:
            client.summary({key: value})

    def update(summary: Any, *args: Any, **more: Any) -> None:
        values = dict(*args, **more)
        dict.update(summary, values)
        if not _silent and values:
            client.summary(values)

    SummaryDisabled.__setitem__ = set_item
    SummaryDisabled.__setattr__ = set_item
    SummaryDisabled.update = update


def _history(run: Any) -> History:
    history = _histories.get(run)
    if history is None:
        history = _histories[run] = History()
    return history


def _flush() -> None:
    for history in list(_histories.values()):
        history.flush()
