"""A run whose configurations changed → the schedule of each hyperparameter that led to the best value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from hpo.errors import UserError, visible
from hpo.record.flat import Path, flatten, lookup
from hpo.record.lineage import Stretch, lineage
from hpo.record.trials import RunRecord, TrialRecord, has_value, rank


@dataclass(frozen=True)
class Schedule:
    """What to train with: a configuration, and which values change after which iteration."""

    winner: TrialRecord
    iterations: int
    config: dict[str, Any]
    """The first one, whole."""
    values: dict[str, dict[int, Any]]
    """Name → iterations that were done when a value began → the value."""
    stretches: tuple[Stretch, ...]


def schedule_of(record: RunRecord) -> Schedule:
    """That of the best trial; raises UserError where no trial has a value."""
    ranked = rank(record.trials, record.goal)
    if record.metric is None or not ranked or not has_value(ranked[0]):
        raise UserError(f"no trial of {record.directory} has a value, so there is no best schedule")
    stretches = lineage({t.number: t for t in record.trials}, ranked[0])
    values = {name: _changes(stretches, name) for name in _names(record, stretches)}
    return Schedule(ranked[0], stretches[-1].end, stretches[0].config, values, tuple(stretches))


def as_yaml(record: RunRecord, found: Schedule) -> str:
    """The schedule as `hpo run --replay` reads it, under comments that say where it is from."""
    winner = found.winner
    way = ", ".join(f"trial {one.trial} to {one.end}" for one in found.stretches)
    head = [
        f"# {visible(str(record.directory.absolute()))}",
        f"# trial {winner.number}: {visible(record.metric or '')} {winner.value!r} ({record.goal})",
        f"# trained by {way}",
    ]
    body = {
        "metric": record.metric,
        "iterations": found.iterations,
        "config": found.config,
        "schedule": found.values,
    }
    text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True)
    return "\n".join([*head, text])


def _names(record: RunRecord, stretches: list[Stretch]) -> list[str]:
    """The mutated hyperparameters; where the sweep names none, those that changed."""
    rule = record.sweep.get("early_terminate")
    named = list(rule.get("mutate") or ()) if isinstance(rule, Mapping) else []
    config = stretches[0].config
    if named:
        return [name for name in map(str, named) if path_of(config, name) is not None]
    return [
        ".".join(path)
        for path, _ in flatten(config)
        if any(lookup(one.config, path) != lookup(config, path) for one in stretches)
    ]


def _changes(stretches: Iterable[Stretch], name: str) -> dict[int, Any]:
    changes: dict[int, Any] = {}
    for one in stretches:
        path = path_of(one.config, name)
        value = lookup(one.config, path) if path else None
        if not changes or value != list(changes.values())[-1]:
            changes[one.begin] = value
    return changes


def path_of(config: Mapping[str, Any], name: str) -> Path | None:
    """The keys that lead to a parameter, whose own names may hold dots; None where it is not there."""
    if name in config:
        return (name,)
    for key, inner in config.items():
        if name.startswith(f"{key}.") and isinstance(inner, Mapping):
            rest = path_of(inner, name[len(key) + 1 :])
            if rest is not None:
                return (key, *rest)
    return None
