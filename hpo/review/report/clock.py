"""A run's journal → when a driver ran, and which slot was busy with which trial."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.record.trial import as_number

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A slot's time with one trial, in unix seconds; `state` is how it ended."""

    trial: int
    lane: str
    """Node and slot, for people."""
    begin: float
    end: float
    state: str


@dataclass(frozen=True)
class Clock:
    """The stretches in which a run was driven; what lies between them does not count."""

    sessions: tuple[tuple[float, float], ...]

    def at(self, time: float) -> float:
        """Seconds of the run at a unix time."""
        return sum(min(max(time - begin, 0.0), end - begin) for begin, end in self.sessions)

    @property
    def whole(self) -> float:
        """Seconds of the run in all."""
        return sum(end - begin for begin, end in self.sessions)


@dataclass
class Timeline:
    """Intervals and sessions while events come in."""

    intervals: list[Interval] = field(default_factory=list)
    opening: dict[str, Any] = field(default_factory=dict)
    """The newest event of kind `run`."""
    _sessions: list[list[float]] = field(default_factory=list)
    _open: dict[int, tuple[str, float]] = field(default_factory=dict)
    _attempts: dict[int, int] = field(default_factory=dict)
    _last: float = math.nan

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take in one event."""
        time = as_number(event.get("time"))
        if time is None:
            return
        match event.get("event"):
            case "run":
                self._close_all(self._last, "interrupted")
                self.opening = {**event}
                self._sessions.append([time, time])
            case "start":
                lane = "" if event.get("slot") is None else f"{event.get('node', '')} · {event['slot']}"
                self._open[event["trial"]] = lane, time
            case "pause":
                self._close(event["trial"], time, "paused")
            case "end":
                began = as_number(event.get("began"))
                self._close(event["trial"], time, str(event.get("state", "failed")), began)
            case "requeue":
                self._close(event["trial"], time, "interrupted")
            case "done":
                self._close_all(time, "interrupted")
        self._last = time
        if self._sessions:
            self._sessions[-1][1] = max(self._sessions[-1][1], time)

    def finish(self, until: float, state: str) -> Clock:
        """What is open ends here; the clock of all that was told."""
        if self._sessions and state == "running":
            self._sessions[-1][1] = max(self._sessions[-1][1], until)
        self._close_all(until if state == "running" else self._last, state)
        return Clock(tuple((begin, end) for begin, end in self._sessions))

    def _close(self, trial: int, time: float, state: str, began: float | None = None) -> None:
        if trial not in self._open:
            return
        lane, begin = self._open.pop(trial)
        # A trial that is started ahead waits in its slot; `began` is of its first attempt.
        begin = max(begin, began) if began is not None else begin
        self.intervals.append(Interval(trial, lane, min(begin, time), time, state))

    def _close_all(self, time: float, state: str) -> None:
        taken: set[str] = set()
        for trial, (lane, _) in sorted(self._open.items(), key=lambda item: item[1][1]):
            if lane and lane in taken:  # it waits for the one before it
                del self._open[trial]
            else:
                taken.add(lane)
                self._close(trial, time, state)


def laned(intervals: Iterable[Interval]) -> list[Interval]:
    """The same by their begins; those without a slot are laid beside each other."""
    free: list[float] = []
    placed = []
    for one in sorted(intervals, key=lambda one: (one.begin, one.end)):
        if one.lane:
            placed.append(one)
            continue
        lane = next((n for n, until in enumerate(free) if until <= one.begin), len(free))
        free[lane:] = [one.end, *free[lane + 1 :]]
        placed.append(Interval(one.trial, f"{lane + 1}", one.begin, one.end, one.state))
    return placed


def busy_seconds(intervals: Sequence[Interval]) -> tuple[Array, Array]:
    """Times, and how many seconds all slots together had been busy by then: to be interpolated."""
    steps = sorted([(one.begin, 1) for one in intervals] + [(one.end, -1) for one in intervals])
    if not steps:
        return np.zeros(1), np.zeros(1)
    times = np.array([time for time, _ in steps])
    running = np.cumsum([step for _, step in steps])
    done = np.concatenate([[0.0], np.cumsum(np.diff(times) * running[:-1])])
    return times, done
