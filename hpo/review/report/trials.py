"""All trials as columns: for the table, the parallel coordinates, the slices and the Pareto front."""

from __future__ import annotations

from typing import Any

from hpo.record.front import front
from hpo.record.trial import STATES
from hpo.review.report.facts import Facts, short, shorts
from hpo.review.report.importance import budgets


def trials(facts: Facts) -> dict[str, Any]:
    """One list a column, in the order of trials; names are listed once."""
    nodes = sorted({trial.node for trial in facts.trials})
    found: dict[str, Any] = {
        "number": [trial.number for trial in facts.trials],
        "state": [STATES.index(trial.state) if trial.state in STATES else 0 for trial in facts.trials],
        "iterations": [trial.iterations for trial in facts.trials],
        "seconds": shorts([_seconds(facts, trial) for trial in facts.trials]),
        "node": [nodes.index(trial.node) for trial in facts.trials],
    }
    if facts.record.metric is not None:
        found["value"] = shorts([trial.value for trial in facts.trials])
        found["last"] = shorts([trial.last for trial in facts.trials])
    objectives = [
        {
            "name": name,
            "goal": goal,
            "values": shorts([trial.values.get(name) for trial in facts.trials]),
        }
        for name, goal in facts.record.goals.items()
    ]
    first = {trial.number for trial in front(facts.record)} if objectives else set()
    return {
        "columns": found,
        "states": list(STATES),
        "nodes": nodes,
        "metric": facts.record.metric,
        "goal": facts.record.goal,
        "parameters": [_parameter(one) for one in facts.parameters],
        "objectives": objectives,
        "front": [k for k, trial in enumerate(facts.trials) if trial.number in first],
    }


def slices(facts: Facts) -> dict[str, Any] | str:
    """Values at equal budget: which trials and what each had."""
    if facts.record.metric is None:
        return "the sweep names no metric"
    if not facts.parameters:
        return "no parameter takes more than one value"
    found = [one for one in budgets(facts) if one.values] if not facts.population else []
    ready = [
        {
            "label": one.label,
            "of": list(one.values),
            "values": [short(facts.sign * value) for value in one.values.values()],
        }
        for one in found
    ]
    known = [(k, trial.value) for k, trial in enumerate(facts.trials) if trial.value is not None]
    if known:
        values = [short(value) for _, value in known]
        ready.append({"label": "best value of each trial", "of": [k for k, _ in known], "values": values})
    return {"budgets": ready} if ready else "no trial has a value yet"


def _seconds(facts: Facts, trial: Any) -> float | None:
    if trial.seconds is not None or trial.started is None:
        return float(trial.seconds) if trial.seconds is not None else None
    return facts.clock.at(facts.seen) - facts.clock.at(trial.started)


def _parameter(one: Any) -> dict[str, Any]:
    values = shorts(one.values)
    if one.labels:
        return {"name": one.name, "labels": list(one.labels), "values": values}
    ends = {"low": short(one.low), "high": short(one.high)}
    return {"name": one.name, "log": one.log, "whole": one.whole, **ends, "values": values}
