"""Run directories → the trials of earlier runs that a search can learn from, and why others do not fit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpo.record.trials import RunRecord, load_run
from hpo.sweepfile.model import Sweep


@dataclass(frozen=True)
class Earlier:
    """A trial of an earlier run: what it ran with, its value, its values by iteration."""

    config: Mapping[str, Any]
    value: float
    steps: Mapping[int, float] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    """Of several objectives, the value of each."""


def earlier_trials(sweep: Sweep, runs: Iterable[Path]) -> tuple[list[Earlier], list[str]]:
    """What fits of the runs in these directories, and what to say of each.

    Raises UserError for a directory that holds no run.
    """
    found: list[Earlier] = []
    notes: list[str] = []
    for directory in runs:
        run = load_run(directory)
        if sweep.metric is None or (run.metric, run.goal) != (sweep.metric.name, sweep.metric.goal):
            notes.append(f"prior {directory}: nothing taken: it was to {run.goal} {run.metric}")
            continue
        if dict(run.goals) != {one.name: one.goal for one in sweep.several}:
            notes.append(f"prior {directory}: nothing taken: it has other objectives")
            continue
        fitting, reasons = _fitting(sweep, run)
        found += fitting
        told = f"prior {directory}: {len(fitting)} trials"
        if reasons:
            told += f"; {sum(reasons.values())} do not fit: {_summary(reasons)}"
        notes.append(told)
    return found, notes


def _summary(reasons: Counter[str]) -> str:
    """The reasons, one a parameter with how many trials it keeps out, the most frequent first."""
    kinds: dict[str, tuple[int, str]] = {}
    for reason, count in reasons.most_common():
        name = reason.partition(":")[0]
        before, shown = kinds.get(name, (0, reason))
        kinds[name] = (before + count, shown)
    first = sorted(kinds.values(), key=lambda kind: -kind[0])[:3]
    return ", ".join(f"{reason} ({count})" for count, reason in first)


def _fitting(sweep: Sweep, run: RunRecord) -> tuple[list[Earlier], Counter[str]]:
    """The ended trials of a run that lie in the space, and how often what was in the way of others."""
    last = sweep.metric is not None and sweep.metric.use == "last"
    fitting: list[Earlier] = []
    reasons: Counter[str] = Counter()
    for trial in run.trials:
        value = trial.last if last else trial.value
        if trial.state not in ("finished", "stopped") or value is None or not math.isfinite(value):
            continue
        if any(one.name not in trial.values for one in sweep.several):
            continue
        try:
            sweep.space.values(trial.config)
        except KeyError as error:
            reasons[f"'{error.args[0]}' is missing"] += 1
        except ValueError as error:
            reasons[str(error)] += 1
        else:
            steps = {step: number for step, number, _ in trial.results} | {trial.iterations: value}
            fitting.append(Earlier(trial.config, value, steps, trial.values))
    return fitting, reasons
