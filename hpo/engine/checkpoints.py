"""The checkpoints of a run on disk: which ones stay."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

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
        if name not in names:
            names.append(name)
        self._trim(number)

    def settle(self, numbers: Iterable[int]) -> None:
        """Before trials go on: what the journal knows and the disk has is there, and nothing else.

        A writer may have died between the two, or somebody may have removed some. All is done on return.
        """
        for number in numbers:
            known, there = self._names.get(number, []), self._there(number)
            self._names[number] = [name for name in known if name in there]
            self._unneeded += [self.path(number, name) for name in there.difference(known)]
        self.sweep()
        self._thread.submit(lambda: None).result()

    def _there(self, number: int) -> set[str]:
        try:
            return set(os.listdir(os.path.dirname(self.path(number, ""))))
        except OSError:
            return set()

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
