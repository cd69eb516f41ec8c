"""Reported rows → the lines of metrics.jsonl, written many at a time."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hpo.trial.lines import pack, unpack

RESUME_ITERATION = "_resume_iteration"
"""Key in the rows of a trial that was resumed: the iteration of the checkpoint that it resumed from. It tells
under which configuration a member of a population made a row, even if the journal was read earlier."""
FLUSH = 0.5
"""Seconds that a row waits at most before it is written."""


class Rows:
    """Writes an attempt's metrics.jsonl, anew or after kept rows; these are whole lines, from the first on.

    Once a row could not be written, none that comes after it is.
    """

    def __init__(
        self,
        path: str,
        warn: Callable[[str], None],
        keep: int = 0,
        resume_iteration: int | None = None,
        earlier: Iterable[str] = (),
    ) -> None:
        """The first `keep` rows stay: of this file, or else of the first of `earlier` that is there.

        `resume_iteration` is that of the checkpoint to resume from; None if the trial starts from scratch.
        """
        self.path = path
        self._part = {} if resume_iteration is None else {RESUME_ITERATION: resume_iteration}
        self.kept = _kept(path, keep, earlier) if keep else []
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (0 if keep else os.O_TRUNC)
        self._file = open(os.open(path, flags, 0o666), "ab", buffering=0)  # noqa: SIM115 (closed by close)
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

    def sync(self) -> None:
        """Have the system write out what was written: it survives a loss of power. Raises OSError."""
        os.fsync(self._file.fileno())

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


def _kept(path: str, count: int, earlier: Iterable[str]) -> list[dict[str, Any]]:
    """The first `count` rows, after which `path` ends; copied from an earlier file where it is not there."""
    if not os.path.exists(path):
        part = f"{path}.part"
        for source in filter(os.path.exists, earlier):
            with open(source, "rb") as old, open(part, "wb") as new:
                new.writelines(line for line, _ in _whole(old, count))
            os.replace(part, path)
            break
    with contextlib.suppress(FileNotFoundError), open(path, "r+b") as file:
        found = list(_whole(file, count))
        file.truncate(sum(len(line) for line, _ in found))
        return [row for _, row in found]
    return []


def _whole(file: Iterable[bytes], count: int) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The first `count` lines that are rows, and what they hold; ends at one that is torn."""
    for line, _ in zip(file, range(count), strict=False):
        row = unpack(line) if line.endswith(b"\n") else None
        if row is None:
            return
        yield line, row
