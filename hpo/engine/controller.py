"""One event loop: ask the searcher, give trials to slots, feed the scheduler, write the record."""

from __future__ import annotations

import math
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from hpo.engine.fleet import Fleet
from hpo.engine.scheduling import Scheduling
from hpo.engine.specs import TrialSpecs
from hpo.sweepfile.model import Metric
from hpo.tune.schedulers import TIME
from hpo.tune.searchers import BEST
from hpo.tune.translate import reaches

TICK = 0.25
"""Seconds between looks at signals, budget and terminal when nothing happens."""
ALIKE = 3
"""So many first trials failing alike end the run."""
LOSSES = 3
"""A trial whose slot was lost so often is given up."""


class Record(Protocol):
    """Where events go: kept at once, on disk once `commit` returns."""

    def append(self, event: dict[str, Any]) -> None:
        """Keep one event."""

    def commit(self) -> None:
        """Put all kept events on disk."""


@dataclass(frozen=True)
class Limits:
    """When a run ends: trials in all (None: when the searcher is done), seconds, retries of a trial."""

    count: int | None = None
    seconds: float | None = None
    max_failures: int = 0


@dataclass
class Ongoing:
    """A trial that has not ended for good."""

    number: int
    config: dict[str, Any]
    attempt: int = 0
    losses: int = 0
    slot: int = -1
    stopping: bool = False

    @property
    def id(self) -> str:
        """Name towards searcher and scheduler."""
        return str(self.number)


@dataclass(frozen=True)
class Outcome:
    """How a run ended: complete, target, interrupted, budget or failed; and why."""

    state: str
    reason: str = ""


@dataclass
class Controller:
    """Drives one run; `searcher` and `scheduling` decide, `fleet` runs, `record` remembers.

    Every event that changes a state is on disk before the step that follows from it is taken.
    """

    searcher: Searcher
    scheduling: Scheduling
    fleet: Fleet
    record: Record
    specs: TrialSpecs
    metric: Metric | None
    limits: Limits
    progress: Callable[[], None] = lambda: None
    started: int = 0
    interrupts: int = 0
    ending: Outcome | None = None
    exhausted: bool = False
    waiting: deque[Ongoing] = field(default_factory=deque)
    running: dict[int, Ongoing] = field(default_factory=dict)
    early_failures: list[str] | None = field(default_factory=list)
    first: int = 1

    def run(self) -> Outcome:
        """Run until the limits are met or the run is ended; returns once no trial runs any more."""
        begin = time.monotonic()
        while True:
            self._look_up(time.monotonic() - begin)
            self._fill()
            if not self.running and (self.ending or self.exhausted or self._full()) and not self._more():
                return self.ending or Outcome("complete")
            for slot, event in self.fleet.events(TICK):
                self._handle(slot, event)
            self.record.commit()
            self.progress()

    def _more(self) -> bool:
        return self.ending is None and bool(self.waiting)

    def _full(self) -> bool:
        return self.limits.count is not None and self.started >= self.limits.count

    def _look_up(self, seconds: float) -> None:
        """Signals and the time budget."""
        if self.limits.seconds is not None and seconds >= self.limits.seconds and self.interrupts < 2:
            self.ending = Outcome("budget", f"time budget of {self.limits.seconds:g} s used up")
            self.interrupts = 2
        if self.interrupts and self.ending is None:
            self.ending = Outcome("interrupted", "ended by the user")
        if self.interrupts >= 2:
            self._stop_all()

    def _stop_all(self) -> None:
        for slot, trial in self.running.items():
            if not trial.stopping:
                trial.stopping = True
                self.fleet.stop(slot, "interrupted")

    def _fill(self) -> None:
        """Give every idle slot a trial while there are some."""
        launches = []
        while self.ending is None and (slot := self.fleet.idle()) is not None:
            trial = self.waiting.popleft() if self.waiting else self._ask()
            if trial is None:
                break
            trial.attempt += 1
            trial.slot, trial.stopping = slot, False
            self.running[slot] = trial
            self.scheduling.add(trial.id, trial.config)
            seat = self.fleet.seats[slot]
            self._event("start", trial, attempt=trial.attempt, slot=slot, node=seat.node)
            seat.busy = True
            launches.append((slot, trial))
        if launches:
            self.record.commit()
            for slot, trial in launches:
                self.fleet.start(slot, self.specs.build(trial.number, trial.attempt, trial.config))

    def _ask(self) -> Ongoing | None:
        """A new trial from the searcher, None where there is none now."""
        if self.exhausted or self._full():
            return None
        number = self.first + self.started
        config = self.searcher.suggest(str(number))
        if config == Searcher.FINISHED:
            self.exhausted = True
            return None
        if config is None:
            return None
        self.started += 1
        trial = Ongoing(number, config)
        self._event("trial", trial, config=config)
        return trial

    def _event(self, kind: str, trial: Ongoing, /, **values: Any) -> None:
        self.record.append({"event": kind, "trial": trial.number, **values})

    def _handle(self, slot: int, event: dict[str, Any]) -> None:
        trial = self.running[slot]
        match event["event"]:
            case "result":
                self._result(slot, trial, event)
            case "end":
                del self.running[slot]
                self._end(trial, {k: v for k, v in event.items() if k not in ("event", "trial")})
            case "lost":
                del self.running[slot]
                self._lost(trial, event["reason"])

    def _result(self, slot: int, trial: Ongoing, event: dict[str, Any]) -> None:
        assert self.metric is not None
        values = {key: event[key] for key in ("iteration", "value", "best")}
        self._event("result", trial, **values)
        if trial.stopping:
            return
        result = self._as_result(event["iteration"], event["value"], event["best"])
        self.searcher.on_trial_result(trial.id, result)
        if self.scheduling.result(trial.id, result) == TrialScheduler.STOP:
            trial.stopping = True
            self.record.commit()
            self.fleet.stop(slot, "stopped")
        self._check_target(event["best"])

    def _as_result(self, iteration: int, value: Any, best: Any) -> dict[str, Any]:
        name = self.metric.name if self.metric else ""
        return {TIME: iteration, name: value, BEST: best}

    def _check_target(self, value: Any) -> None:
        if reaches(self.metric, value) and self.ending is None:
            assert self.metric is not None
            self.ending = Outcome("target", f"{self.metric.name} reached {self.metric.target:g}")

    def _end(self, trial: Ongoing, end: dict[str, Any]) -> None:
        """A trial's process has ended: record it, then tell searcher and scheduler."""
        tail = end.pop("log_tail", [])
        if self.interrupts >= 2 and end["kind"] == "signal":
            end |= {"state": "interrupted", "kind": ""}  # a batch system signals the trial as well as us
        self._event("end", trial, attempt=trial.attempt, **end)
        state, value = end["state"], end.get("value")
        if state == "failed" and trial.attempt <= self.limits.max_failures and self.ending is None:
            self._again(trial, f"failed: {end['reason']}")
            return
        known = value is not None and math.isfinite(value)
        result = self._as_result(end["iterations"], end["last"], value) if known else None
        self.scheduling.complete(trial.id, result, error=state == "failed")
        lost = state in ("failed", "interrupted")
        self.searcher.on_trial_complete(trial.id, None if lost else result, error=state == "failed")
        self._check_target(value if state in ("finished", "stopped") else None)
        self._note_failure(trial, state, end["reason"], tail)

    def _again(self, trial: Ongoing, reason: str) -> None:
        self._event("requeue", trial, reason=reason)
        self.scheduling.complete(trial.id, None, error=False)
        self.waiting.append(trial)

    def _lost(self, trial: Ongoing, reason: str) -> None:
        """The slot died, not the trial: it starts again and the attempt does not count."""
        trial.losses += 1
        if self.interrupts >= 2 or trial.losses >= LOSSES:
            state = "interrupted" if self.interrupts >= 2 else "failed"
            end = {
                "state": state,
                "kind": "lost",
                "reason": reason,
                "value": None,
                "last": None,
                "iterations": 0,
            }
            trial.attempt = self.limits.max_failures + 1
            self._end(trial, end)
        else:
            trial.attempt -= 1
            self._again(trial, reason)

    def _note_failure(self, trial: Ongoing, state: str, reason: str, tail: list[str]) -> None:
        """End the run when its first trials all fail in the same way: the rest would too."""
        if self.early_failures is None or state in ("interrupted",):
            return
        self.early_failures.append(re.sub(r"[\d.]+(e[-+]?\d+)?|0x[0-9a-f]+", "#", reason))
        if state != "failed" or len(set(self.early_failures)) > 1:
            self.early_failures = None
        elif len(self.early_failures) == ALIKE and self.ending is None:
            shown = "\n".join(["", *(f"    {line}" for line in tail)]) if tail else ""
            self.ending = Outcome("failed", f"the first {ALIKE} trials failed alike: {reason}{shown}")
            self.interrupts = 2
