"""The rows of all trials of a run → one pandas frame; which of them are iterations."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from hpo.record.columns import MOST_METRICS, kind_of
from hpo.record.flat import Path, dotted, flatten
from hpo.record.metrics import read_rows
from hpo.record.objective import objective_of
from hpo.record.trials import RunRecord

if TYPE_CHECKING:
    import pandas

HEAD = ("trial", "iteration", "step", "time")
"""Columns that every history has; a metric of one of these names is called «step (metric)»."""


class Sparse:
    """A column that many rows may have nothing in: the rows that do, and what."""

    def __init__(self) -> None:
        self.rows, self.values = array("q"), list[Any]()

    def add(self, row: int, value: Any) -> None:
        """The value of a row."""
        self.rows.append(row)
        self.values.append(value)

    def series(self, length: int) -> Any:
        """The whole column: numbers where it holds nothing else, NaN where there is none."""
        import numpy
        import pandas

        kind = kind_of(self.values)
        if kind in ("number", "whole") and None not in self.values:
            full = kind == "whole" and len(self.rows) == length
            numbers = numpy.zeros(length, "int64") if full else numpy.full(length, numpy.nan)
        else:
            numbers = numpy.full(length, None, "object")
        for row, value in zip(self.rows, self.values, strict=True):
            numbers[row] = value
        return pandas.Series(numbers)


def logged(record: RunRecord) -> pandas.DataFrame:
    """Trial, iteration, step, time and metrics of each row; those beyond 1,000 names are left out."""
    import pandas

    trials, steps, times, iterations = array("q"), array("q"), list[Any](), Sparse()
    metrics: dict[Path, Sparse] = {}
    for trial in record.trials:
        objective = objective_of(record)
        for row in read_rows(record.directory, trial.number):
            place = len(trials)
            trials.append(trial.number)
            steps.append(row.get("_step", 0))
            times.append(row.get("_time"))
            if objective.add_row(row) is not None:
                iterations.add(place, objective.iterations)
            for path, value in flatten(row):
                if path[0].startswith("_"):
                    continue
                if path not in metrics and len(metrics) < MOST_METRICS:
                    metrics[path] = Sparse()
                if path in metrics:
                    metrics[path].add(place, value)
    length = len(trials)
    names = [name if name not in HEAD else f"{name} (metric)" for name in dotted(list(metrics))]
    columns = {
        "trial": pandas.Series(trials, dtype="int64"),
        "iteration": iterations.series(length).astype("Int64"),
        "step": pandas.Series(steps, dtype="int64"),
        "time": pandas.to_datetime(pandas.Series(times, dtype="float64"), unit="s", utc=True),
    }
    return pandas.DataFrame(
        columns | {n: one.series(length) for n, one in zip(names, metrics.values(), strict=True)}
    )
