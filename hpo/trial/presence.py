"""A supervisor's file in its run directory, there while it lives, with a sign of life now and then.

Nobody begins a trial again, or another one on its devices, before the supervisor that has it is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass

from hpo.trial.identity import Process

FOLDER = "supervisors"
"""Where they are, below the run directory."""
BEAT = 3.0
"""Seconds between two signs of life."""
SILENCE = 15.0
"""Seconds without one after which a supervisor on a machine that cannot be asked is gone."""


@dataclass(frozen=True)
class Told:
    """What the file says."""

    process: Process
    directory: str
    """Its own, for sockets: the environment of its trials' processes names it."""


class Presence:
    """A supervisor's own. Times are those of time.monotonic."""

    def __init__(self, path: str) -> None:
        """Nothing is written before `show`; with an empty path nothing ever is."""
        self.path = path
        self.due = float("inf")
        """When to call `beat`."""
        self._told = ""

    def show(self, directory: str) -> None:
        """Write the file, unless it is there and says the same. Raises OSError."""
        if not self.path or directory == self._told:
            return
        with contextlib.suppress(FileExistsError):
            os.mkdir(os.path.dirname(self.path))  # a run directory that has vanished stays away
        part = f"{self.path}.part"
        with open(part, "w", encoding="utf-8") as file:
            json.dump({**vars(Process.own()), "directory": directory}, file)
        os.replace(part, self.path)
        self._told, self.due = directory, time.monotonic() + BEAT

    def beat(self, now: float) -> None:
        """Give a sign of life, if it is time."""
        if now >= self.due:
            self.due = now + BEAT
            with contextlib.suppress(OSError):
                os.utime(self.path)

    def end(self) -> None:
        """The supervisor has nothing that runs any more."""
        remove(self.path if self._told else "")


def read(path: str) -> Told | None:
    """What a file says; None where it is gone. One that makes no sense is none: they are written whole."""
    try:
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
        return Told(Process.read(told), str(told["directory"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove(path: str) -> None:
    """The supervisor is gone."""
    if path:
        with contextlib.suppress(OSError):
            os.unlink(path)


def files(run_dir: str) -> list[str]:
    """Those of a run."""
    folder = os.path.join(run_dir, FOLDER)
    try:
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".json")]
    except OSError:
        return []
