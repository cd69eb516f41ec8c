"""A run → one table with a row a trial: named columns, each of one kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hpo.record.flat import ABSENT, dotted, flatten, lookup, parameter_paths
from hpo.record.flat import Path as Keys
from hpo.record.metrics import read_rows
from hpo.record.trial import TrialRecord
from hpo.record.trials import RunRecord

Kind = Literal["time", "text", "whole", "number", "flag", "json"]
"""What a column's values are; `json` where they are lists, mappings or of several kinds."""
MOST_METRICS = 1000
"""So many metrics have a column: a script may make new names for ever."""
LARGEST = 2**63 - 1
"""Whole numbers beyond do not fit into 64 bits."""
FACTS: tuple[tuple[str, Kind, Callable[[TrialRecord], Any]], ...] = (
    ("trial", "whole", lambda trial: trial.number),
    ("state", "text", lambda trial: trial.state),
    ("value", "number", lambda trial: trial.value),
    ("last", "number", lambda trial: trial.last),
    ("iterations", "whole", lambda trial: trial.iterations),
    ("attempts", "whole", lambda trial: trial.attempts),
    ("started", "time", lambda trial: trial.started),
    ("ended", "time", lambda trial: trial.ended),
    ("seconds", "number", lambda trial: trial.seconds),
    ("node", "text", lambda trial: trial.node),
    ("reason", "text", lambda trial: trial.reason),
    ("kind", "text", lambda trial: trial.kind),
)
"""The columns that every run has: name, kind, where a trial has it. Times are unix seconds."""


@dataclass(frozen=True)
class Column:
    """One column: a value for each trial, `ABSENT` where it has none."""

    name: str
    kind: Kind
    values: list[Any]


def columns(record: RunRecord, metrics: bool = True) -> list[Column]:
    """All columns of a run: what is known of each trial, `values.NAME`, `config.NAME` and `metrics.NAME`.

    `values` has each objective where there are several, `metrics` the last value of all that was logged,
    for which each trial's rows are read.
    """
    trials = record.trials
    found = [Column(name, kind, [_or_absent(get(t)) for t in trials]) for name, kind, get in FACTS]
    if any(trial.generations for trial in trials):
        found += _population(trials)
    for name in record.goals:
        values = [_or_absent(trial.values.get(name)) for trial in trials]
        found.append(Column(f"values.{name}", "number", values))
    configs = [trial.config for trial in trials]
    paths = parameter_paths(record.sweep, configs)
    for path, name in zip(paths, dotted(paths), strict=True):
        found.append(_judged(f"config.{name}", [lookup(config, path) for config in configs]))
    return found + (_metrics(record) if metrics else [])


def _population(trials: Sequence[TrialRecord]) -> list[Column]:
    """How often each trial was changed, and whose state it took over last."""
    last = [trial.generations[-1].donor if trial.generations else None for trial in trials]
    return [
        Column("generations", "whole", [max(1, len(trial.generations)) for trial in trials]),
        Column("parent", "whole", [_or_absent(donor) for donor in last]),
    ]


def _metrics(record: RunRecord) -> list[Column]:
    rows = [last_values(record, trial.number) for trial in record.trials]
    paths = list(dict.fromkeys(path for row in rows for path in row))
    first = [path for path in paths if ".".join(path) in (record.goals or (record.metric,))]
    paths = list(dict.fromkeys([*first, *paths]))[:MOST_METRICS]
    return [
        _judged(f"metrics.{name}", [row.get(path, ABSENT) for row in rows])
        for path, name in zip(paths, dotted(paths), strict=True)
    ]


def last_values(record: RunRecord, number: int) -> dict[Keys, Any]:
    """The last value of each metric that a trial has logged; W&B's own names with `_` are left out."""
    last: dict[Keys, Any] = {}
    flat: dict[str, Any] = {}
    for row in read_rows(record.directory, number):
        for key, value in row.items():
            if not isinstance(value, dict):
                flat[key] = value
            elif not key.startswith("_"):
                last.update(flatten({key: value}))
    return {(key,): value for key, value in flat.items() if not key.startswith("_")} | last


def _or_absent(value: Any) -> Any:
    return ABSENT if value is None or value == "" else value


def _judged(name: str, values: list[Any]) -> Column:
    return Column(name, kind_of(values), values)


def kind_of(values: Sequence[Any]) -> Kind:
    """The kind that all these values have; None and what is absent fit every one."""
    types = {type(value) for value in values if value is not None and value is not ABSENT}
    if not types:
        return "json"
    if types == {str}:
        return "text"
    if types == {bool}:
        return "flag"
    if types <= {int, float}:
        small = all(abs(value) <= LARGEST for value in values if type(value) is int)
        return "json" if not small else "number" if float in types else "whole"
    return "json"


def as_json(value: Any) -> str:
    """A value as JSON text."""
    return json.dumps(value, ensure_ascii=False, default=str)
