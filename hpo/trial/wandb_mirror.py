"""`hpo.wandb`: rows of a script that does not use wandb → a run of the real wandb, beside ours.

A script with a wandb run of its own logs there what it wants; its reports are then not repeated. Whatever
goes wrong with wandb is said once, and stops no script.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hpo.trial import client
from hpo.trial.environment import MIRROR

if TYPE_CHECKING:
    from types import FrameType

STAND_IN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "standin", "")


class Mirror:
    """One trial's rows, in the order of their reports."""

    def __init__(self) -> None:
        self._run: Any = None
        self._busy = False
        self._over = False
        """Whether the script has a run of its own, or wandb failed."""

    @property
    def busy(self) -> bool:
        """Whether what reaches wandb now comes from here, or comes from wandb itself."""
        return self._busy

    @contextmanager
    def silent(self) -> Iterator[None]:
        """What is logged or reported inside is there already."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before

    def leave_to_script(self) -> None:
        """The script starts a run: from now on it says what is logged."""
        self._over = self._over or not self._busy

    def row(self, metrics: Mapping[str, Any], step: int | None) -> None:
        """Log one row that was reported."""
        if self._over or self._busy or not client.owner():
            return
        with self.silent():
            try:
                self._log(metrics, step)
            except Exception as error:  # no account, no network, another make of wandb
                self._over = True
                print(f"hpo: nothing more is logged to wandb: {error!r}", file=sys.stderr)

    def _log(self, metrics: Mapping[str, Any], step: int | None) -> None:
        import wandb

        if self._run is None:
            if (wandb.__file__ or "").startswith(STAND_IN):
                raise RuntimeError(f"wandb is not installed in {sys.executable}")
            self._run = wandb.init()
        self._run.log(dict(metrics), step=step)


mirror = Mirror()


def begin() -> Mirror:
    """A trial begins: its mirror."""
    global mirror
    mirror = Mirror()
    return mirror


def end_in_order() -> None:
    """Have SIGTERM end the script as sys.exit does, so that wandb writes what it holds; with its first run.

    Without that an early stop leaves an empty file. Handlers of the script's own stay, and a process that
    several trials share is not ended by signals.
    """
    if not os.environ.get(MIRROR) or "hpo.trial.worker" in sys.modules:
        return
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _leave)


def stopped(error: BaseException | None) -> bool:
    """Whether this is how a trial was stopped, and no failure."""
    asked = bool(os.environ.get(MIRROR))
    return asked and isinstance(error, SystemExit) and error.code in (None, 128 + signal.SIGTERM)


def _leave(number: int, frame: FrameType | None) -> None:
    if client.owner():
        signal.signal(number, signal.SIG_IGN)  # who asks again waits: SIGKILL comes by itself
        raise SystemExit(128 + number)
    signal.signal(number, signal.SIG_DFL)  # a child that was forked with this handler
    os.kill(os.getpid(), number)
