"""The `wandb` of a trial where the real one is absent: logs reach hpo, nothing leaves the machine."""

from __future__ import annotations

import enum
from typing import Any

from . import _absent, env, errors, util
from ._artifacts import Artifact
from ._config import Config
from ._init import finish, init
from ._preinit import globals_of
from ._run import Run
from ._settings import Settings
from .apis import Api
from .data_types import (
    Audio,
    Classes,
    Graph,
    Histogram,
    Html,
    Image,
    JoinedTable,
    Molecule,
    Object3D,
    Plotly,
    Table,
    Video,
    box3d,
)
from .errors import CommError, Error, UsageError
from .errors.term import termerror, termlog, termsetup, termwarn

__version__ = "0.31.0"
"""The release of wandb whose behaviour this follows: libraries compare it."""

STAND_IN = True
SUBMODULES = ("integration", "keras", "lightgbm", "plot", "sdk", "sklearn", "wandb_run", "xgboost")
"""Loaded when they are first used."""

__all__ = [
    "AlertLevel",
    "Api",
    "Artifact",
    "Audio",
    "Classes",
    "CommError",
    "Config",
    "Error",
    "Graph",
    "Histogram",
    "Html",
    "Image",
    "JoinedTable",
    "Molecule",
    "Object3D",
    "Plotly",
    "Run",
    "Settings",
    "Table",
    "UsageError",
    "Video",
    "agent",
    "attach",
    "box3d",
    "controller",
    "env",
    "errors",
    "finish",
    "init",
    "join",
    "login",
    "require",
    "restore",
    "setup",
    "sweep",
    "teardown",
    "termerror",
    "termlog",
    "termsetup",
    "termwarn",
    "util",
]


class AlertLevel(enum.Enum):
    """How urgent an alert is; none is sent."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


def login(*args: Any, **options: Any) -> bool:
    """True: there is no account to log in to."""
    return True


def setup(*args: Any, **options: Any) -> None:
    """Nothing to set up."""


require = attach = _attach = setup
join = finish


def teardown(exit_code: int | None = None) -> None:
    """End the run."""
    finish(exit_code)


def restore(name: str, *args: Any, **options: Any) -> Any:
    """Raise: files of other runs are on W&B's server."""
    raise Error(f"wandb.restore({name!r}) needs W&B's server; install wandb and set WANDB_MODE=online")


def plot_table(*args: Any, **options: Any) -> Plotly:
    """A chart that is not kept."""
    return Plotly(*args, **options)


def _refusing(name: str) -> Any:
    def refuse(*args: Any, **options: Any) -> Any:
        raise Error(f"wandb.{name} in a trial of hpo: the sweep is already running")

    return refuse


sweep, agent, controller = map(_refusing, ("sweep", "agent", "controller"))
patched: dict[str, list[Any]] = {"tensorboard": [], "keras": [], "gym": []}
globals().update(globals_of(None))


_absent.install()


def __getattr__(name: str) -> Any:
    if name in SUBMODULES:
        return _absent.attribute(__name__, name)
    raise AttributeError(_absent.needs(f"wandb.{name}"))
