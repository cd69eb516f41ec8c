"""hpo.report and hpo.config inside a trial: rows → the supervisor's socket, one JSON line each.

Outside of a trial nothing is sent and nothing is kept. A supervisor that is gone never stops a script.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

LONGEST_TEXT = 1000
"""Characters of what JSON cannot hold and is sent as text."""


class _Channel:
    """The connection of this process; a forked child opens its own."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pid = 0
        self.socket: socket.socket | None = None

    def send(self, message: dict[str, Any]) -> None:
        path = os.environ.get("HPO_CHANNEL")
        if not path:
            return
        line = (_encoder.encode(message) + "\n").encode("utf-8", "backslashreplace")
        with self.lock:
            try:
                if self.pid != os.getpid():
                    self.socket, self.pid = socket.socket(socket.AF_UNIX), os.getpid()
                    self.socket.connect(path)
                if self.socket is not None:
                    self.socket.sendall(line)
            except OSError as error:
                self.socket = None
                print(f"hpo: reports are lost from here on: {error}", file=sys.stderr)


def _plain(value: Any) -> Any:
    """Scalars of numpy, torch and the like → Python numbers; what else JSON cannot hold → short text."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    item = getattr(value, "item", None)
    if callable(item):
        try:
            number = item()
        except (ValueError, TypeError, RuntimeError):
            return f"<{type(value).__name__}>"
        return number if isinstance(number, (bool, int, float, str)) else str(number)[:LONGEST_TEXT]
    return f"<{type(value).__name__}>"


_encoder = json.JSONEncoder(default=_plain, skipkeys=True, check_circular=False)
_channel = _Channel()
os.register_at_fork(after_in_child=lambda: setattr(_channel, "lock", threading.Lock()))


def report(metrics: Mapping[str, Any], step: int | None = None) -> None:
    """Report one row of metrics; a row that carries the sweep's metric is one iteration.

    Raises TypeError unless `metrics` is a mapping with text keys.
    """
    if not isinstance(metrics, Mapping):
        raise TypeError(f"hpo.report takes a mapping of metrics, not {type(metrics).__name__}")
    if not all(isinstance(name, str) for name in metrics):
        raise TypeError("names of metrics passed to hpo.report must be text")
    _channel.send({"row": dict(metrics), "step": step, "time": time.time()})


def summary(values: Mapping[str, Any]) -> None:
    """Report final values, as `wandb.run.summary[...] = …` does; they count, but are no iteration."""
    _channel.send({"summary": dict(values), "time": time.time()})


def define(name: str, aggregates: str) -> None:
    """Report that the summary of metric `name` is its min, max, mean, first or last."""
    _channel.send({"define": {"name": name, "summary": aggregates}})


def config() -> dict[str, Any]:
    """The trial's configuration, nested as in the sweep; empty outside of a trial."""
    values: dict[str, Any] = json.loads(os.environ.get("HPO_CONFIG") or "{}")
    return values


def in_trial() -> bool:
    """Whether this process belongs to a trial."""
    return bool(os.environ.get("HPO_CHANNEL"))
