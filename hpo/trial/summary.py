"""The rows of a run and what its script sets → its summary, as `wandb.summary` shows it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from hpo.trial import client
from hpo.trial.objective import AGGREGATES, Running
from hpo.trial.values import is_plain, plain_row

OPERATIONS = {*AGGREGATES, "copy", "none"}
"""What define_metric(summary=…) may name, joined by commas."""


class Values(MutableMapping[str, Any]):
    """A summary or a mapping inside it: items and attributes; what is set is told to hpo at once.

    As on W&B a name that is absent raises KeyError, by attribute too.
    """

    def __init__(self, values: dict[str, Any], path: tuple[str, ...] = ()) -> None:
        object.__setattr__(self, "_values", values)
        object.__setattr__(self, "_path", path)

    def __getitem__(self, key: str) -> Any:
        value = self._values[key]
        return Values(value, (*self._path, key)) if isinstance(value, dict) else value

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        return self[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    __setattr__ = __setitem__

    def __delitem__(self, key: str) -> None:
        del self._values[key]

    __delattr__ = __delitem__

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def update(self, *args: Any, **more: Any) -> None:
        """Set many values."""
        told: dict[str, Any] = plain_row(dict(*args, **more))
        self._values.update(told)
        for key in reversed(self._path):
            told = {key: told}
        if told:
            client.summary(told)


class Summary(Values):
    """The last value of each metric, or the aggregates that define_metric asked for."""

    def __init__(self) -> None:
        super().__init__({})
        object.__setattr__(self, "_asked", {})
        object.__setattr__(self, "_running", {})
        object.__setattr__(self, "_start", time.time())

    def define(self, name: str, operations: str) -> None:
        """From now on `name` (a `*` at its end stands for any rest) is summed up by these: «min,max»."""
        self._asked[name] = [word.strip().lower() for word in operations.split(",")]

    def follow(self, row: Mapping[str, Any], step: int) -> None:
        """Take in a committed row."""
        now = time.time()
        if self._asked or not is_plain(row):
            self._take(self._values, row, "")
        else:
            self._values.update(row)
        self._values.update(_step=step, _timestamp=now, _runtime=now - self._start)

    def _take(self, values: dict[str, Any], row: Mapping[str, Any], prefix: str) -> None:
        for key, value in row.items():
            name = prefix + key
            asked = self._operations(name) if self._asked else None
            if isinstance(value, dict):
                below = values.get(key)
                values[key] = below if isinstance(below, dict) else {}
                self._take(values[key], value, name + ".")
            elif asked is None or "copy" in asked:
                values[key] = value
            elif isinstance(value, (int, float)) and "none" not in asked:
                running = self._running.setdefault(name, Running())
                running.add(value)
                values[key] = {word: AGGREGATES[word](running) for word in asked if word in AGGREGATES}

    def _operations(self, name: str) -> list[str] | None:
        """Those asked for this very name, else those of the longest pattern that fits it."""
        if name in self._asked:
            return list(self._asked[name])
        fitting = [p for p in self._asked if p.endswith("*") and name.startswith(p[:-1])]
        return list(self._asked[max(fitting, key=len)]) if fitting else None


def files_directory() -> str:
    """A folder for the files of a run that keeps none: the trial's own, made when it is asked for."""
    path = os.path.join(os.environ.get("HPO_TRIAL_DIR") or os.getcwd(), "files")
    os.makedirs(path, exist_ok=True)
    return path
