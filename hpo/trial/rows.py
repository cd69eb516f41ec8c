"""Reported rows → the lines of metrics.jsonl, written many at a time."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Mapping
from typing import Any

from hpo.trial.lines import pack, unpack

RESUME_ITERATION = "_resume_iteration"
"""Key in the rows of a trial that was resumed: the iteration of the checkpoint that it resumed from. It tells
under which configuration a member of a population made a row, even if the journal was read earlier."""
FLUSH = 0.5
"""Seconds that a row waits at most before it is written."""


class Rows:
    """Writes metrics.jsonl, anew or after kept rows; these are whole lines, from the first on.

    Once a row could not be written, none that comes after it is.
    """

    def __init__(
        self, path: str, warn: Callable[[str], None], keep: int = 0, resume_iteration: int | None = None
    ) -> None:
        """Of a file that is there already the first `keep` rows stay and count.

        `resume_iteration` is that of the checkpoint to resume from; None if the trial starts from scratch.
        """
        self._part = {} if resume_iteration is None else {RESUME_ITERATION: resume_iteration}
        self.kept = _cut(path, keep) if keep else []
        self._file = open(path, "ab" if keep else "wb", buffering=0)  # noqa: SIM115 (closed by close)
        self._size = os.fstat(self._file.fileno()).st_size
        self._warn = warn
        self.error: OSError | None = None
        """Why rows are missing."""
        self._lines: list[bytes] = []
        last = self.kept[-1].get("_step") if self.kept else None
        self.step = last if isinstance(last, int) else len(self.kept) - 1
        """That of the newest row."""
        self.due = math.inf
        """When the waiting rows are to be written at the latest, by time.monotonic."""

    def add(self, row: Mapping[str, object], step: object, when: float, now: float) -> None:
        """A row; without a step of its own it is numbered after the one before, from 0."""
        self.step = step if isinstance(step, int) else self.step + 1
        head: dict[str, object] = {"_step": self.step, "_time": when, **self._part}
        self._lines.append(pack(head | {k: v for k, v in row.items() if k not in head}))
        self.due = min(self.due, now + FLUSH)

    def flush(self) -> None:
        """Write what waits."""
        data = memoryview(b"".join(self._lines))
        size = self._size + len(data)
        self._lines, self.due = [], math.inf
        if self.error is not None:
            return
        try:
            while data:
                data = data[self._file.write(data) :]
            self._size = size
        except OSError as error:
            self._fail(error)
            with contextlib.suppress(OSError):
                self._file.truncate(self._size)

    def close(self) -> None:
        """Write what waits and close."""
        self.flush()
        try:
            self._file.close()  # only now NFS says that its disk is full
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.error = error
        self._warn(f"rows could not be written: {error.strerror}")


def _cut(path: str, count: int) -> list[dict[str, Any]]:
    """The first `count` rows of a file, which is cut off after them; fewer where it is shorter."""
    rows: list[dict[str, Any]] = []
    with contextlib.suppress(FileNotFoundError), open(path, "r+b") as file:
        end = 0
        for line in file:
            row = unpack(line) if line.endswith(b"\n") and len(rows) < count else None
            if row is None:
                break
            rows.append(row)
            end += len(line)
        file.truncate(end)
    return rows
