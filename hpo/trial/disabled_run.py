"""A run of wandb's mode `disabled` → the same run with offline's rules: steps, summary, locked config.

Mode disabled writes nothing and starts no service, so trials run in it; but it counts no steps, keeps no
aggregates, starts a second run beside the first, and gives swept values no precedence (0.31) or refuses
defaults that differ from them (0.16 to 0.22).
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any

from hpo.trial import client
from hpo.trial.history import History
from hpo.trial.on_server import OnServer
from hpo.trial.summary import Summary, files_directory
from hpo.trial.values import has_text_keys

HISTORY = "_hpo_history"
"""Where a followed run keeps its history, among its attributes."""
KEEP = (None, False, "default", "return_previous")
"""Values of `reinit` with which a second wandb.init gives the run that is under way."""


REMEDY = "set WANDB_MODE=online for trials that need it"


def _loaded(name: str) -> Any:
    return sys.modules[name]


class _Followed:
    """The methods that a disabled run has in hpo; they go before those of its own class."""

    summary: Any
    config: Any

    def log(self, data: Any, step: Any = None, commit: Any = None, *args: Any, **more: Any) -> None:
        if not isinstance(data, Mapping):
            raise TypeError("wandb.log must be passed a dictionary")
        if not has_text_keys(data) and any(not isinstance(key, str) for key in data):
            raise TypeError("Key values passed to `wandb.log` must be strings.")
        vars(self)[HISTORY].log(data, step, commit)

    def finish(self, *args: Any, **more: Any) -> None:
        vars(self)[HISTORY].flush()
        if _loaded("wandb").run is self:
            _loaded("wandb.sdk.lib.module").unset_globals()

    _log, join, _finish = log, finish, finish

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.finish()

    def define_metric(self, name: str, *args: Any, **more: Any) -> Any:
        operations = more.get("summary", args[3] if len(args) > 3 else None)
        if isinstance(operations, str):
            self.summary.define(name, operations)
            client.define(name, operations)
        return _loaded("wandb.sdk.wandb_metric").Metric(name)

    def use_artifact(self, artifact_or_name: Any, *args: Any, **more: Any) -> Any:
        if not isinstance(artifact_or_name, str):
            return artifact_or_name
        return OnServer(artifact_or_name, _loaded("wandb").Error, REMEDY)

    def use_model(self, name: str, *args: Any, **more: Any) -> Any:
        raise _loaded("wandb").Error(f"model {name!r} is on W&B's server; {REMEDY}")

    def restore(self, name: str, *args: Any, **more: Any) -> Any:
        raise _loaded("wandb").Error(f"file {name!r} is on W&B's server; {REMEDY}")

    def link_artifact(self, artifact: Any, *args: Any, **more: Any) -> Any:
        return artifact

    upsert_artifact = finish_artifact = link_artifact

    @property
    def step(self) -> int:
        history: History = vars(self)[HISTORY]
        return history.step

    @property
    def dir(self) -> str:
        return files_directory()


METHODS = (
    *("log", "_log", "finish", "join", "_finish", "__exit__", "define_metric", "step", "dir", "use_artifact"),
    *("use_model", "restore", "link_artifact", "upsert_artifact", "finish_artifact"),
)


def complete(*_: Any) -> None:
    """Have every disabled run that this wandb starts followed."""
    starting: list[bool] = []
    config_class = _loaded("wandb.sdk.wandb_config").Config
    update = config_class.update

    @functools.wraps(update)
    def lenient(config: Any, values: Any, allow_val_change: Any = None) -> None:
        update(config, values, allow_val_change=bool(starting) or allow_val_change)

    config_class.update = lenient
    maker = _loaded("wandb.sdk.wandb_init")._WandbInit
    name = "make_disabled_run" if hasattr(maker, "make_disabled_run") else "_make_run_disabled"
    original = getattr(maker, name)

    @functools.wraps(original)
    def make(self: Any, *parts: Any) -> Any:
        starting.append(True)
        try:
            run = original(self, *parts)
            follow(run)
            for base, sweep in _values(self, parts):
                run.config.update(base)
                run.config.merge_locked(sweep, user="sweep", _allow_val_change=True)
        finally:
            starting.pop()
        return run

    setattr(maker, name, make)
    wandb = _loaded("wandb")
    wandb.restore = _of_run(wandb, wandb.restore)


def _of_run(wandb: Any, restore: Callable[..., Any]) -> Callable[..., Any]:
    """wandb.restore, which is the followed run's while there is one."""

    @functools.wraps(restore)
    def of_run(*args: Any, **options: Any) -> Any:
        followed = getattr(type(wandb.run), "restore", None) is _Followed.restore
        return (wandb.run.restore if followed else restore)(*args, **options)

    return of_run


def _values(maker: Any, parts: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    """The script's and the sweep's values: in an argument, or (before 0.19) in the maker itself."""
    for part in parts:
        if hasattr(part, "sweep_no_artifacts"):
            return [(part.base_no_artifacts, part.sweep_no_artifacts)]
    return [(maker.config or {}, maker.sweep_config or {})]


def follow(run: Any) -> None:
    """Give the methods above to a run that was just started, and make wandb.log and its like mean them."""
    kind = type(run)
    for name in METHODS:
        vars(run).pop(name, None)  # older releases put functions that do nothing into the run itself
    methods = {name: vars(_Followed)[name] for name in METHODS}
    followed = type(kind.__name__, (kind,), {**methods, "__module__": kind.__module__})
    object.__setattr__(run, "__class__", followed)  # 0.16's run makes an item of any attribute that is set
    run.summary = summary = Summary()
    vars(run)[HISTORY] = History(summary.follow)
    for name in ("config", "log", "summary", "define_metric", "use_artifact", "use_model"):
        setattr(_loaded("wandb"), name, getattr(run, name))


def once(wandb: Any, start: Callable[..., Any]) -> Callable[..., Any]:
    """A wandb.init that gives the disabled run which is under way, unless `reinit` asks for another."""

    @functools.wraps(start)
    def init(*args: Any, **options: Any) -> Any:
        current = wandb.run
        if current is None or HISTORY not in vars(current):
            return start(*args, **options)
        settings = options.get("settings")
        told = settings.get("reinit") if isinstance(settings, Mapping) else getattr(settings, "reinit", None)
        reinit = options.get("reinit", told)
        if reinit in KEEP:
            return current
        if reinit != "create_new":
            current.finish()
        return start(*args, **options)

    return init
