"""The `wandb` of a trial where the real one is absent: logs reach hpo, nothing leaves the machine."""

from __future__ import annotations

import sys
from typing import Any

from . import env, errors, util
from ._config import Config
from ._media import (
    Artifact,
    Audio,
    Graph,
    Histogram,
    Html,
    Image,
    Molecule,
    Object3D,
    Plotly,
    Table,
    Video,
    plot,
    sklearn,
)
from ._run import Run, Settings, active, start
from .errors import CommError, Error, UsageError

__version__ = "0.31.0+hpo"

__all__ = [
    "Api",
    "Artifact",
    "Audio",
    "CommError",
    "Config",
    "Error",
    "Graph",
    "Histogram",
    "Html",
    "Image",
    "Molecule",
    "Object3D",
    "Plotly",
    "Run",
    "Settings",
    "Table",
    "UsageError",
    "Video",
    "agent",
    "config",
    "controller",
    "define_metric",
    "env",
    "errors",
    "finish",
    "init",
    "log",
    "login",
    "plot",
    "require",
    "run",
    "setup",
    "sklearn",
    "summary",
    "sweep",
    "teardown",
    "termerror",
    "termlog",
    "termwarn",
    "util",
    "watch",
]


def init(*args: Any, **options: Any) -> Run:
    """Start the run, or return the one that is under way; see wandb.run.start."""
    return start(*args, **options)


def login(*args: Any, **options: Any) -> bool:
    """True: there is no account to log in to."""
    return True


def setup(*args: Any, **options: Any) -> None:
    """Nothing to set up."""


def teardown(exit_code: int | None = None) -> None:
    """End the run."""
    finish(exit_code)


def require(*args: Any, **options: Any) -> None:
    """Nothing is optional here."""


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """End the run if there is one."""
    current = active()
    if current is not None:
        current.finish(exit_code)


join = finish


def termlog(text: str = "", **options: Any) -> None:
    """Print a line to stderr."""
    print(f"wandb: {text}", file=sys.stderr)


termwarn = termerror = termlog


def _no_server(what: str) -> Any:
    def refuse(*args: Any, **options: Any) -> Any:
        raise Error(f"{what} needs W&B's server and its package; neither is here")

    return refuse


Api = _no_server("wandb.Api")
controller = _no_server("wandb.controller")
sweep = agent = _no_server("wandb.sweep or wandb.agent inside a trial")
restore = _no_server("wandb.restore")

_OF_RUN = (
    "alert",
    "config",
    "define_metric",
    "link_artifact",
    "link_model",
    "log",
    "log_artifact",
    "log_model",
    "mark_preempting",
    "save",
    "summary",
    "unwatch",
    "use_artifact",
    "use_model",
    "watch",
)


def __getattr__(name: str) -> Any:
    current = active()
    if name == "run":
        return current
    if name in _OF_RUN:
        if current is None:
            raise Error(f"You must call wandb.init() before wandb.{name}")
        return getattr(current, name)
    raise AttributeError(f"hpo's stand-in for wandb has no '{name}'")
