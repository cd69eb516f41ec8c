"""RUN/driver.lock → who drives the run, and whether that process lives.

A dead owner is followed by whoever makes the file that is named after the owner's token, which only one
process can make and only once: the heir's own lock, with a token of its own, that may have an heir in turn.
The owner is the last of this chain; so there is one at every moment, and no lock is ever taken away to see
whose it is. The heir then moves its file along the chain to the place of the lock. Who has judged an owner
that was followed meanwhile makes a file that the chain does not lead to, sees that, and removes it.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from hpo.record.shared import PREFIX, now, revalidate
from hpo.trial.identity import Process

LOCK = "driver.lock"
"""Name of the lock inside a run directory."""
BEAT = 3.0
"""Seconds between two signs of life of an owner."""
SILENCE = 60.0
"""Seconds without a sign of life after which an owner on another machine is dead."""
CONFIRM = 10.0
"""Seconds that such an owner is watched at the least: clocks may be wrong, a file server just back."""


@dataclass(frozen=True)
class Timing:
    """How signs of life are given and judged, in seconds."""

    beat: float = BEAT
    silence: float = SILENCE
    confirm: float = CONFIRM


@dataclass(frozen=True)
class Holder:
    """What one lock file says; `process` is None where it says nothing that can be read."""

    path: Path
    token: str
    beat: float
    """Its last sign of life, by the folder's clock."""
    process: Process | None = None
    since: float = 0.0
    command: str = ""

    @property
    def name(self) -> str:
        """«process 123 on node7»."""
        return (
            "a process unknown"
            if self.process is None
            else f"process {self.process.pid} on {self.process.host}"
        )


@dataclass(frozen=True)
class Owner:
    """Who drives a run, or drove it and died; `since` in unix seconds, `seen` in seconds before now."""

    host: str
    pid: int
    since: float
    seen: float
    alive: bool
    token: str
    command: str = ""

    @property
    def name(self) -> str:
        """«process 123 on node7»."""
        return f"process {self.pid} on {self.host}"


def owner(run_dir: Path | str, timing: Timing | None = None, here: Process | None = None) -> Owner | None:
    """Who holds the lock of a run; None where nobody does. Raises OSError where it cannot be read.

    On another machine `alive` means a sign of life within the time that is allowed without one.
    """
    timing = timing or Timing()
    directory = Path(run_dir)
    chain = holders(directory)
    if not chain or chain[-1].process is None:
        return None
    last, process = chain[-1], chain[-1].process
    seen = max(0.0, now(directory) - last.beat)
    lives = process.lives(here or Process.own())
    alive = seen < timing.silence if lives is None else lives
    return Owner(process.host, process.pid, last.since, seen, alive, last.token, last.command)


def holders(directory: Path) -> list[Holder]:
    """The lock and those who followed, the owner last; empty where there is no lock. Raises OSError."""
    revalidate(directory)
    chain: list[Holder] = []
    path = directory / LOCK
    while (holder := _read(path)) is not None:
        chain.append(holder)
        path = heir(directory, holder.token)
    return chain


def heir(directory: Path, token: str) -> Path:
    """The file of the process that follows the one with this token."""
    return directory / f"{PREFIX}after-{token}"


def clock_time(since: float) -> str:
    """«12:01», with the date where that is not today's."""
    then, today = time.localtime(since), time.localtime()
    return time.strftime("%H:%M" if then[:3] == today[:3] else "%Y-%m-%d %H:%M", then)


def _read(path: Path) -> Holder | None:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            text = file.read(65536)
    except FileNotFoundError:
        return None
    try:
        told = json.loads(text)
        token, since, command = str(told["token"]), float(told["since"]), str(told["command"])
        return Holder(path, token, found.st_mtime, Process.read(told), since, command)
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return Holder(path, f"{found.st_ino}-{found.st_mtime_ns}", found.st_mtime)  # its writer died
