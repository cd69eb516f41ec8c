"""RUN/stop.json: asks the driver, wherever it runs, to end the run; it takes note by removing the file."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal

from hpo.record.holder import Owner, owner
from hpo.record.shared import replace, revalidate

REQUEST = "stop.json"
"""Name of the request inside a run directory."""
LOOKS = 1.0
"""Seconds between two looks of the driver's for a request."""
POLL = 0.2

Mode = Literal["finish", "now"]
"""Running trials finish, or are ended."""


class StopRequests:
    """What the driver with this token is asked for; requests to earlier drivers count for nothing.

    `every` is the time in seconds between two looks.
    """

    def __init__(self, run_dir: Path | str, token: str, every: float = LOOKS) -> None:
        self.run_dir = Path(run_dir).absolute()
        self.token = token
        self.every = every
        self._next = 0.0

    def take(self) -> Mode | None:
        """A request that has come, and is taken note of by this; cheap however often called, never raises."""
        seconds = time.monotonic()
        if seconds < self._next:
            return None
        self._next = seconds + self.every
        mode = requested(self.run_dir, self.token)
        if mode is not None:
            clear(self.run_dir)
        return mode


def request(run_dir: Path | str, mode: Mode, token: str) -> None:
    """Ask the driver with this token to stop. Raises OSError."""
    told = {"stop": mode, "driver": token, "time": time.time()}
    replace(Path(run_dir) / REQUEST, json.dumps(told) + "\n")


def requested(run_dir: Path | str, token: str) -> Mode | None:
    """What the driver with this token is asked for now; None: nothing, or it cannot be read."""
    try:
        revalidate(Path(run_dir))
        told = json.loads((Path(run_dir) / REQUEST).read_bytes())
        if told["driver"] != token:
            return None
        return "now" if told["stop"] == "now" else "finish"
    except (OSError, ValueError, KeyError, TypeError):
        return None


def clear(run_dir: Path | str) -> None:
    """Remove a request, whoever it was for; without one nothing happens."""
    with suppress(OSError):
        (Path(run_dir) / REQUEST).unlink()


def noted(run_dir: Path | str, asked: Owner, seconds: float) -> bool | None:
    """Wait until the driver has taken note of a request: True; False after `seconds`, None where it is gone.

    Raises OSError where its lock cannot be read.
    """
    end = time.monotonic() + seconds
    while requested(run_dir, asked.token) is not None:
        now = owner(run_dir)
        if now is None or not now.alive or now.token != asked.token:
            clear(run_dir)
            return None
        if time.monotonic() >= end:
            return False
        time.sleep(POLL)
    return True
