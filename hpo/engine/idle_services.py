"""Services that Ray starts on a head node and that no sweep uses: killed as soon as they appear.

Without them a short run takes a third less CPU time, and Ray's start does not wait for the dashboard.
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
"""Parts of their command lines: the dashboard's server, which is started even where no dashboard is wanted;
the log monitor, which copies workers' output to the driver; the autoscaler's monitor."""
LIMIT = 120.0
"""Seconds after which Ray has started or given up."""
INTERVAL = 0.02
"""Seconds between two looks at the child processes."""
LOGGER = logging.getLogger("ray._private.services")
"""Ray's logger that reports a missing dashboard server as an error, although Ray starts without it."""


@contextmanager
def without_idle_services() -> Iterator[None]:
    """Kill the services of a Ray that is started within this block."""
    over, level = threading.Event(), LOGGER.level
    watcher = _watch(over, first_only=False)
    try:
        yield
    finally:
        over.set()
        watcher.join()
        LOGGER.setLevel(level)


def kill_dashboard_server() -> None:
    """Kill the dashboard's server when this process, a `ray start` without the other services, starts it."""
    _watch(threading.Event(), first_only=True)


def children() -> Iterator[tuple[int, bytes]]:
    """Process number and command of each child of this process (Linux); raises OSError elsewhere."""
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread, or a child, has ended meanwhile
            for pid in (task / "children").read_text().split():
                yield int(pid), Path(f"/proc/{pid}/cmdline").read_bytes()


def _watch(over: threading.Event, *, first_only: bool) -> threading.Thread:
    LOGGER.setLevel(logging.CRITICAL)
    watcher = threading.Thread(target=_kill_each, args=(over, first_only), daemon=True)
    watcher.start()
    return watcher


def _kill_each(over: threading.Event, first_only: bool) -> None:
    """Kill services until `over`; without a /proc (macOS) they stay."""
    limit = time.monotonic() + LIMIT
    with suppress(OSError):
        while not over.wait(INTERVAL) and time.monotonic() < limit:
            for pid, command in children():
                if any(part in command for part in COMMANDS):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                    if first_only:
                        return
