"""A pickled function on an inherited descriptor → called with the trial's configuration, its result reported.

`python -m hpo.trial.call` is the command of a trial that runs a function instead of a program.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable
from typing import Any

import cloudpickle

from hpo.trial.environment import FUNCTION_FD


def main() -> None:
    """Call the function of this trial. What it raises goes to the log and makes the trial fail."""
    function = cloudpickle.loads(_read(int(os.environ.pop(FUNCTION_FD))))
    returned = _call(function, json.loads(os.environ["HPO_CONFIG"]))
    row = as_row(returned, os.environ.get("HPO_METRIC", ""))
    if row:
        from hpo.trial.client import report

        report(row)


def as_row(returned: Any, metric: str) -> dict[str, Any] | None:
    """A returned value as a last row: a dict as it is (Ray Tune's habit), a number as the objective."""
    if isinstance(returned, dict):
        return returned
    if metric and not isinstance(returned, (str, bytes)) and hasattr(returned, "__float__"):
        return {metric: returned}
    return None


def _call(function: Callable[..., Any], config: dict[str, Any]) -> Any:
    """`train()` as on W&B, or `train(config)` as on Ray Tune, where it takes an argument."""
    return function(config) if takes_config(function) else function()


def takes_config(function: Callable[..., Any]) -> bool:
    """Whether the first parameter is positional and has no default: W&B's `train(config=None)` wants none."""
    try:
        first = next(iter(inspect.signature(function).parameters.values()), None)
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return first is not None and first.kind in positional and first.default is inspect.Parameter.empty


def _read(descriptor: int) -> bytes:
    """The whole file, wherever another trial's reading has left its position."""
    size = os.fstat(descriptor).st_size
    data = b""
    while len(data) < size:
        part = os.pread(descriptor, size - len(data), len(data))
        if not part:
            break
        data += part
    os.close(descriptor)
    return data


if __name__ == "__main__":
    main()
