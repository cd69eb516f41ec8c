"""Real wandb, just imported → its logging calls also reach the supervisor. The script notices nothing."""

from __future__ import annotations

import atexit
import functools
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from hpo.trial import client, wandb_mirror
from hpo.trial.disabled_run import HISTORY, complete, once
from hpo.trial.environment import UNREAD
from hpo.trial.history import History, show_media, warn_of_tensorboard
from hpo.trial.values import plain_row

Wrapper = Callable[..., Any]
ONLINE = ("online", "run", "shared")
"""Modes in which wandb talks to its server."""


def patch(wandb: Any) -> None:
    """Follow runs of all modes, and complete what mode `disabled` leaves out of what `offline` does.

    A part that this version of wandb does not have is passed over with a line on stderr.
    """
    from wandb.sdk import wandb_run

    for part in (_follow_runs, _follow_summaries, _notice_reading, _stay_here, complete):
        try:
            part(wandb, wandb_run.Run)
        except Exception as error:  # an older or newer wandb: the rest still works
            version = getattr(wandb, "__version__", "?")
            print(f"hpo: {part.__name__} does not fit wandb {version}: {error!r}", file=sys.stderr)
    atexit.register(_flush, wandb)
    client.at_end(functools.partial(_begin_anew, wandb))


def _wrap(owner: Any, name: str, wrapper: Callable[[Wrapper], Wrapper]) -> None:
    original = getattr(owner, name)
    setattr(owner, name, functools.wraps(original)(wrapper(original)))


def _follow_runs(wandb: Any, run_class: Any) -> None:
    _wrap(run_class, "_log" if hasattr(run_class, "_log") else "log", _after_log)
    _wrap(run_class, "_finish" if hasattr(run_class, "_finish") else "finish", _before_finish)
    _wrap(run_class, "define_metric", _after_define)
    _wrap(run_class, "__exit__", _at_exit)


def _after_log(original: Wrapper) -> Wrapper:
    def log(run: Any, data: Any, step: Any = None, commit: Any = None, *args: Any, **more: Any) -> Any:
        if wandb_mirror.mirror.busy:  # it was reported already
            return original(run, data, step, commit, *args, **more)
        row = plain_row(data) if isinstance(data, Mapping) else {}  # wandb puts its own forms of media in
        if isinstance(data, Mapping) and len(row) < len(data):
            show_media(data, _history(run).step if step is None else int(step))
        result = original(run, data, step, commit, *args, **more)
        with wandb_mirror.mirror.silent():
            _history(run).log(row, step, commit)
        return result

    return log


def _before_finish(original: Wrapper) -> Wrapper:
    def finish(run: Any, *args: Any, **more: Any) -> Any:
        _history(run).flush()
        return original(run, *args, **more)

    return finish


def _at_exit(original: Wrapper) -> Wrapper:
    def leave(run: Any, kind: Any, error: Any, trace: Any) -> Any:
        if wandb_mirror.stopped(error):  # for wandb that would be a failure
            kind = error = trace = None
        return original(run, kind, error, trace)

    return leave


def _after_define(original: Wrapper) -> Wrapper:
    def define_metric(run: Any, name: Any, *args: Any, **more: Any) -> Any:
        result = original(run, name, *args, **more)
        operations = more.get("summary", args[3] if len(args) > 3 else None)
        if isinstance(name, str) and isinstance(operations, str):
            client.define(name, operations)
        return result

    return define_metric


def _follow_summaries(wandb: Any, run_class: Any) -> None:
    def wrapper(original: Wrapper) -> Wrapper:
        def update(run: Any, record: Any) -> Any:
            result = original(run, record)
            for item in getattr(record, "update", ()):
                value: Any = item.value
                for key in reversed(item.key):
                    value = {key: value}
                client.summary(value)
            return result

        return update

    _wrap(run_class, "_summary_update_callback", wrapper)


def _notice_reading(wandb: Any, run_class: Any) -> None:
    """Tell when a script asks for its parameters; wandb itself reads them by other ways."""
    from wandb.sdk.wandb_config import Config

    def one(original: Wrapper) -> Wrapper:
        def get(config: Any, *args: Any) -> Any:
            if UNREAD in os.environ and args and args[0] in client.configuration():
                client.asked()
            return original(config, *args)

        return get

    def every(original: Wrapper) -> Wrapper:
        def listed(config: Any) -> Any:
            if UNREAD in os.environ and not client.configuration().keys().isdisjoint(config._as_dict()):
                client.asked()
            return original(config)

        return listed

    for name in ("__getitem__", "get"):
        _wrap(Config, name, one)
    for name in ("__iter__", "keys", "items", "as_dict"):
        _wrap(Config, name, every)
    Config.__repr__ = lambda config: str(dict(config._as_dict()))  # to print it is not to use it


def _stay_here(wandb: Any, run_class: Any) -> None:
    """A trial makes no sweeps, and is online only where the user's WANDB_MODE says so."""

    def init(original: Wrapper) -> Wrapper:
        def start(*args: Any, **options: Any) -> Any:
            warn_of_tensorboard(options)
            if _online():
                os.environ.pop("WANDB_SWEEP_ID", None)  # W&B's server does not know this sweep
            else:
                _turn_offline(options)
            wandb_mirror.mirror.leave_to_script()
            run = original(*args, **options)
            wandb_mirror.end_in_order()
            return run

        return start

    def refuse(original: Wrapper) -> Wrapper:
        def asked(*args: Any, **options: Any) -> Any:
            if _online():
                return original(*args, **options)
            raise wandb.Error(f"wandb.{original.__name__} in a trial of hpo: the sweep is already running")

        return asked

    _wrap(wandb, "init", lambda original: init(once(wandb, original)))
    for name in ("sweep", "agent", "controller"):
        _wrap(wandb, name, refuse)


def _online() -> bool:
    return os.environ.get("WANDB_MODE") in ONLINE


def _turn_offline(options: dict[str, Any]) -> None:
    """`init(mode="online")` would ask for an account: the mode of the trial's environment goes before it."""
    settings = options.get("settings")
    told = settings.get("mode") if isinstance(settings, Mapping) else getattr(settings, "mode", None)
    if (options.get("mode") or told) in ONLINE:
        options["mode"] = os.environ.get("WANDB_MODE") or "disabled"  # goes before that of the settings


def _history(run: Any) -> History:
    history: History | None = vars(run).get(HISTORY)
    if history is None:
        history = vars(run)[HISTORY] = History(step=getattr(run, "_starting_step", 0) or 0)
    return history


def _flush(wandb: Any) -> None:
    """What waits at the end of the process, but not of a forked child's, where it waits too."""
    if client.owner() and wandb.run is not None:
        _history(wandb.run).flush()


def _begin_anew(wandb: Any, code: int) -> None:
    """At the end of a trial that is not its process's last: until teardown wandb keeps its environment."""
    _flush(wandb)
    if wandb.run is not None:
        wandb.run.finish(code)
    wandb.teardown()
