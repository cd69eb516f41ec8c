"""A stretch of a trial's training under one configuration → a session inside the trial's directory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from hpo.record.events import EventFile
from hpo.record.hparams import Metric, Value, session_end, session_start
from hpo.record.trial import Generation

BEST, LAST, GAIN = "segment/best", "segment/last", "segment/gain"
COUNTED = ("segment/iterations", "segment/seconds", "segment/from", "segment/to", "segment/alive")


def segment_metrics(metric: str, goal: str) -> list[Metric]:
    """The columns of results of a population's sessions, but for what scripts log besides."""
    return [
        Metric(BEST, f"best {metric} ({goal[:3]})"),
        Metric(LAST, f"last {metric}"),
        *(Metric(tag, tag.partition("/")[2]) for tag in COUNTED[:2]),
        Metric(GAIN, "gain"),
        *(Metric(tag, tag.partition("/")[2]) for tag in COUNTED[2:]),
    ]


class Segment:
    """Adds up a stretch's rows; `write` tells how it stands, and at its end that it is over."""

    def __init__(
        self,
        directory: Path,
        metric: str,
        generation: Generation,
        values: Mapping[str, Value],
        began: float,
        before: float | None,
    ) -> None:
        """`before` is what the state that it began with was worth; None: its first row tells."""
        self.directory, self.metric, self.generation = directory, metric, generation
        self.values, self.began, self.before = values, began, before
        self.sign = -1
        """Whether more is better: 1 or -1."""
        self.hparams: dict[str, float] = {}
        """The numbers that a population changes, by their scalars' names."""
        self.until: float | None = None
        """When the next one began; None while it is the last."""
        self._file: EventFile | None = None
        self._over = False
        self._written: dict[str, float] = {}
        self.forget()

    def forget(self) -> None:
        """All rows come once more."""
        self._first: float | None = None
        self._best: float | None = None
        self._last: float | None = None
        self._others: dict[str, float] = {}
        self._to, self._step, self._when = self.generation.iteration, 0, self.began

    def add(self, found: Mapping[str, float], iteration: int, step: int, when: float) -> None:
        """A row of this stretch, its numbers, and how many iterations the trial has made by then."""
        self._to, self._step, self._when = iteration, step, when
        self._others |= {k: v for k, v in found.items() if k != self.metric and not k.startswith("segment/")}
        value = found.get(self.metric)
        if value is None or not math.isfinite(value):
            return
        self._first = value if self._first is None else self._first
        self._last = value
        better = max if self.sign > 0 else min
        self._best = value if self._best is None else better(self._best, value)

    def write(self, *, alive: bool, failed: bool, ended: float | None) -> None:
        """What has changed, and its end where there is one. Raises OSError."""
        if self._over:
            return
        if self._file is None:
            self._file = EventFile(self.directory, self.began)
            self._file.summary(0, self.began, [session_start(self.values, self.began)])
        values = self._figures(alive=alive)
        news = {tag: value for tag, value in values.items() if self._written.get(tag) != value}
        self._written |= news
        self._file.scalars(self._step, self._when, news)
        if ended is not None:
            self._file.summary(self._step, ended, [session_end(failed, ended)])
            self._over = True
        self._file.flush()
        if self._over:
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _figures(self, *, alive: bool) -> dict[str, float]:
        start = self.generation.iteration
        seconds = max(0.0, self._when - self.began)
        counted = (self._to - start, seconds, start, self._to, float(alive))
        values = dict(zip(COUNTED, map(float, counted), strict=True))
        if self._best is not None and self._last is not None and self._first is not None:
            before = self._first if self.before is None else self.before
            values |= {BEST: self._best, LAST: self._last, GAIN: self.sign * (self._last - before)}
        return {f"segment/{name}": value for name, value in self._others.items()} | values
