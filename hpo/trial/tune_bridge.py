"""What a function written for Ray Tune calls in a trial → hpo's own: reports, checkpoints, which trial it is.

Of `ray.tune`, its `get_context()`, `ray.air.session`, and `ray.train` where Ray lets it be used in Tune. In a
process where Ray Tune itself runs the function, such as one that a script's own Tuner has started, they stay
Ray's.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from hpo.trial import client

MODULES = ("ray.tune", "ray.train._internal.session")
"""Where these functions are defined: all other modules of Ray's take them from there."""


def patch(module: ModuleType) -> None:
    """Have the functions of one of MODULES lead here where no Tuner of Ray's listens to them."""
    for name, ours in _OURS.items():
        own = vars(module).get(name)
        if callable(own):
            setattr(module, name, _leading_here(own, functools.partial(ours, module)))


def _leading_here(own: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(own)
    def call(*args: Any, **options: Any) -> Any:
        return (own if _in_session() else ours)(*args, **options)

    return call


def _report(module: Any, metrics: Mapping[str, Any], *, checkpoint: Any = None, **options: Any) -> None:
    client.report(metrics, checkpoint=checkpoint)


def _get_checkpoint(module: Any) -> Any:
    folder = client.get_checkpoint()
    return None if folder is None else module.Checkpoint.from_directory(str(folder))


def _experiment_name(module: Any) -> str:
    """The name of the run directory."""
    return os.path.basename(os.path.dirname(os.path.dirname(_trial_dir(module))))


def _trial_id(module: Any) -> str:
    """Unlike that of any other run's trial, and the same when the trial goes on."""
    return f"{_experiment_name(module)}-{os.path.basename(_trial_dir(module))}"


def _trial_dir(module: Any) -> str:
    return os.environ.get("HPO_TRIAL_DIR", "")


def _trial_resources(module: Any) -> Any:
    factory = importlib.import_module("ray.tune").PlacementGroupFactory
    resources = {"CPU": float(os.environ.get("HPO_CPUS") or 1)}
    gpus = len(list(filter(None, os.environ.get("CUDA_VISIBLE_DEVICES", "").split(","))))
    return factory([resources | ({"GPU": float(gpus)} if gpus else {})])


_OURS: dict[str, Callable[..., Any]] = {
    "report": _report,
    "get_checkpoint": _get_checkpoint,
    "get_experiment_name": _experiment_name,
    "get_trial_id": _trial_id,
    "get_trial_name": _trial_id,
    "get_trial_dir": _trial_dir,
    "get_trial_resources": _trial_resources,
}


def _in_session() -> bool:
    """Whether Ray calls the function: it has made a session in this process."""
    session = sys.modules.get("ray.train._internal.session")
    get = getattr(session, "get_session", None)
    return get is not None and get() is not None
