"""Reported rows → the lines of metrics.jsonl, written many at a time."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping

from hpo.trial.lines import pack

FLUSH = 0.5
"""Seconds that a row waits at most before it is written."""


class Rows:
    """Writes metrics.jsonl, many rows at a time."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115 (closed by close)
        self._lines: list[bytes] = []
        self._step = -1
        self.due = math.inf
        """When the waiting rows are to be written, by time.monotonic."""

    def add(self, row: Mapping[str, object], step: object, when: float, now: float) -> None:
        """A row; without a step of its own it is numbered after the one before, from 0."""
        self._step = step if isinstance(step, int) else self._step + 1
        head: dict[str, object] = {"_step": self._step, "_time": when}
        self._lines.append(pack(head | {k: v for k, v in row.items() if k not in head}))
        self.due = min(self.due, now + FLUSH)

    def flush(self) -> None:
        """Write what waits. A full disk costs rows, not the trial."""
        if self._lines:
            with contextlib.suppress(OSError):
                self._file.write(b"".join(self._lines))
            self._lines, self.due = [], math.inf

    def close(self) -> None:
        """Write what waits and close."""
        self.flush()
        self._file.close()
