"""Processes that Ray starts on a head node and no sweep uses; they end as soon as they are there.

This spares a third of a short run's processor time, and the wait for the dashboard's server at Ray's start.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

COMMANDS = (b"/ray/dashboard/dashboard.py", b"/ray/_private/log_monitor.py", b"/ray/autoscaler/")
"""Parts of their commands: the dashboard's server, which runs even without a dashboard; the copier of logs;
the autoscaler."""
LIMIT = 120.0
"""Seconds within which Ray has started, or given up."""
INTERVAL = 0.02
"""Seconds between two looks."""
SAYS_SO = logging.getLogger("ray._private.services")
"""Without the dashboard's server Ray starts too, but calls that an error."""


@contextmanager
def without_idle_services() -> Iterator[None]:
    """Start Ray within this block."""
    over, level = threading.Event(), SAYS_SO.level
    watcher = _watch(over, once=False)
    try:
        yield
    finally:
        over.set()
        watcher.join()
        SAYS_SO.setLevel(level)


def end_dashboard_server() -> None:
    """Do so once this process, a `ray start` without the other two, has started it."""
    _watch(threading.Event(), once=True)


def children() -> Iterator[tuple[int, bytes]]:
    """Process number and command of each child of this process (Linux); raises OSError elsewhere."""
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread, or a child, has ended meanwhile
            for pid in (task / "children").read_text().split():
                yield int(pid), Path(f"/proc/{pid}/cmdline").read_bytes()


def _watch(over: threading.Event, *, once: bool) -> threading.Thread:
    SAYS_SO.setLevel(logging.CRITICAL)
    watcher = threading.Thread(target=_end_each, args=(over, once), daemon=True)
    watcher.start()
    return watcher


def _end_each(over: threading.Event, once: bool) -> None:
    """Where there is no /proc they stay."""
    limit = time.monotonic() + LIMIT
    with suppress(OSError):
        while not over.wait(INTERVAL) and time.monotonic() < limit:
            for pid, command in children():
                if any(part in command for part in COMMANDS):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                    if once:
                        return
