"""A trial's metrics.jsonl as it grows → rows; told where they were cut, or begin anew in another file."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hpo.trial.files import named
from hpo.trial.lines import unpack

Ready = Callable[[Mapping[str, Any]], bool]


class Tail:
    """Reads on where it was.

    When a trial goes on from a checkpoint its file is cut; a new attempt has a file of its own, which begins
    with the rows that count.
    """

    def __init__(self, path: Path) -> None:
        self.path = self._first = path
        self._attempt = 1
        self._sums = array("I")
        """Checksum of each line read so far,"""
        self._ends = array("Q")
        """and where it ends."""
        self._last = b""

    def news(
        self, attempt: int = 1, ready: Ready = lambda row: True
    ) -> tuple[bool, Iterator[tuple[dict[str, Any], bool]]]:
        """Whether all rows come once more because some were cut; and rows, each with whether it is new.

        A row that is not `ready`, and those behind it, are left for later.
        """
        path = self._first.with_name(named(self._first.name, attempt))
        moved = attempt > self._attempt and path.exists()
        if moved:
            self.path, self._attempt = path, attempt
        try:
            with self.path.open("rb") as file:
                again = moved or not self._goes_on(file)
        except OSError:
            return False, iter(())
        return again, self._rows(again, ready)

    def _goes_on(self, file: Any) -> bool:
        if not self._ends:
            return True
        file.seek(self._ends[-1] - len(self._last))
        return bool(file.read(len(self._last)) == self._last)

    def _rows(self, again: bool, ready: Ready) -> Iterator[tuple[dict[str, Any], bool]]:
        old, at = (self._sums, 0) if again else (array("I"), len(self._sums))
        if again:
            self._sums, self._ends, self._last = array("I"), array("Q"), b""
        for line in self._lines(self._ends[-1] if self._ends else 0):
            row = unpack(line)
            if row is not None and not ready(row):
                return
            total = zlib.crc32(line)
            known = at < len(old) and old[at] == total
            if not known:
                old = array("I")
            at += 1
            self._sums.append(total)
            self._ends.append((self._ends[-1] if self._ends else 0) + len(line))
            self._last = line
            if row is not None:
                yield row, not known

    def _lines(self, offset: int) -> Iterator[bytes]:
        """Whole lines from there on."""
        with self.path.open("rb") as file:
            file.seek(offset)
            for line in file:
                if line.endswith(b"\n"):
                    yield line
