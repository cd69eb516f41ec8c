"""The report of a run that goes on: made anew every few minutes beside it, and once more at its end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from hpo.review.report import REPORT

EVERY = 300.0
"""Seconds from the end of one making to the next, at the least."""
NICE = "10"
ROOM = 200e6
"""Bytes: on a disk with less room none is made beside the run, whose own files need it."""
QUICK = 2000
"""Trials whose report is made in a few seconds: that much a run that was interrupted still waits for."""


class KeptReport:
    """Context in which `look` has the report made now and then, by a process of its own at low priority.

    That process never holds up the run and never fails it; it is ended with the run.
    """

    def __init__(self, directory: Path, every: float = EVERY) -> None:
        self.directory = directory.absolute()
        self.every = every
        self._due = time.monotonic() + every
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> KeptReport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)
            self._process.kill()
            self._process.wait()

    def look(self) -> None:
        """Begin to make it if it is time; cheap, to be called often."""
        now = time.monotonic()
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._process, self._due = None, now + self.every
        if now >= self._due:
            with suppress(OSError):
                if shutil.disk_usage(self.directory).free > ROOM:
                    self._process = _start(self.directory)
            self._due = now + self.every


def _start(directory: Path) -> subprocess.Popen[bytes]:
    """`hpo report`, in a session of its own: Ctrl-C is for the run alone."""
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)
    return subprocess.Popen(
        ["nice", "-n", NICE, sys.executable, "-m", "hpo", "report", str(directory)],
        cwd="/",  # `-m` looks for modules there first
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def last_report(directory: Path, trials: int, *, hurry: bool) -> Iterator[str]:
    """Make the report of a run that has ended; yields what is to be said of it, and raises nothing.

    A run that is to make room, for its job goes on later, makes none that takes long.
    """
    from hpo.review.report.page import write_report

    if hurry and trials > QUICK:
        yield f"no report was made: `hpo report {directory}` makes it"
        return
    try:
        yield f"report: {write_report(directory, directory / REPORT)}"
    except (Exception, KeyboardInterrupt) as error:
        why = str(error) or type(error).__name__
        yield f"no report could be made: {why}; `hpo report {directory}` tries again"
