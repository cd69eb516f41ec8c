"""What a run is and how far it came, in a few words; and how to train its best trials again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from hpo.errors import UserError, visible
from hpo.record.front import front
from hpo.record.observed import DIED
from hpo.record.trials import TrialRecord, rank
from hpo.review.cells import duration, metric_text
from hpo.review.report.facts import Facts
from hpo.review.reproduce import config_yaml, shell_line
from hpo.review.states import counts_text

RECIPES = 12
"""Trials of a Pareto front whose recipes are given."""


def summary(facts: Facts) -> dict[str, Any]:
    """Name, state, a few figures, notes."""
    record = facts.record
    return {
        "name": str(record.sweep.get("name") or record.directory.absolute().name),
        "directory": str(record.directory.absolute()),
        "description": str(record.sweep.get("description") or ""),
        "state": record.state,
        "figures": [[label, text, note] for label, text, note in _figures(facts)],
        "facts": [[label, text] for label, text in _details(facts) if text],
        "notes": list(_notes(facts)),
    }


def recipes(facts: Facts) -> list[dict[str, Any]] | str:
    """The best trial, or the front where there are several objectives."""
    if facts.record.metric is None:
        return "the sweep names no metric, so no trial is better than another"
    best = rank(facts.sound, facts.record.goal)
    chosen = front(facts.record)[:RECIPES] if facts.record.goals else best[:1]
    if not chosen:
        return "no trial has a value yet"
    return [_recipe(facts, trial) for trial in chosen]


def _recipe(facts: Facts, trial: TrialRecord) -> dict[str, Any]:
    record = facts.record
    told = {"trial": trial.number, "yaml": config_yaml(record, trial), "cwd": record.cwd}
    try:
        told["command"] = shell_line(record, trial)
    except (UserError, ValueError):
        told["no_command"] = "A Python function or a class was trained: there is no command line."
    if trial.generations:
        told["schedule"] = f"hpo schedule {record.directory.absolute()}"
    return told


def _figures(facts: Facts) -> Iterator[tuple[str, str, str]]:
    record = facts.record
    best = rank(facts.sound, record.goal)
    if record.goals:
        yield "Pareto front", f"{len(front(record)):,}", "trials that no other one beats in all objectives"
    elif record.metric is not None:
        text = metric_text(best[0].value) if best else "-"
        note = f"trial {best[0].number}, {best[0].state}" if best else "no trial has a value"
        yield f"best {record.metric}", text, note
    states = counts_text(record.states).plain.partition(": ")[2]
    yield "trials", f"{len(record.trials):,}", states
    budget = facts.sweep.hpo.time_budget if facts.sweep else None
    asked = "" if budget is None else f" of {duration(budget)}"
    yield "wall clock", duration(facts.clock.whole) + asked, _sessions(facts)
    busy = sum(one.end - one.begin for one in facts.intervals)
    each, unit = (facts.gpus, "GPU") if facts.gpus else (facts.cpus, "CPU")
    share = busy / (facts.clock.whole * len(facts.lanes)) if facts.lanes and facts.clock.whole else 0.0
    slots = f"{len(facts.lanes):,} slot{'' if len(facts.lanes) == 1 else 's'}, {share:.0%} busy"
    yield f"{unit} time", _hours(busy * each), slots if facts.lanes else ""


def _sessions(facts: Facts) -> str:
    began = facts.record.started
    if began is None:
        return ""
    count = len(facts.clock.sessions)
    resumed = f", in {count} parts" if count > 1 else ""
    return f"since {time.strftime('%Y-%m-%d %H:%M', time.localtime(began))}{resumed}"


def _hours(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 3600 else f"{seconds / 3600:,.4g} h"


def _details(facts: Facts) -> Iterator[tuple[str, str]]:
    record = facts.record
    if record.goals:
        yield "objectives", ", ".join(f"{goal} {name}" for name, goal in record.goals.items())
    elif record.metric is not None:
        target = "" if record.target is None else f", target {record.target:g}"
        yield "objective", f"{record.goal} {record.metric}{target}"
    yield "search", record.method
    rule = record.sweep.get("early_terminate")
    if isinstance(rule, dict):
        more = ", ".join(f"{key} {value}" for key, value in rule.items() if key != "type")
        yield "early stopping", f"{rule.get('type')}" + (f" ({more})" if more else "")
    yield "seed", "" if record.seed is None else str(record.seed)
    yield "trials asked for", "" if record.count is None else f"{record.count:,}"
    gpus = f", {facts.gpus:g} GPU" if facts.gpus else ""
    yield "a trial has", f"{facts.cpus:g} CPU{gpus}"
    yield "program", str(record.sweep.get("program") or "")
    yield "started in", record.cwd
    yield "run directory", str(record.directory.absolute())
    yield "as of", time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(facts.seen))


def _notes(facts: Facts) -> Iterator[str]:
    record = facts.record
    if record.state == "running":
        yield "The run goes on: this is how it stood when the page was made."
    elif record.state == DIED:
        yield f"The run was cut off: its driver died. hpo resume {record.directory} goes on with it."
    elif record.reason:
        yield visible(record.reason.splitlines()[0])
    if facts.sweep is None:
        yield "The recorded sweep could not be read in full: scales and rungs may be missing."
    for node in record.set_aside:
        yield visible(f"node {node.node} was set aside: {node}")
