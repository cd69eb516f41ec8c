"""A recorded run → what counts its trials' iterations, as they were counted when it ran."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.record.trials import RunRecord
from hpo.sweepfile.early import RULES
from hpo.trial.objective import Objective
from hpo.trial.spec import Goal


def nan_counts(sweep: Mapping[str, Any]) -> bool:
    """Whether a row whose objective is NaN is an iteration for a recorded sweep's early_terminate."""
    rule = sweep.get("early_terminate")
    kind = RULES.get(str(rule.get("type"))) if isinstance(rule, Mapping) else None
    return bool(rule) and (kind is None or kind.nan_counts)


def objective_of(record: RunRecord) -> Objective:
    """The objective of one trial, at its beginning."""
    goal: Goal = "maximize" if record.goal == "maximize" else "minimize"
    return Objective(record.metric or "", goal, nan_counts=nan_counts(record.sweep))
