"""The process that writes a run's TensorBoard files, beside the driver: that one never waits for a line."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from hpo.trial.launch import ROOT

DELAY = 0.5
"""Seconds after the first trial's start: what it imports must not delay that one."""
WAIT = 20.0
"""Seconds that a run which is over waits for what is still to be written; the process then goes on alone."""


class Board:
    """One run's writer. It ends when its standard input does, with the driver at the latest."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self._begun: float | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._told = self._over = False

    def look(self, *, begun: bool) -> str | None:
        """Start it once a trial has `begun`; what to say if nothing is written any more, once."""
        if not begun or self._told:
            return None
        now = time.monotonic()
        self._begun = now if self._begun is None else self._begun
        if self._process is None and now >= self._begun + DELAY:
            return self._start()
        return self._fate()

    def finish(self) -> None:
        """The run is over: what is still to be written is written, and no more comes."""
        if self._begun is not None and self._process is None and not self._told:
            self._start()
        self._over = True
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    def close(self) -> None:
        """Wait until all is written."""
        self.finish()
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(WAIT)
        if self._errors is not None:
            self._errors.close()

    def _start(self) -> str | None:
        path = os.pathsep.join(filter(None, [ROOT, os.environ.get("PYTHONPATH")]))
        try:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hpo.record.scribe", str(self.run_dir.absolute())],
                env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
                cwd="/",  # no json.py of the user's is imported
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                start_new_session=True,  # Ctrl-C is for the run
            )
        except OSError as error:
            return self._say(str(error))
        return None

    def _fate(self) -> str | None:
        if self._over or self._process is None or self._process.poll() is None or self._errors is None:
            return None
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return self._say(lines[-1] if lines else f"exit code {self._process.returncode}")

    def _say(self, reason: str) -> str:
        self._told = True
        return f"TensorBoard files are written no more: {reason}; `hpo tensorboard {self.run_dir}` makes them"
