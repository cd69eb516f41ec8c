"""The checkpoints of a run on disk: which ones stay."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from hpo.trial.checkpoint import FOLDER


class Checkpoints:
    """The newest `keep` of each trial stay, and older ones that another trial has yet to start from.

    The driver alone removes checkpoints, in a thread of its own, and only when `sweep` is called, once the
    journal says which are newer: so nobody loses one that was promised.
    """

    def __init__(self, directory: str, keep: int) -> None:
        self.directory, self.keep = directory, keep
        self._names: dict[int, list[str]] = {}
        self._held: Counter[str] = Counter()
        self._unneeded: list[str] = []
        self._thread = ThreadPoolExecutor(1, "checkpoints")

    def path(self, number: int, name: str) -> str:
        """Where a trial's checkpoint is."""
        return os.path.join(self.directory, "trials", f"{number:04d}", FOLDER, name)

    def add(self, number: int, name: str) -> None:
        """A trial has made one; the oldest that nobody needs goes."""
        names = self._names.setdefault(number, [])
        names.append(name)
        self._trim(number)

    def forget_unknown(self, number: int) -> None:
        """Remove what a trial has saved and the journal does not know: its writer died in between."""
        with suppress(OSError):
            there = set(os.listdir(os.path.dirname(self.path(number, ""))))
            self._unneeded += [self.path(number, n) for n in there.difference(self._names.get(number, []))]

    def hold(self, number: int, name: str) -> None:
        """Keep this one until it is released as often."""
        self._held[self.path(number, name)] += 1

    def release(self, number: int, name: str) -> None:
        """It is no longer needed for another trial."""
        self._held[self.path(number, name)] -= 1
        self._trim(number)

    def sweep(self) -> None:
        """Remove those that nobody needs any more."""
        while self._unneeded:
            self._thread.submit(shutil.rmtree, self._unneeded.pop(), ignore_errors=True)

    def close(self) -> None:
        """Wait for what is being removed."""
        self._thread.shutdown()

    def _trim(self, number: int) -> None:
        names = self._names.get(number, [])
        for name in names[: -self.keep]:
            path = self.path(number, name)
            if self._held[path] <= 0:
                names.remove(name)
                self._unneeded.append(path)
