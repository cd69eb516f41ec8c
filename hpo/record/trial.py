"""One trial: its events, one at a time → its state; frozen as a TrialRecord."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

STATES = ("finished", "stopped", "failed", "interrupted", "running", "paused")
"""All states of a trial; `stopped` is early, by the scheduler; `paused` trials may go on."""


@dataclass(frozen=True)
class Generation:
    """A stretch of a trial's training under one configuration."""

    iteration: int
    """The trial's own, after which it begins."""
    donor: int | None
    """The trial whose state it began with; None: its own beginning."""
    donor_iteration: int
    """The donor's own at the checkpoint that was taken over."""
    config: dict[str, Any]
    time: float | None = field(default=None, compare=False)
    """When that was decided, in Unix seconds; None for a trial's beginning."""


@dataclass(frozen=True)
class TrialRecord:
    """One trial. Times are unix seconds; `value` is the best objective so far, `last` the latest.

    `config` is the newest where it changed. `seconds` is the wall time of its ended attempts in all.
    `results` holds what reached the journal, (iteration, value, time), of the attempt that counts: the
    trial's metrics file has every row.
    """

    number: int
    config: dict[str, Any]
    state: str = "running"
    value: float | None = None
    last: float | None = None
    iterations: int = 0
    reason: str = ""
    kind: str = ""
    attempts: int = 0
    started: float | None = None
    ended: float | None = None
    seconds: float | None = None
    node: str = ""
    slot: int | None = None
    results: tuple[tuple[int, float, float], ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    """Last value of each objective where there are several, once it has ended."""
    generations: tuple[Generation, ...] = ()
    """All that it went through, the first included; empty where its configuration never changed."""
    value_at: int = 0
    """Iterations that were done when the journal first held `value`, which may be of an earlier one."""


@dataclass
class TrialState:
    """A trial while events come in; fields as in `TrialRecord`."""

    number: int
    config: dict[str, Any] = field(default_factory=dict)
    state: str = "running"
    value: float | None = None
    last: float | None = None
    iterations: int = 0
    reason: str = ""
    kind: str = ""
    attempts: int = 0
    started: float | None = None
    ended: float | None = None
    seconds: float | None = None
    node: str = ""
    slot: int | None = None
    results: list[tuple[int, float, float]] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    generations: list[Generation] = field(default_factory=list)
    value_at: int = 0
    resume_iteration: int = 0
    """Iteration of the checkpoint that it resumed from last; 0 if it started from scratch."""

    def start(self, event: Mapping[str, Any]) -> None:
        """An attempt begins."""
        self.state, self.reason, self.kind, self.ended = "running", "", "", None
        self.attempts = max(self.attempts, as_whole(event.get("attempt"), 1))
        self.started = self.started if self.started is not None else event.get("time")
        self.slot, self.node = event.get("slot"), str(event.get("node", ""))
        self.resume_iteration = as_whole(event.get("iteration"), 0)
        if "iteration" in event:  # it goes on from there
            self._forget_from(self.resume_iteration + 1)

    def result(self, event: Mapping[str, Any]) -> None:
        """A value of the objective came; one from an earlier iteration says that an attempt began anew."""
        iteration, value = as_whole(event.get("iteration"), 0), as_number(event.get("value"))
        self._forget_from(iteration)
        self.iterations, self.last = iteration, value
        self._take_value(as_number(event.get("best", value)))
        if value is not None:
            time = as_number(event.get("time"))
            self.results.append((iteration, value, math.nan if time is None else time))

    def pause(self, event: Mapping[str, Any]) -> None:
        """Its process was ended; it goes on from its checkpoint, or never."""
        self.state = "paused"
        self.seconds = (self.seconds or 0.0) + (as_number(event.get("seconds")) or 0.0)

    def exploit(self, event: Mapping[str, Any]) -> None:
        """It goes on from another trial's checkpoint, with a configuration made from that one's."""
        if not self.generations:
            self.generations.append(Generation(0, None, 0, self.config))
        at, donor = as_whole(event.get("iteration"), 0), event.get("donor")
        self.config = dict(event.get("config") or {})
        begun = as_whole(event.get("donor_iteration"), 0)
        when = as_number(event.get("time"))
        self.generations.append(Generation(at, donor, begun, self.config, when))

    def end(self, event: Mapping[str, Any]) -> None:
        """An attempt is over. The end of a lost slot knows no values: those reported before it stand."""
        self.state, self.ended = str(event.get("state", "failed")), event.get("time")
        first = self.attempts <= 1 and self.seconds is None  # and not a part after a pause
        if first and (began := as_number(event.get("began"))) is not None:
            self.started = began  # it may have waited in its slot
        self.reason, self.kind = str(event.get("reason", "")), str(event.get("kind", ""))
        if (seconds := as_number(event.get("seconds"))) is not None:
            self.seconds = (self.seconds or 0.0) + seconds
        if self.kind == "lost":
            return
        self.iterations = as_whole(event.get("iterations"), self.iterations)
        self._take_value(as_number(event.get("value")))
        self.last, self.values = as_number(event.get("last")), dict(event.get("values") or {})
        self._forget_from(self.iterations + 1)

    def requeue(self) -> None:
        """The attempt did not count: what it reported is no result of this trial."""
        self.state, self.ended = "running", None
        self.value, self.last, self.iterations, self.values, self.value_at = None, None, 0, {}, 0

    def interrupt(self) -> None:
        """The run ended before the trial did."""
        self.state, self.reason = "interrupted", self.reason or "the run ended before it"

    def record(self) -> TrialRecord:
        """The trial as it is now, for good."""
        values = {item.name: getattr(self, item.name) for item in fields(TrialRecord)}
        lists = {"results": tuple(self.results), "generations": tuple(self.generations)}
        return TrialRecord(**{**values, **lists})

    def _take_value(self, value: float | None) -> None:
        """Set `value`, and `value_at` where it is a new one or where training began again before it."""
        if value != self.value or self.value_at > self.iterations:
            self.value, self.value_at = value, self.iterations

    def _forget_from(self, iteration: int) -> None:
        while self.results and self.results[-1][0] >= iteration:
            self.results.pop()


def as_number(value: Any) -> float | None:
    """A number as float; None for what is none."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def as_whole(value: Any, otherwise: int) -> int:
    """A whole number as it is; `otherwise` for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
