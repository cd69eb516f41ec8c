"""The rows that a script logs → the objective: iterations, best, last, and what was logged instead."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hpo.trial.spec import Goal

NAMES = 200
"""So many metric names are kept; a script that makes new ones for ever must not fill the memory."""
_ABSENT = object()


class Running:
    """Aggregates of a metric over its finite values so far."""

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.low = self.high = self.first = self.last = math.nan

    def add(self, value: float) -> None:
        """Take in the next value."""
        if not self.count:
            self.low = self.high = self.first = value
        self.count += 1
        self.total += value
        self.low, self.high, self.last = min(self.low, value), max(self.high, value), value


AGGREGATES: dict[str, Callable[[Running], float]] = {
    "min": lambda r: r.low,
    "max": lambda r: r.high,
    "mean": lambda r: r.total / r.count,
    "first": lambda r: r.first,
    "last": lambda r: r.last,
}
"""Last part of a metric's name (`val_loss.min`) → aggregate over the history of the rest."""


class Objective:
    """One trial's objective, fed row by row.

    An iteration is a row that carries it as a finite number (W&B's rule), or also as NaN or an infinity where
    `nan_counts`. It is looked up under its exact name, else by its dots in nested rows, else as an aggregate
    of a logged metric.
    """

    def __init__(
        self, name: str, goal: Goal, *, nan_counts: bool = False, beside: Sequence[str] = ()
    ) -> None:
        """`beside` names further objectives: their last values are kept, all else goes by the first."""
        self.name, self.goal, self._nan_counts = name, goal, nan_counts
        self.iterations = self.rows = 0
        self.best: float | None = None
        self.last: float | None = None
        self._total, self._finites = 0.0, 0
        self.had_nan = False
        self.odd_type = ""
        """Type of a logged objective that was no number at all."""
        self._names: dict[str, None] = {}
        self._flat: set[str] = set()
        stem, _, end = name.rpartition(".")
        self._stem = stem if end in AGGREGATES else ""
        self._aggregate = AGGREGATES.get(end)
        self._running = Running()
        self.beside = [Objective(one, goal) for one in beside]

    @property
    def values(self) -> dict[str, float | None]:
        """The last value of each objective where there are several, else nothing."""
        return {one.name: one.last for one in (self, *self.beside)} if self.beside else {}

    @property
    def logged(self) -> list[str]:
        """Names of the metrics seen so far, in order of appearance."""
        return list(self._names)

    def add_row(self, row: Mapping[str, Any]) -> float | None:
        """Take in a row; the objective's value, or NaN, where the row is an iteration."""
        self.rows += 1
        self._note(row)
        for one in self.beside:
            one.add_row(row)
        had_nan, self.had_nan = self.had_nan, False
        value = self._finite(find(row, self.name)) if self.name else None
        if value is None and self._stem and self._aggregate:
            part = self._finite(find(row, self._stem))
            if part is not None:
                self._running.add(part)
                value = self._aggregate(self._running)
        if value is not None:
            self._total, self._finites = self._total + value, self._finites + 1
            self._keep(value)
        elif self.had_nan and self._nan_counts:
            value = math.nan
        self.had_nan |= had_nan
        self.iterations += value is not None
        return value

    def add_summary(self, values: Mapping[str, Any]) -> float | None:
        """Take in values set on the summary: they count for best and last but are no iteration."""
        self._note(values)
        for one in self.beside:
            one.add_summary(values)
        value = self._finite(find(values, self.name)) if self.name else None
        if value is not None:
            self._keep(value)
        return value

    @property
    def mean(self) -> float | None:
        """Mean of its finite values over the rows so far."""
        return self._total / self._finites if self._finites else None

    def reaches(self, target: float) -> bool:
        """Whether the best value is as good as `target`."""
        if self.best is None:
            return False
        return self.best <= target if self.goal == "minimize" else self.best >= target

    def _keep(self, value: float) -> None:
        better = min if self.goal == "minimize" else max
        self.best = value if self.best is None else better(self.best, value)
        self.last = value

    def _finite(self, value: Any) -> float | None:
        if value is _ABSENT:
            return None
        if value in ("NaN", "Infinity", "-Infinity"):  # how JSON writers that are strict spell them
            self.had_nan = True
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            self.odd_type = type(value).__name__
        else:
            number = _as_float(value)
            if math.isfinite(number):
                return number
            self.had_nan = True
        return None

    def _note(self, row: Mapping[str, Any]) -> None:
        for key, value in row.items():
            if key in self._flat and not isinstance(value, Mapping):
                continue
            self._flat.add(key) if len(self._flat) < NAMES else None
            for name in _leaves(key, value):
                if len(self._names) < NAMES and not name.startswith("_"):
                    self._names[name] = None


def find(row: Mapping[str, Any], name: str) -> Any:
    """The value under exactly this name, else along its dots; an own mark where there is none."""
    if name in row:
        return row[name]
    at = name.find(".")
    while at >= 0:
        inner = row.get(name[:at])
        if isinstance(inner, Mapping):
            found = find(inner, name[at + 1 :])
            if found is not _ABSENT:
                return found
        at = name.find(".", at + 1)
    return _ABSENT


def _leaves(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}", inner)
    else:
        yield name


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond all floats
        return math.inf
