"""What stands in the module wandb while no run is under way, and in its place while one is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .errors import Error

OF_RUN = (
    "alert",
    "define_metric",
    "link_model",
    "log",
    "log_artifact",
    "log_model",
    "mark_preempting",
    "pin_config_keys",
    "save",
    "unwatch",
    "use_artifact",
    "use_model",
    "watch",
)
"""Functions of the module that are methods of the run."""


class PreInitObject:
    """wandb.config or wandb.summary before wandb.init: any use says so."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def __getitem__(self, key: str) -> Any:
        raise Error(f"You must call wandb.init() before {self._name}[{key!r}]")

    def __setitem__(self, key: str, value: Any) -> None:
        raise Error(f"You must call wandb.init() before {self._name}[{key!r}]")

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_"):
            raise AttributeError(key)
        raise Error(f"You must call wandb.init() before {self._name}.{key}")

    def __setattr__(self, key: str, value: Any) -> None:
        raise Error(f"You must call wandb.init() before {self._name}.{key}")

    def keys(self) -> list[str]:
        """None: `wandb.init(config=wandb.config)` is allowed."""
        return []


def _before_init(name: str) -> Callable[..., Any]:
    def refuse(*args: Any, **options: Any) -> Any:
        raise Error(f"You must call wandb.init() before wandb.{name}()")

    refuse.__name__ = name
    return refuse


def globals_of(run: Any) -> dict[str, Any]:
    """The names of the module wandb that belong to a run, or to none."""
    if run is None:
        names = {name: _before_init(name) for name in OF_RUN}
        return {
            "run": None,
            "config": PreInitObject("wandb.config"),
            "summary": PreInitObject("wandb.summary"),
            **names,
        }
    methods = {name: getattr(run, name) for name in OF_RUN}
    return {"run": run, "config": run.config, "summary": run.summary, **methods}


def set_globals(run: Any) -> None:
    """Let wandb.log and its like mean this run, or none."""
    vars(sys.modules[__package__ or "wandb"]).update(globals_of(run))
