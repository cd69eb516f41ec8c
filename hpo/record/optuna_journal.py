"""A run → a study in an Optuna journal file, which optuna, its plots and optuna-dashboard open."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend, JournalFileOpenLock
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from hpo.errors import UserError
from hpo.record.export import utc
from hpo.record.flat import ABSENT, lookup
from hpo.record.metrics import read_rows
from hpo.record.objective import objective_of
from hpo.record.optuna_space import Shown, shown
from hpo.record.trial import TrialRecord
from hpo.record.trials import RunRecord
from hpo.record.written import whole_file

MOST_STEPS = 1000
"""Intermediate values of one trial; of more there is every second one, or third, and so on."""
STATES = {
    "finished": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "running": TrialState.RUNNING,
    "paused": TrialState.RUNNING,
}
"""Ours → Optuna's; all others are failures."""


class Memory(BaseJournalBackend):
    """Keeps the operations of a journal, so that they go to disk at once and not one by one."""

    def __init__(self) -> None:
        self.logs: list[dict[str, Any]] = []

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        """Those from this number on."""
        return self.logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Some more."""
        self.logs += logs


def optuna_file(record: RunRecord, path: Path, *, replace: bool = False) -> None:
    """Write the study, named after the run's directory; trial number n is Optuna's n - 1.

    Raises UserError where the sweep names no metric, the file is there already or cannot be written.
    """
    if record.metric is None:
        what = (
            f"the sweep of {record.directory} names no metric, without which Optuna knows no finished trial"
        )
        raise UserError(f"{what}; export --csv")
    with whole_file(path, replace=replace) as part:
        logs = _operations(record)
        backend = JournalFileBackend(str(part), JournalFileOpenLock(str(part)))
        backend.append_logs(logs)


def _operations(record: RunRecord) -> list[dict[str, Any]]:
    goals = dict(record.goals) or {str(record.metric): record.goal}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    memory = Memory()
    parameters, constants = shown(record)
    name = record.directory.resolve().name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names of metrics are experimental
        study = optuna.create_study(
            storage=JournalStorage(memory),
            study_name=name,
            directions=[StudyDirection[goal.upper()] for goal in goals.values()],
        )
        study.set_metric_names(list(goals))
        for key, value in _about(record, constants).items():
            study.set_user_attr(key, value)
        for trial in record.trials:
            study.add_trial(_frozen(record, trial, parameters, list(goals)))
    return memory.logs


def _about(record: RunRecord, constants: Mapping[str, Any]) -> dict[str, Any]:
    told = {"method": record.method, "seed": record.seed, "state": record.state, "constants": dict(constants)}
    return {key: value for key, value in told.items() if value not in (None, {})}


def _frozen(
    record: RunRecord, trial: TrialRecord, parameters: Sequence[Shown], objectives: Sequence[str]
) -> FrozenTrial:
    values = _values(trial, objectives)
    state = _state(trial, values, several=len(objectives) > 1)
    there = [(one, value) for one in parameters if (value := lookup(trial.config, one.path)) is not ABSENT]
    made = create_trial(
        state=state,
        values=values if state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        params={one.name: one.value(value) for one, value in there},
        distributions={one.name: one.distribution for one, _ in there},
        user_attrs=_attributes(trial),
        intermediate_values={} if len(objectives) > 1 else steps(record, trial),
    )
    newest = trial.results[-1][2] if trial.results else None
    made.datetime_start = _local(trial.started, trial.ended, record.started)
    if state.is_finished():
        made.datetime_complete = max(made.datetime_start, _local(trial.ended, newest, trial.started))
    return made


def _state(trial: TrialRecord, values: list[float] | None, *, several: bool) -> TrialState:
    """Optuna prunes with one objective only: of several, a stopped trial that has them all counts."""
    state = STATES.get(trial.state, TrialState.FAIL)
    if state is TrialState.PRUNED and several:
        state = TrialState.COMPLETE
    return TrialState.FAIL if state is TrialState.COMPLETE and values is None else state


def _values(trial: TrialRecord, objectives: Sequence[str]) -> list[float] | None:
    """What ranks the trial; None where it is not there in whole."""
    several = len(objectives) > 1
    found = [trial.values.get(name) for name in objectives] if several else [trial.value]
    numbers = [value for value in found if value is not None and math.isfinite(value)]
    return numbers if len(numbers) == len(found) else None


def steps(record: RunRecord, trial: TrialRecord) -> dict[int, float]:
    """Iteration → value of the objective, from the trial's rows; thinned out where there are very many."""
    objective = objective_of(record)
    found: dict[int, float] = {}
    for row in read_rows(record.directory, trial.number):
        if (value := objective.add_row(row)) is not None:
            found[objective.iterations] = value
    every = -(-len(found) // MOST_STEPS)
    return {step: x for step, x in found.items() if step % every == 0 or step in (1, objective.iterations)}


def _attributes(trial: TrialRecord) -> dict[str, Any]:
    """What Optuna has no place for."""
    told = {
        "trial": trial.number,
        "state": trial.state,
        "reason": trial.reason,
        "kind": trial.kind,
        "node": trial.node,
        "attempts": trial.attempts,
        "iterations": trial.iterations,
        "seconds": trial.seconds,
        "best": trial.value,
        "last": trial.last,
    }
    kept = {key: value for key, value in told.items() if value not in ("", None)}
    if trial.generations:
        kept["parent"] = trial.generations[-1].donor
        kept["generations"] = [vars(one) for one in trial.generations]
    return kept


def _local(*times: float | None) -> datetime:
    """The first of these that is a time, as Optuna has it: this machine's, without a zone."""
    moment = next(filter(None, map(utc, (*times, 0.0))))
    return moment.astimezone().replace(tzinfo=None)
