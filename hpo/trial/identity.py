"""A process → what tells it from every other one: machine, boot, pid and start time."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Process:
    """One process, for good: a later one of the same pid has another start time or boot."""

    host: str
    pid: int
    started: int
    """Clock ticks after the boot."""
    boot: str
    """The kernel's id of this boot; empty where it has none. Hosts of the same name differ in it."""
    space: str
    """Its pid namespace: containers on one machine number their processes each for itself."""

    @classmethod
    def own(cls) -> Process:
        """The process that asks."""
        boot = _text("/proc/sys/kernel/random/boot_id")
        try:
            space = os.readlink("/proc/self/ns/pid")
        except OSError:
            space = ""
        pid = os.getpid()
        return cls(socket.gethostname(), pid, (_stat(pid) or ("", 0))[1], boot, space)

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Process:
        """What `vars` of a process became in JSON; raises KeyError, TypeError or ValueError."""
        pid = int(told["pid"])
        if pid <= 0:
            raise ValueError(f"no pid: {pid}")
        texts = (str(told[key]) for key in ("boot", "space"))
        return cls(str(told["host"]), pid, int(told["started"]), *texts)

    def lives(self, here: Process) -> bool | None:
        """Whether it lives, as seen by the process `here`; None where that one cannot tell.

        A zombie is dead: it writes no more. A suspended process lives.
        """
        same = (self.host, self.boot, self.space) == (here.host, here.boot, here.space)
        if not same or not self.boot or not self.started:
            return None
        if found := _stat(self.pid):
            state, started = found
            return started == self.started and state not in ("Z", "X")
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return None  # it is there, but /proc hides the processes of other users


def _stat(pid: int) -> tuple[str, int] | None:
    """State and start time of a process."""
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()  # its name may hold anything
    return (fields[0], int(fields[19])) if len(fields) > 19 else None


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""
