"""The journal on disk and the same events as a state that whoever watches can look at."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from hpo.engine.board import Board
from hpo.engine.plan import Plan
from hpo.errors import UserError
from hpo.record.journal import JOURNAL, Journal, begun, read_journal
from hpo.record.shared import FULL, no_room, replace
from hpo.record.trials import RunState

SCHEDULE = "schedule.yaml"
"""The run directory's copy of what is replayed."""


@dataclass
class LiveRecord:
    """The journal on disk and the same events folded into a RunState for whoever watches."""

    journal: Journal
    state: RunState
    board: Board | None = None
    """What shows the run in TensorBoard as it goes on."""

    def append(self, event: dict[str, Any]) -> None:
        """Keep one event in both."""
        event = {"time": time.time(), **event}
        self.journal.append(event)
        self.state.apply(event)

    def show(self, event: dict[str, Any]) -> None:
        """Let whoever watches see an event that is not kept."""
        self.state.apply({"time": time.time(), **event})

    def commit(self) -> None:
        """Put kept events on disk."""
        self.journal.commit()
        if self.board and (lost := self.board.look(begun=bool(self.state.trials))):
            self.append({"event": "note", "text": lost})


def open_record(run: Plan) -> LiveRecord:
    """The record of a new run, or of the one that goes on.

    Raises:
        UserError: That cannot be.
        Resumable: The disk is full.
    """
    try:
        if run.past:
            journal = Journal.reopen(run.directory)
            if len(read_journal(run.directory)) != len(run.past):
                raise UserError(f"{run.directory} went on meanwhile, by another process; try again")
            _prepare(run)
            return LiveRecord(journal, replayed(run.past))
        _prepare(run)
        if not begun(run.directory):  # its writer died before it had written anything
            (run.directory / JOURNAL).unlink(missing_ok=True)
        return LiveRecord(Journal.create(run.directory), RunState(keep_results=False))
    except OSError as error:
        if error.errno in FULL:
            raise no_room(run.directory, error) from error
        raise UserError(f"cannot write to {run.directory}: {error.strerror}; name another --out") from error


def replayed(events: Iterable[Mapping[str, Any]]) -> RunState:
    """The state of a run after these events; whoever watches from here on is not told of them once more."""
    state = RunState(keep_results=False)
    for event in events:
        state.apply(event)
    for told in (state.ended_trials, state.restarts, state.notes):
        told.clear()
    return state


def _prepare(run: Plan) -> None:
    """Make the run directory with the sweep in it."""
    (run.directory / "trials").mkdir(parents=True, exist_ok=True)
    if run.options.replay and not run.past:
        shutil.copyfile(run.options.replay, run.directory / SCHEDULE)
    own = run.directory / "sweep.yaml"
    if run.file and run.file.resolve() == own.resolve():
        return
    text = yaml.safe_dump(run.source, sort_keys=False, allow_unicode=True)
    replace(own, run.file.read_text(encoding="utf-8") if run.file else text)
