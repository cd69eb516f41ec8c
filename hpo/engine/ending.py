"""Signals, requests and limits → whether a run ends, how soon, and why."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hpo.engine.ongoing import Limits, Outcome

JOB_OVER = "the job's time is up (SIGUSR1)"


@dataclass
class Ending:
    """How a run ends, once something has made it end; the first reason counts."""

    limits: Limits
    asked: Callable[[], str | None] = lambda: None
    """What another process asks for: `finish` or `now`."""
    outcome: Outcome | None = None
    interrupts: int = 0
    """1: no new trials, running ones end by themselves; 2 and more: they are ended, too."""

    def __bool__(self) -> bool:
        """Whether no new trials begin."""
        return self.outcome is not None

    @property
    def at_once(self) -> bool:
        """Whether running trials are ended."""
        return self.interrupts >= 2

    def by(self, outcome: Outcome | None, *, at_once: bool = False) -> None:
        """End so, if there is an outcome; another one before it stays, but for how soon."""
        if outcome is not None:
            self.outcome = self.outcome or outcome
            self.interrupts = max(self.interrupts, 2 if at_once else 0)

    def look_up(self, seconds: float) -> None:
        """See what has come up, so many seconds after the beginning."""
        budget = self.limits.seconds
        if budget is not None and seconds >= budget and not self.at_once:
            self.outcome, self.interrupts = Outcome("budget", f"time budget of {budget:g} s used up"), 2
        if asked := self.asked():
            self.interrupts = max(self.interrupts, 2 if asked == "now" else 1)
            self.by(Outcome("interrupted", "ended by `hpo stop`"))
        if self.interrupts:
            self.by(Outcome("interrupted", "ended by the user"))


@contextmanager
def signals(ending: Ending) -> Iterator[None]:
    """Ctrl-C once: running trials end by themselves; twice, or SIGTERM: they are ended.

    SIGUSR1, by which a batch system warns of a job's end, does the same and leaves a run that is to go on.
    """

    def note(number: int, frame: Any) -> None:
        if number == signal.SIGUSR1:
            ending.by(Outcome("budget", JOB_OVER), at_once=True)
            return
        ending.interrupts += 2 if number == signal.SIGTERM else 1
        if ending.interrupts == 1:
            print("no new trials; running ones end by themselves, Ctrl-C again ends them", file=sys.stderr)

    try:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
        previous = {number: signal.signal(number, note) for number in numbers}
    except ValueError:  # not the main thread (a notebook's executor): no signals to catch
        yield
        return
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
