"""What a Ray Tune scheduler expects to see of a trial and of a controller, and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler


@dataclass
class ScheduledTrial:
    """A trial as schedulers know it (the public face of ray.tune.experiment.Trial)."""

    trial_id: str
    config: dict[str, Any]
    status: str = Trial.PENDING
    last_result: dict[str, Any] = field(default_factory=dict)
    checkpointed: bool = False
    """Whether it could be paused now and go on later; one that could not would start over."""
    saved: int = 0
    """The newest milestone that there is a checkpoint of, kept for it and its clones; 0: none."""
    donor: ScheduledTrial | None = None
    """With the answer PAUSE: it goes on from this trial's milestone, under what `config` is then."""

    def is_finished(self) -> bool:
        """Whether it has ended in any way."""
        return self.status in (Trial.TERMINATED, Trial.ERROR)

    def __hash__(self) -> int:
        return hash(self.trial_id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScheduledTrial) and other.trial_id == self.trial_id


class Scheduling:
    """Feeds a TrialScheduler with what happens; plays Tune's controller towards it."""

    def __init__(self, scheduler: TrialScheduler) -> None:
        self.scheduler = scheduler
        self.trials: dict[str, ScheduledTrial] = {}
        self.outlook: Callable[[], tuple[int, int]] = lambda: (0, 0)
        """How many trials have yet to begin, and how many slots are free."""

    def get_trials(self) -> list[ScheduledTrial]:
        """All trials that have not ended."""
        return list(self.trials.values())

    def get_live_trials(self) -> set[ScheduledTrial]:
        """The same, as a set."""
        return set(self.trials.values())

    def add(self, trial_id: str, config: dict[str, Any], *, checkpointed: bool = False) -> None:
        """A trial starts, perhaps from a checkpoint."""
        trial = ScheduledTrial(trial_id, config, Trial.RUNNING, checkpointed=checkpointed)
        self.trials[trial_id] = trial
        self.scheduler.on_trial_add(self, trial)

    def result(self, trial_id: str, result: dict[str, Any]) -> str:
        """A trial's result → the scheduler's decision: TrialScheduler.CONTINUE or STOP."""
        trial = self.trials[trial_id]
        trial.last_result = result
        return str(self.scheduler.on_trial_result(self, trial, result))

    def pause(self, trial_id: str) -> None:
        """A trial's process has ended, and it may go on later."""
        self.trials[trial_id].status = Trial.PAUSED

    def choose(self) -> str | None:
        """The paused trial that is to go on now, if there is one; it counts as running then."""
        chosen = self.scheduler.choose_trial_to_run(self)
        if chosen is None or chosen.status != Trial.PAUSED:
            return None
        self.go_on(str(chosen.trial_id))
        return str(chosen.trial_id)

    def go_on(self, trial_id: str) -> None:
        """A paused trial counts as running again."""
        self.trials[trial_id].status = Trial.RUNNING

    def doomed(self) -> list[str]:
        """Trials that are to stop now because of what others have reported; each is named once."""
        take = getattr(self.scheduler, "take_doomed", None)
        return [name for name in take() if name in self.trials] if take else []

    def notes(self) -> list[str]:
        """What the scheduler has to tell the user; each is named once."""
        notes: list[str] = getattr(self.scheduler, "notes", [])
        told = list(notes)
        del notes[:]
        return told

    def complete(self, trial_id: str, result: dict[str, Any] | None, *, error: bool) -> None:
        """A trial has ended; with no result it is taken out without a word on its quality."""
        trial = self.trials.pop(trial_id)
        trial.status = Trial.ERROR if error else Trial.TERMINATED
        if error:
            self.scheduler.on_trial_error(self, trial)
        elif result:
            self.scheduler.on_trial_complete(self, trial, result)
        else:
            self.scheduler.on_trial_remove(self, trial)
