"""Reported rows → the lines of metrics.jsonl, written many at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from hpo.trial.lines import pack

FLUSH = 0.5
"""Seconds that a row waits at most before it is written."""


class Rows:
    """Writes metrics.jsonl anew; a full disk costs rows and one warning, not the trial."""

    def __init__(self, path: str, warn: Callable[[str], None]) -> None:
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115 (closed by close)
        self._warn, self._failed = warn, False
        self._lines: list[bytes] = []
        self._step = -1
        self.due = math.inf
        """When the waiting rows are to be written at the latest, by time.monotonic."""

    def add(self, row: Mapping[str, object], step: object, when: float, now: float) -> None:
        """A row; without a step of its own it is numbered after the one before, from 0."""
        self._step = step if isinstance(step, int) else self._step + 1
        head: dict[str, object] = {"_step": self._step, "_time": when}
        self._lines.append(pack(head | {k: v for k, v in row.items() if k not in head}))
        self.due = min(self.due, now + FLUSH)

    def flush(self) -> None:
        """Write what waits."""
        data = memoryview(b"".join(self._lines))
        self._lines, self.due = [], math.inf
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            if not self._failed:
                self._failed = True
                self._warn(f"rows could not be written: {error.strerror}")

    def close(self) -> None:
        """Write what waits and close."""
        self.flush()
        self._file.close()
