"""Trials that pause and go on: from which checkpoint, with which configuration, whose state."""

from __future__ import annotations

from typing import Any

from hpo.engine.checkpoints import Checkpoints
from hpo.engine.ongoing import Clone, Ongoing
from hpo.engine.scheduling import Scheduling
from hpo.trial.spec import Resume

Saved = tuple[str, Resume]
"""A checkpoint's name, and where a trial that goes on from it stands."""


class Pausing:
    """Keeps what paused trials go on from.

    For a scheduler that `clones`, decisions are exact: what a trial does after the milestone that it was
    told to pause at does not count, not even that it ended. So the checkpoint of each trial's newest
    milestone stays, however many came after it, and one that a clone has begun from stays until that clone
    has one of its own.
    """

    def __init__(self, checkpoints: Checkpoints, scheduling: Scheduling) -> None:
        self.checkpoints, self.scheduling = checkpoints, scheduling
        self.exact = bool(getattr(scheduling.scheduler, "clones", False))
        self.paused: dict[int, tuple[Ongoing, dict[str, Any]]] = {}
        """Trials that may go on later, and how their processes ended."""
        self._newest: dict[int, Saved] = {}
        self._judged: dict[int, Saved] = {}
        self._milestones: dict[int, int] = {}

    def saved(self, trial: Ongoing, name: str, iteration: int, rows: int) -> None:
        """A trial has a checkpoint: from now on it goes on from there."""
        resume = Resume(self.checkpoints.path(trial.number, name), rows, iteration)
        self.checkpoints.add(trial.number, name)
        self.scheduling.trials[trial.id].checkpointed = True
        if self.exact and trial.pausing:
            return
        trial.checkpoint = resume
        self._give_back(trial)
        self._newest[trial.number] = name, resume
        if self.exact and iteration == self._milestones.get(trial.number):
            self._judge(trial)

    def milestone(self, trial: Ongoing, iteration: int) -> None:
        """A trial's result is about to be judged."""
        if not self.exact:
            return
        self._milestones[trial.number] = iteration
        newest = self._newest.get(trial.number)
        if newest is not None and newest[1].iterations == iteration:
            self._judge(trial)

    def told(self, trial: Ongoing, iteration: int, rows: int) -> None:
        """A trial was told to pause at a milestone, after so many rows; perhaps as another one's clone."""
        trial.pausing = iteration
        scheduled = self.scheduling.trials[trial.id]
        donor, scheduled.donor = scheduled.donor, None
        if donor is None:
            if self.exact:
                trial.checkpoint = self._judged[trial.number][1]
            return
        number = int(donor.trial_id)
        name, resume = self._judged[number]
        self.checkpoints.hold(number, name)
        self._give_back(trial)
        trial.borrowed, trial.config = (number, name), scheduled.config
        trial.checkpoint = Resume(resume.checkpoint, rows, iteration)
        trial.clone = Clone(number, resume.iterations, name, iteration)

    def is_pause(self, trial: Ongoing, end: dict[str, Any]) -> bool:
        """Whether a trial's process ended because it was told to pause, or in spite of it."""
        at, trial.pausing = trial.pausing, 0
        if not at or not self.exact or end["state"] == "interrupted":
            return bool(end["state"] == "paused")
        return bool(end["state"] != "finished" or end["iterations"] > at)

    def add(self, trial: Ongoing, end: dict[str, Any]) -> None:
        """A trial has paused."""
        self.scheduling.pause(trial.id)
        self.paused[trial.number] = trial, end

    def take(self, recorded: int | None = None) -> Ongoing | None:
        """The paused trial that is to go on now, if there is one; it is `recorded` where that is known."""
        chosen = self.scheduling.choose() if self.paused else None
        if recorded is not None and chosen != str(recorded):
            if chosen is not None:
                self.scheduling.pause(chosen)
            self.scheduling.go_on(chosen := str(recorded))
        if chosen is None:
            return None
        trial, _ = self.paused.pop(int(chosen))
        trial.resume = trial.checkpoint
        return trial

    def give_up(self) -> list[tuple[Ongoing, dict[str, Any]]]:
        """All that have paused; none of them goes on."""
        paused, self.paused = self.paused, {}
        return list(paused.values())

    def forget(self, trial: Ongoing) -> None:
        """A trial has ended for good."""
        self._give_back(trial)
        self._newest.pop(trial.number, None)
        judged = self._judged.pop(trial.number, None)
        if judged is not None:
            self.checkpoints.release(trial.number, judged[0])

    def _judge(self, trial: Ongoing) -> None:
        """The newest checkpoint is that of the milestone: it stays until there is the next such one."""
        before, now = self._judged.get(trial.number), self._newest[trial.number]
        self.checkpoints.hold(trial.number, now[0])
        if before is not None:
            self.checkpoints.release(trial.number, before[0])
        self._judged[trial.number] = now
        self.scheduling.trials[trial.id].saved = now[1].iterations

    def _give_back(self, trial: Ongoing) -> None:
        """A clone needs its donor's checkpoint no more."""
        borrowed, trial.borrowed = trial.borrowed, None
        if borrowed is not None:
            self.checkpoints.release(*borrowed)
