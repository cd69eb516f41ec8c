"""Journal events → the state of a run and its trials: live, one event at a time, or read back whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from hpo.errors import UserError
from hpo.record.aside import SetAside
from hpo.record.journal import JOURNAL, iterate_journal
from hpo.record.trial import STATES, TrialRecord, TrialState, as_number

__all__ = ["STATES", "RunRecord", "RunState", "TrialRecord", "TrialState", "has_value", "load_run", "rank"]


@dataclass(frozen=True)
class RunRecord:
    """One run. `state` is "running" until the journal says how it ended; `updated` is its last event's time.

    A run whose driver died also says "running": only `updated` tells.
    """

    directory: Path
    sweep: dict[str, Any]
    method: str
    metric: str | None
    goal: str
    target: float | None
    seed: int | None
    count: int | None
    slots: int | None
    cwd: str
    state: str
    reason: str
    started: float | None
    ended: float | None
    updated: float | None
    trials: tuple[TrialRecord, ...]
    goals: Mapping[str, str] = field(default_factory=dict)
    """Name → goal of each objective where there are several; `metric` is the first."""
    set_aside: tuple[SetAside, ...] = ()
    """Nodes that were given no more trials."""

    @property
    def states(self) -> dict[str, int]:
        """How many trials are in each state, all states named."""
        counts = dict.fromkeys(STATES, 0)
        for trial in self.trials:
            counts[trial.state] = counts.get(trial.state, 0) + 1
        return counts


class Ranked(Protocol):
    """What ranking needs to know of a trial."""

    @property
    def number(self) -> int:
        """Its number, from 1."""

    @property
    def state(self) -> str:
        """Its state."""

    @property
    def value(self) -> float | None:
        """Its best value."""


AnyTrial = TypeVar("AnyTrial", bound=Ranked)


def rank(trials: Iterable[AnyTrial], goal: str) -> list[AnyTrial]:
    """Trials in order, best first by value; ties by number.

    Failed trials come after all others, whatever their value: a script that broke may have broken its
    numbers too, so it is shown but never wins over a sound trial. Those without a finite value come last.
    """
    return sorted(trials, key=lambda trial: _place(trial, goal))


def has_value(trial: Ranked) -> bool:
    """Whether a trial takes part in the ranking: it has a finite value."""
    return trial.value is not None and math.isfinite(trial.value)


def _place(trial: Ranked, goal: str) -> tuple[int, float, int]:
    if trial.value is None or not math.isfinite(trial.value):
        return 2, 0.0, trial.number
    sign = -1 if goal == "maximize" else 1
    return int(trial.state == "failed"), sign * trial.value, trial.number


@dataclass
class RunState:
    """A run while events come in: `apply` each in order; events and fields that it does not know are skipped.

    `counts` says how many trials are in each state. `ended_trials` lists attempts in the order of their ends,
    `restarts` which trials start again and why, `notes` what else was said: whoever watches reads on from
    where they were. An event costs the same however many trials there are; `best` costs one pass over them
    after its trial got worse.
    """

    keep_results: bool = True
    """Whether trials remember each of their results; a live run's memory must not grow with them."""
    run: dict[str, Any] = field(default_factory=dict)
    state: str = "running"
    reason: str = ""
    started: float | None = None
    ended: float | None = None
    updated: float | None = None
    trials: dict[int, TrialState] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    ended_trials: list[int] = field(default_factory=list)
    restarts: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    set_aside: dict[str, SetAside] = field(default_factory=dict)
    """Nodes that get no more trials, by their number in Ray; a run that goes on tries them again."""
    _best: TrialState | None = None
    _stale: bool = False

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take in one event of the journal."""
        self.updated = event.get("time", self.updated)
        match event.get("event"):
            case "run":
                self.run = {**event}
                self.started = self.started if self.started is not None else event.get("time")
                self.state, self.reason, self.ended = "running", "", None
                self.set_aside.clear()
            case "trial" | "start" | "result" | "pause" | "exploit" | "end" | "requeue" as kind if isinstance(
                event.get("trial"), int
            ):
                self._apply_to_trial(kind, event)
            case "slots":
                self.run["slots"] = event.get("slots")
                self.notes.append(f"nodes have joined: room for {event.get('slots')} trials at once")
            case "note":
                self.notes.append(str(event.get("text", "")))
            case "aside":
                self.set_aside[str(event.get("id"))] = aside = SetAside.of(event)
                self.notes.append(f"node {aside.node} is set aside: {aside}; they run again on other nodes")
            case "back":
                self.set_aside.pop(str(event.get("id")), None)
                self.notes.append(f"node {event.get('node')} is used again: {event.get('reason')}")
            case "done":
                self.state, self.reason = str(event.get("state", "complete")), str(event.get("reason", ""))
                self.ended = event.get("time")
                for trial in self.trials.values():
                    if trial.state in ("running", "paused"):
                        self._move(trial, trial.interrupt)
                        self.ended_trials.append(trial.number)

    @property
    def metric(self) -> str | None:
        """Name of the objective, if the sweep names one."""
        name = self._metric().get("name")
        return None if name is None else str(name)

    @property
    def goal(self) -> str:
        """Which way is better: minimize or maximize."""
        return str(self._metric().get("goal") or "minimize")

    @property
    def count(self) -> int | None:
        """How many trials the run makes in all; None where it has no such end."""
        return self.run.get("count")

    @property
    def best(self) -> TrialState | None:
        """The trial that ranks first; None while none has a value."""
        if self._stale:
            self._best = min(self.trials.values(), key=lambda t: _place(t, self.goal), default=None)
            self._stale = False
        return self._best if self._best is not None and has_value(self._best) else None

    def record(self, directory: Path | str) -> RunRecord:
        """The run as it is now, for good."""
        run = self.run
        return RunRecord(
            directory=Path(directory),
            sweep=run.get("sweep") or {},
            method=str(run.get("method", "")),
            metric=self.metric,
            goal=self.goal,
            target=as_number(self._metric().get("target")),
            seed=run.get("seed"),
            count=self.count,
            slots=run.get("slots"),
            cwd=str(run.get("cwd", "")),
            state=self.state,
            reason=self.reason,
            started=self.started,
            ended=self.ended,
            updated=self.updated,
            trials=tuple(self.trials[n].record() for n in sorted(self.trials)),
            goals={str(one["name"]): str(one["goal"]) for one in run.get("metrics") or ()},
            set_aside=tuple(self.set_aside.values()),
        )

    def _metric(self) -> Mapping[str, Any]:
        metric = self.run.get("metric")
        return metric if isinstance(metric, Mapping) else {}

    def _apply_to_trial(self, kind: str, event: Mapping[str, Any]) -> None:
        name = event["trial"]
        if name not in self.trials:
            self.trials[name] = TrialState(name)
            self.counts["running"] += 1
        trial = self.trials[name]
        match kind:
            case "trial":
                trial.config = dict(event.get("config") or {})
            case "start":
                self.state, self.reason, self.ended = "running", "", None
                self._move(trial, lambda: trial.start(event))
            case "result":
                self._move(trial, lambda: trial.result(event))
                if not self.keep_results:
                    trial.results.clear()
            case "pause":
                self._move(trial, lambda: trial.pause(event))
            case "exploit":
                trial.exploit(event)
            case "end":
                self._move(trial, lambda: trial.end(event))
                self.ended_trials.append(trial.number)
            case "requeue":
                self._move(trial, trial.requeue)
                self.restarts.append((trial.number, str(event.get("reason", ""))))

    def _move(self, trial: TrialState, change: Callable[[], None]) -> None:
        """Change a trial; keep the counts and the best one right."""
        state, place = trial.state, _place(trial, self.goal)
        change()
        self.counts[state] -= 1
        self.counts[trial.state] = self.counts.get(trial.state, 0) + 1
        now = _place(trial, self.goal)
        if trial is self._best and now > place:
            self._stale = True
        elif self._best is None or now < _place(self._best, self.goal):
            self._best = trial


def load_run(run_dir: Path | str) -> RunRecord:
    """Read a run directory; raises UserError where it holds no run or a damaged one."""
    state = RunState()
    for event in iterate_journal(run_dir):
        state.apply(event)
    if not state.run:
        raise UserError(
            f"{Path(run_dir) / JOURNAL} is empty: its run ended before it began, or begins just now"
        )
    return state.record(run_dir)
