"""Calls the user's code: what it returns → a last row, what it raises → the log and an exit code."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
from collections.abc import Callable
from typing import Any

from hpo.trial import client

INTERRUPTED = 130
"""Exit code of a trial that KeyboardInterrupt ended, as a shell has it."""
_HERE = os.path.dirname(os.path.abspath(__file__))


class Function:
    """A pickled function on a descriptor; it is read once, and called for one trial after another."""

    holds = False

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._function: Callable[..., Any] | None = None
        self._takes_config = False

    def __call__(self, config: dict[str, Any], stopping: Callable[[], bool]) -> None:
        """`train()` as on W&B, or `train(config)` as on Ray Tune, where it takes an argument.

        What it returns, or what it yields one by one, is a row. Raises ValueError where that is none.
        """
        assert self._function is not None
        metric = os.environ.get("HPO_METRIC", "")
        returned = self._function(config) if self._takes_config else self._function()
        if not inspect.isgenerator(returned):
            row = as_row(returned, metric)
            if row:
                client.report(row)
            return
        with contextlib.closing(returned):  # one that is stopped at a report cleans up now
            for value in returned:
                row = as_row(value, metric or "_metric")
                if row is None and value is not None:
                    raise ValueError(
                        f"a yielded value is a number or a dictionary, not {type(value).__name__}"
                    )
                if row:
                    client.report(row)

    def prepare(self) -> None:
        """Import what reads it."""
        import cloudpickle  # noqa: F401

    def load(self) -> None:
        """Unpickle it, once."""
        if self._function is None:
            import cloudpickle

            function = cloudpickle.loads(_read(self._descriptor))
            self._takes_config, self._function = takes_config(function), function

    def discard(self) -> None:
        """Nothing: a function keeps what it keeps."""


def as_row(returned: Any, metric: str) -> dict[str, Any] | None:
    """A returned value as a last row: a dict as it is (Ray Tune's habit), a number as the objective."""
    if isinstance(returned, dict):
        return returned
    if metric and not isinstance(returned, (str, bytes)) and hasattr(returned, "__float__"):
        return {metric: returned}
    return None


def takes_config(function: Callable[..., Any]) -> bool:
    """Whether the first parameter is positional and has no default: W&B's `train(config=None)` wants none."""
    try:
        first = next(iter(inspect.signature(function).parameters.values()), None)
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return first is not None and first.kind in positional and first.default is inspect.Parameter.empty


def attempt(run: Callable[[], object]) -> int:
    """Run something of the user's; the exit code that Python would end with, after what it would print."""
    try:
        run()
    except SystemExit as error:
        return _exit_code(error)
    except BaseException as error:
        _print(error)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _exit_code(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def _print(error: BaseException) -> None:
    """As Python does at its end, without the frames of this package that lie above the user's own."""
    trace = error.__traceback__
    while trace is not None and os.path.dirname(trace.tb_frame.f_code.co_filename) == _HERE:
        trace = trace.tb_next
    try:
        sys.excepthook(type(error), error.with_traceback(trace), trace)
    except Exception as other:  # a hook of the user's own
        sys.__excepthook__(type(other), other, other.__traceback__)


def _read(descriptor: int) -> bytes:
    """The whole file, wherever another process's reading has left its position."""
    size = os.fstat(descriptor).st_size
    data = b""
    while len(data) < size:
        part = os.pread(descriptor, size - len(data), len(data))
        if not part:
            break
        data += part
    return data
