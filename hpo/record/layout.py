"""The first event of a run → how its trials are shown in TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hpo.record.hparams import Column, Columns, Metric
from hpo.record.objective import nan_counts
from hpo.record.segment import segment_metrics
from hpo.record.tensorboard import Layout
from hpo.record.trials import RunState

POPULATIONS = ("pbt", "pb2")


def layout_of(root: Path, run_dir: Path, state: RunState) -> Layout:
    """What all trials share, by the sweep and what is known of its objectives."""
    run, metric = state.run, state.metric or ""
    sweep = run.get("sweep") or {}
    goals = [(str(one["name"]), str(one["goal"])) for one in run.get("metrics") or ()]
    mutated = mutated_by(sweep) if metric else None
    if mutated is None:
        metrics = _metrics(metric, state.goal, goals[1:])
    else:
        metrics = segment_metrics(metric, state.goal)
    columns = Columns.of(sweep, metrics)
    if mutated is not None:
        columns = replace(columns, parameters=columns.parameters + _place(run))
    return Layout(
        root=root,
        run_dir=run_dir,
        columns=columns,
        metric=metric,
        maximize=state.goal == "maximize",
        beside=tuple(name for name, _ in goals[1:]),
        nan_counts=nan_counts(sweep),
        mutated=mutated,
    )


def mutated_by(sweep: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The parameters that a sweep's population changes, by dotted names; None where there is none."""
    rule = _rule(sweep)
    return tuple(map(str, rule.get("mutate") or ())) if rule.get("type") in POPULATIONS else None


def _rule(sweep: Mapping[str, Any]) -> Mapping[str, Any]:
    rule = sweep.get("early_terminate")
    return rule if isinstance(rule, Mapping) else {}


def _metrics(metric: str, goal: str, beside: list[tuple[str, str]]) -> list[Metric]:
    """Columns of results, the most important first: the page shows five of them."""
    found = []
    if metric:
        found = [Metric(f"best/{metric}", f"best {metric} ({goal[:3]})"), Metric(metric, f"last {metric}")]
    found += [Metric(name, f"last {name} ({its[:3]})") for name, its in beside]
    count = Metric("hpo/iterations", "iterations" if metric else "rows")
    return [*found, count, Metric("hpo/seconds", "seconds"), Metric("hpo/state", "state")]


def _place(run: Mapping[str, Any]) -> tuple[Column, ...]:
    """Where a session of a population belongs."""
    ends = (1.0, float(run.get("count") or 100))
    return (
        Column(("trial",), "number", interval=ends, absent=0.0),
        Column(("generation",), "number", interval=(1.0, 100.0), absent=0.0),
        Column(("parent",), "number", interval=(0.0, ends[1]), absent=0.0, note="0: none"),
    )
