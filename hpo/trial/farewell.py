"""A supervisor that may still run → certainly gone, and its trials with it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection

from hpo.trial import presence
from hpo.trial.identity import Process
from hpo.trial.strays import kill_marked

POLL = 0.05
"""Seconds between two looks, at the least."""
SLOWER = 1.2
"""Each pause is so many times as long as the one before, up to a second."""
KILL_WAIT = 5.0
"""Seconds for killed processes to be gone; beyond, they hang in the kernel."""


def await_gone(path: str, trials: Collection[str]) -> None:
    """Return once the supervisor of this presence file is gone, with the trials in these directories.

    It ends by itself when its slot has died, after its trial's grace period. On its own machine a killed one
    is seen at once, and what is left of its trials is killed; on another one it is gone when its file is, or
    when that shows no sign of life for presence.SILENCE seconds.
    """
    here, pause = Process.own(), POLL
    seen, since = 0.0, time.monotonic()
    while (told := presence.read(path)) is not None:
        lives = told.process.lives(here)
        if lives is False:
            clear(told.directory, trials)
            presence.remove(path)
            return
        if lives is None:
            beat = _beat(path)
            if beat != seen:
                seen, since = beat, time.monotonic()
            elif time.monotonic() - since > presence.SILENCE:
                presence.remove(path)
                return
        time.sleep(pause)
        pause = min(1.0, pause * SLOWER)


def clear(directory: str, trials: Collection[str]) -> None:
    """End what a supervisor that was killed has left: its trials' processes and its directory."""
    enough, trials = time.monotonic() + KILL_WAIT, {os.path.realpath(one) for one in trials}
    while kill_marked(f"HPO_CHANNEL={directory}/", trials) and time.monotonic() < enough:
        time.sleep(POLL / 5)
    shutil.rmtree(directory, ignore_errors=True)


def _beat(path: str) -> float:
    try:
        os.close(os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY))  # NFS: look anew
        return os.stat(path).st_mtime
    except OSError:
        return 0.0
