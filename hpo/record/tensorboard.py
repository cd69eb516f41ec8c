"""One trial: its record and its rows → its directory of TensorBoard's, live or afterwards by the same code.

`sync` brings what is written in line with what is known; called again, it goes on. What a directory says
first of a session, TensorBoard keeps: so its end is written only when it is one for good.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpo.record.events import PREFIX, EventFile, numbers
from hpo.record.flat import flatten
from hpo.record.hparams import Columns, Value, session_end, session_start
from hpo.record.metrics import trial_directory
from hpo.record.segment import Segment
from hpo.record.tail import Tail
from hpo.record.trial import Generation, TrialState
from hpo.trial.files import METRICS
from hpo.trial.media import MEDIA, name_of
from hpo.trial.objective import Objective
from hpo.trial.rows import RESUME_ITERATION
from hpo.trial.spec import Goal

ENDED = {"finished": 1, "stopped": 2, "failed": 3}
DIVERGED, WAITING = 4, 5
"""What `hpo/state` shows; 0 is a trial that runs."""
Values = dict[str, float]


@dataclass
class Layout:
    """What all trials of a run share: where they are written, and what counts."""

    root: Path
    """TensorBoard's log directory."""
    run_dir: Path
    columns: Columns
    metric: str = ""
    maximize: bool = False
    beside: tuple[str, ...] = ()
    nan_counts: bool = False
    mutated: tuple[str, ...] | None = None
    """What a population changes, by dotted names; None: there is no population."""
    seen: dict[str, None] = field(default_factory=dict)
    """Names of all numbers that trials have logged."""

    def objective(self) -> Objective:
        """A trial's, at its beginning."""
        goal: Goal = "maximize" if self.maximize else "minimize"
        return Objective(self.metric, goal, nan_counts=self.nan_counts, beside=self.beside)

    @property
    def best(self) -> str:
        """The scalar that holds a trial's best value."""
        return f"best/{self.metric}"


def ended_for_good(trial: TrialState) -> bool:
    """Whether a trial has an end that nothing undoes but the user."""
    return trial.state in ENDED


class TrialLog:
    """The directory of one trial; `trial` is always the state of the same one."""

    def __init__(self, layout: Layout, number: int) -> None:
        self.layout, self.number = layout, number
        self.directory = layout.root / name_of(number)
        self.file: EventFile | None = None
        self._tail = Tail(trial_directory(layout.run_dir, number) / METRICS)
        self._objective = layout.objective()
        self._segments: list[Segment] = []
        self._written: Values = {}
        """Newest value of each scalar that is written only when it changes."""
        self._rows = self._step = self._nans = 0
        self._when = 0.0

    def sync(self, trial: TrialState, donors: Mapping[int, TrialState], *, over: bool) -> None:
        """Write what is new; with `over`, its end, after which nothing comes. Raises OSError."""
        began = trial.started or 0.0
        if self.file is None:
            self.file = EventFile(self.directory, began)
            if self.layout.mutated is None:
                start = session_start(self.layout.columns.values(trial.config), began)
                self.file.summary(0, began, [start])
            self._when = began
            self._changed(0, began, {"hpo/iterations": 0, "hpo/seconds": 0, "hpo/state": 0})
        self._open_segments(trial, donors)
        self._drain(trial, began)
        end: Values = self._end(trial) if over else {"hpo/state": _state(trial)}
        self._changed(self._step, max(self._when, trial.ended or 0.0), end)
        for segment in self._segments:
            last = segment is self._segments[-1]
            ended = (trial.ended if over else None) if last else segment.until
            segment.write(alive=last, failed=last and trial.state == "failed", ended=ended)
        if over and self.layout.mutated is None:
            ended_at = trial.ended or self._when
            self.file.summary(self._step, ended_at, [session_end(trial.state == "failed", ended_at)])
        self.file.flush()
        if over:
            self.close()

    def close(self) -> None:
        """Let go of the files, which end where they are."""
        for segment in self._segments:
            segment.close()
        if self.file is not None:
            self.file.close()

    def _open_segments(self, trial: TrialState, donors: Mapping[int, TrialState]) -> None:
        """In a population a session is a stretch of a trial under one configuration."""
        if self.layout.mutated is None:
            return
        for index, one in enumerate(trial.generations or [Generation(0, None, 0, trial.config)]):
            if index < len(self._segments):
                continue
            began = trial.started if one.time is None else one.time
            values = self._columns_of(one.config, index, one.donor)
            before = _value_at(donors.get(one.donor or 0), one.donor_iteration)
            directory = self.directory / f"g{index + 1:02d}"
            segment = Segment(directory, self.layout.metric, one, values, began or 0.0, before)
            segment.sign = 1 if self.layout.maximize else -1
            segment.hparams = mutated_values(one.config, self.layout.mutated)
            if self._segments:
                self._segments[-1].until = began
            self._segments.append(segment)

    def _columns_of(self, config: Mapping[str, Any], index: int, donor: int | None) -> dict[str, Value]:
        place: dict[str, Value] = {"trial": self.number, "generation": index + 1, "parent": donor or 0}
        return self.layout.columns.values(config) | place

    def _drain(self, trial: TrialState, began: float) -> None:
        again, rows = self._tail.news(
            trial.attempts, lambda row: _resume_iteration(row) <= trial.resume_iteration
        )
        if again:
            self._objective, self._rows, self._nans = self.layout.objective(), 0, 0
            for segment in self._segments:
                segment.forget()
        fresh = False
        for row, new in rows:
            found = self._take(row)
            if current := self._segment(_resume_iteration(row)):
                current.add(found, self._count, self._step, self._when)
                found |= current.hparams
            if new:
                fresh = True
                assert self.file is not None
                self.file.scalars(self._step, self._when, found | self._news(found))
        if fresh:
            seconds = max(0.0, self._when - began)
            now: Values = {"hpo/iterations": self._count, "hpo/seconds": seconds}
            self._changed(self._step, self._when, now)

    def _take(self, row: Mapping[str, Any]) -> Values:
        """Count a row: all its numbers, and the objective where it is an aggregate of one of them."""
        layout, found = self.layout, numbers(row)
        self.layout.seen.update(dict.fromkeys(found))
        value = self._objective.add_row(row)
        self._nans += sum(not math.isfinite(one) for one in found.values())
        if value is not None and layout.metric not in found:
            found[layout.metric] = value
        step, when = row.get("_step"), row.get("_time")
        self._step = step if isinstance(step, int) else self._rows
        self._when = float(when) if isinstance(when, (int, float)) else self._when
        self._rows += 1
        return found

    def _news(self, found: Values) -> Values:
        """What a row changes besides."""
        best, news = self._objective.best, Values()
        if best is not None and self._written.get(self.layout.best) != best:
            news[self.layout.best] = self._written[self.layout.best] = best
        if self._nans and self._written.get("hpo/nan") != self._nans:
            news["hpo/nan"] = self._written["hpo/nan"] = self._nans
        return news

    @property
    def _count(self) -> int:
        return self._objective.iterations if self.layout.metric else self._rows

    def _segment(self, resume_iteration: int) -> Segment | None:
        """The segment of rows that were made after resuming from this iteration; 0: from scratch."""
        begun = [one for one in self._segments if one.generation.iteration <= resume_iteration]
        return begun[-1] if begun else None

    def _end(self, trial: TrialState) -> Values:
        """What the record knows better than the rows: summaries count, and lost attempts do."""
        end: Values = {"hpo/state": _state(trial)}
        if self.layout.metric:
            end["hpo/iterations"] = trial.iterations
        if trial.seconds is not None:
            end["hpo/seconds"] = trial.seconds
        if trial.value is not None:
            end[self.layout.best] = trial.value
        last = {self.layout.metric: trial.last, **trial.values}
        known = {self.layout.metric: self._objective.last}
        known |= {one.name: one.last for one in self._objective.beside}
        return end | {k: v for k, v in last.items() if k and v is not None and v != known.get(k)}

    def _changed(self, step: int, when: float, values: Values) -> None:
        """Write those that are not what was written of them last."""
        news = {tag: value for tag, value in values.items() if self._written.get(tag) != value}
        self._written |= news
        if news and self.file is not None:
            self.file.scalars(step, when, news)


def _resume_iteration(row: Mapping[str, Any]) -> int:
    """The iteration that the trial had resumed from when it made a row; 0: it had started from scratch."""
    after = row.get(RESUME_ITERATION, 0)
    return after if isinstance(after, int) else 0


def _value_at(donor: TrialState | None, iteration: int) -> float | None:
    """What a donor was worth at the checkpoint that was taken over."""
    return next((value for at, value, _ in donor.results if at == iteration), None) if donor else None


def discard(directory: Path) -> None:
    """Remove a session that is told anew; what a trial's own process writes stays."""
    with suppress(OSError):
        for path in list(directory.iterdir()):
            if path.name.startswith(PREFIX):
                path.unlink()
            elif path.name != MEDIA:
                shutil.rmtree(path, ignore_errors=True)


def mutated_values(config: Mapping[str, Any], names: tuple[str, ...]) -> Values:
    """The numbers among the parameters that a population changes."""
    values = {".".join(path): value for path, value in flatten(config)}
    found = {name: values.get(name) for name in names}
    return {
        f"hparam/{name}": float(value)
        for name, value in found.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def _state(trial: TrialState) -> int:
    if trial.state == "failed" and trial.kind == "nan":
        return DIVERGED
    return 0 if trial.state == "running" else ENDED.get(trial.state, WAITING)
