"""Processes that left their trial's group and outlive it, such as daemons: found, and ended.

They become children of the nearest process above that adopts orphans. Linux only; nothing but the standard
library, from Python 3.9 on: the user's own interpreter runs this in the warm parent.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from collections.abc import Collection, Iterable

GRACE = 2.0
"""Seconds from SIGTERM to SIGKILL."""
INTERVAL = 0.25
"""Seconds between looks: where the kernel keeps no list of children, one reads of all processes."""


def children() -> list[int]:
    """This process's children, adopted ones too, that still run."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except (AttributeError, ChildProcessError):  # there are none; macOS adopts no orphans
        return []
    own = os.getpid()
    try:
        with open(f"/proc/{own}/task/{own}/children") as file:
            found: Iterable[str] = file.read().split()
    except OSError:
        found = _processes()
    return [int(pid) for pid in found if _state_and_parent(pid) in {(s, own) for s in "RSDTtI"}]


def signal_groups(pids: Iterable[int], number: int) -> bool:
    """A signal to processes and the groups that they are in; whether there was any of them.

    A group that is this process's own is left alone.
    """
    found = False
    for pid in pids:
        with contextlib.suppress(OSError):
            group = os.getpgid(pid)
            if group == os.getpgrp():
                os.kill(pid, number)
            else:
                os.killpg(group, number)
            found = True
    return found


def kill_marked(variable: str, trials: Collection[str] = ()) -> bool:
    """SIGKILL to every process of this user that was started with such an environment variable.

    Also to those that print into a log in one of these directories, as forked ones do. Whether there was any.
    """
    mark, found = os.fsencode(variable), False
    for pid in _processes():
        if int(pid) != os.getpid() and (_environ_has(pid, mark) or _prints_into(pid, trials)):
            with contextlib.suppress(OSError):
                os.kill(int(pid), signal.SIGKILL)
                found = True
    return found


def _environ_has(pid: str, mark: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return any(entry.startswith(mark) for entry in file.read().split(b"\0"))
    except OSError:
        return False


def _prints_into(pid: str, trials: Collection[str]) -> bool:
    """Whether its stdout or stderr is a log of one of these trials."""
    for descriptor in (1, 2) if trials else ():
        with contextlib.suppress(OSError):
            folder, name = os.path.split(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
            if folder in trials and name.startswith("log."):
                return True
    return False


def finish(spared: Collection[int]) -> None:
    """SIGKILL to all children but some, and to theirs; waits until they are gone, but not for long."""
    enough = time.monotonic() + GRACE
    while (left := [pid for pid in children() if pid not in spared]) and time.monotonic() < enough:
        signal_groups(left, signal.SIGKILL)
        time.sleep(0.005)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


class Sweeper:
    """Ends the strays of many trials, side by side; times are those of time.monotonic.

    Those who run trials are themselves adopters, so that an orphan comes here only after its trial's end.
    """

    def __init__(self) -> None:
        self.due = math.inf
        """When to call `sweep`."""
        self._spared = set(children())
        """What was there before the first trial."""
        self._groups: set[int] = set()
        self._found: dict[int, float] = {}
        self._looked = -math.inf

    def ended(self, pid: int, now: float) -> None:
        """A trial has ended; what is left in its own group is its supervisor's to end."""
        self._groups.add(pid)
        self.due = min(self.due, max(now, self._looked + INTERVAL))

    def sweep(self, known: Collection[int], now: float) -> None:
        """SIGTERM to strays that are new, SIGKILL to those that had it long ago; `known` are no strays."""
        if now < self.due:
            return
        self._groups = {group for group in self._groups if _exists(group)}
        known = {*known, *self._spared}
        strays = [pid for pid in children() if pid not in known and _group(pid) not in self._groups]
        signal_groups((pid for pid in strays if pid not in self._found), signal.SIGTERM)
        signal_groups((pid for pid in strays if now >= self._found.get(pid, now) + GRACE), signal.SIGKILL)
        self._found = {pid: self._found.get(pid, now) for pid in strays}
        self._looked, self.due = now, now + INTERVAL if strays or self._groups else math.inf

    def finish(self) -> None:
        """SIGKILL to all that is left."""
        finish(self._spared)


def _processes() -> list[str]:
    try:
        return [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _state_and_parent(pid: str) -> tuple[str, int]:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state, parent = file.read().rpartition(b")")[2].split()[:2]
    except (OSError, ValueError):
        return "", 0
    return state.decode(), int(parent)


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    return True


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0
