"""`ray.tune.report` and `ray.tune.get_checkpoint` in a trial → hpo's own: a function written for Ray Tune.

In a process where Ray Tune itself runs the function, such as one that a script's own Tuner has started, they
stay Ray's.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from hpo.trial import client


def patch(tune: ModuleType) -> None:
    """Have the functions of the module `ray.tune` lead here where no Tuner of Ray's listens to them."""
    own_report, own_get_checkpoint = tune.report, tune.get_checkpoint

    @functools.wraps(own_report)
    def report(metrics: Mapping[str, Any], *, checkpoint: Any = None) -> None:
        if _in_session():
            own_report(metrics, checkpoint=checkpoint)
        else:
            client.report(metrics, checkpoint=checkpoint)

    @functools.wraps(own_get_checkpoint)
    def get_checkpoint() -> Any:
        if _in_session():
            return own_get_checkpoint()
        folder = client.get_checkpoint()
        return None if folder is None else tune.Checkpoint.from_directory(str(folder))

    tune.report, tune.get_checkpoint = report, get_checkpoint  # type: ignore[attr-defined]


def _in_session() -> bool:
    """Whether Ray calls the function: it has made a session in this process."""
    session = sys.modules.get("ray.train._internal.session")
    get = getattr(session, "get_session", None)
    return get is not None and get() is not None
