"""hpo.load_run: a run directory → pandas frames of its trials and of all that they have logged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.errors import UserError
from hpo.record.columns import Column, columns
from hpo.record.export import utc
from hpo.record.flat import ABSENT
from hpo.record.front import ordered
from hpo.record.logged import logged
from hpo.record.observed import observe
from hpo.record.trials import RunRecord, has_value

if TYPE_CHECKING:
    import pandas

TYPES = {"time": "datetime64[ns, UTC]", "whole": "Int64", "number": "float64", "flag": "boolean"}
"""Kind of a column → pandas' type; the others hold Python's values."""


@dataclass(frozen=True)
class Best:
    """The trial that ranks first."""

    trial: int
    value: float
    config: dict[str, Any]


class RunTables:
    """A run as it stood when it was loaded; `history` is read when it is first asked for.

    `state` is "running", "died" (its driver did not live to end it) or how it ended.
    """

    def __init__(self, record: RunRecord) -> None:
        self.directory, self.state, self.reason = record.directory, record.state, record.reason
        self.metric, self.goal, self.goals = record.metric, record.goal, dict(record.goals)
        self.method, self.seed, self.sweep = record.method, record.seed, record.sweep
        self._record = record

    def __repr__(self) -> str:
        best = f", best {self.best.value:g} of trial {self.best.trial}" if self.best else ""
        return f"<run {self.directory}: {self.state}, {len(self._record.trials)} trials{best}>"

    @property
    def best(self) -> Best | None:
        """The best trial's number, value and configuration; None while none has a value."""
        first = next((trial for trial in ordered(self._record) if has_value(trial)), None)
        if first is None or first.value is None:
            return None
        return Best(first.number, first.value, first.config)

    @cached_property
    def trials(self) -> pandas.DataFrame:
        """One row a trial, with the columns of `hpo export --csv`; lists and mappings as they are."""
        frame = _pandas().DataFrame
        return frame({column.name: _series(column) for column in columns(self._record)})

    @cached_property
    def history(self) -> pandas.DataFrame:
        """One row for each that a trial has logged: trial, iteration, step, time, and metrics by their names.

        `iteration` is empty in rows that do not carry the sweep's metric.
        """
        return logged(self._record)


def load_run(path: str | Path) -> RunTables:
    """A run's results, also while it runs or after it has crashed.

    Raises UserError where there is no run, its journal is damaged, or pandas is missing.
    """
    _pandas()
    return RunTables(observe(path).record)


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise UserError("hpo.load_run makes pandas frames: pip install pandas, or hpo export --csv") from None
    return pandas


def _series(column: Column) -> Any:
    values = column.values
    if column.kind == "time":
        values = [utc(value) for value in values]
    values = [None if value is ABSENT else value for value in values]
    whole = column.kind == "whole" and None not in values
    return _pandas().Series(values, dtype="int64" if whole else TYPES.get(column.kind, "object"))
