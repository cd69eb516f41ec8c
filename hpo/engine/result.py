"""What a run came to: its directory, its trials, the best one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hpo.record.front import front, ordered
from hpo.record.trials import RunRecord, TrialRecord, load_run


@dataclass(frozen=True)
class RunResult:
    """A finished run. `state`: complete, target, budget, interrupted or failed; `reason` says why."""

    directory: Path
    state: str
    reason: str

    @cached_property
    def record(self) -> RunRecord:
        """The whole run, read from its journal."""
        return load_run(self.directory)

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """All trials in the order of their numbers."""
        return self.record.trials

    @property
    def best(self) -> TrialRecord | None:
        """The trial with the best value, with several metrics the front's first; None if no trial has one."""
        ranked = ordered(self.record)
        return ranked[0] if ranked and ranked[0].value is not None else None

    @property
    def front(self) -> list[TrialRecord]:
        """With several metrics, the trials that no other one beats in all of them; else none."""
        return front(self.record) if self.record.goals else []

    @property
    def best_config(self) -> dict[str, Any] | None:
        """The best trial's configuration."""
        return self.best.config if self.best else None
