"""Runs a command of which no process is left, whatever it started and however it ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None, use_errno=True)
PATIENCE = 30.0
"""Seconds for killed processes to disappear."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, or None if it took too long; what it printed; how long it took."""

    code: int | None
    output: str
    seconds: float


def run(command: list[str], cwd: Path, env: Mapping[str, str], timeout: float) -> Ended:
    """Run it in a session of its own; no other child of this process may be about, for all are ended."""
    _adopt_orphans()
    start = time.monotonic()
    output = cwd.parent / "output"
    code = None
    try:
        with output.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(timeout)
        seconds = time.monotonic() - start
    finally:
        end_children()
    return Ended(code, output.read_text(encoding="utf-8", errors="replace"), seconds)


def _adopt_orphans() -> None:
    """Daemons, too, stay below this process, where they are found."""
    if _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def die_with_parent() -> None:
    """Have this process killed when the one that started it ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def end_children() -> None:
    """Kill all that descend from this process, until none is left."""
    deadline = time.monotonic() + PATIENCE
    while found := descendants(os.getpid()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes that cannot be killed: {found}")
        for one in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.02)


def descendants(parent: int) -> list[int]:
    """Children, their children, and so on."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                after_name = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
                children.setdefault(int(after_name.split()[1]), []).append(int(entry.name))
    found = list(children.get(parent, []))
    for one in found:  # grows on the way
        found += children.get(one, [])
    return found
