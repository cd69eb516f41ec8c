"""What the event loop knows of trials that have not ended, of a run's limits, and of how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hpo.trial.outcome import alike
from hpo.trial.spec import Resume

ALIKE = 3
"""So many first trials failing alike end the run."""
AHEAD = 0.1
"""Seconds of work that may wait in a slot behind the running trial, so that short trials follow at once."""
MOST_AHEAD = 32


class Record(Protocol):
    """Where events go: kept at once, on disk once `commit` returns."""

    def append(self, event: dict[str, Any]) -> None:
        """Keep one event."""

    def show(self, event: dict[str, Any]) -> None:
        """Let whoever watches see an event that need not be kept."""

    def commit(self) -> None:
        """Put all kept events on disk."""


@dataclass(frozen=True)
class Limits:
    """When a run ends: trials in all (None: when the searcher is done), seconds, retries of a trial."""

    count: int | None = None
    seconds: float | None = None
    max_failures: int = 0


@dataclass(frozen=True)
class Clone:
    """What a trial takes over at an iteration of its own: another one's checkpoint."""

    donor: int
    donor_iteration: int
    checkpoint: str
    """Its name among the donor's."""
    iteration: int


@dataclass
class Ongoing:
    """A trial that has not ended for good."""

    number: int
    config: dict[str, Any]
    attempt: int = 0
    """Counts all processes that it was begun in, pauses aside."""
    failures: int = 0
    losses: int = 0
    """How often its slot was lost."""
    slot: int = -1
    place: str = ""
    """The node of its attempt, by its number in Ray."""
    turn: int = 0
    """Its attempt's place among the beginnings of all."""
    stopping: bool = False
    since: float = 0.0
    """When it was given to its slot, by time.monotonic."""
    noted: float = 0.0
    """When its progress was last put into the journal, by time.monotonic."""
    checkpoint: Resume | None = None
    """Where it could go on: its newest checkpoint."""
    resume: Resume | None = None
    """Where its running attempt began; None: at the start."""
    pausing: int = 0
    """The iteration at which it was told to pause, until its process has ended; 0: it was not."""
    clone: Clone | None = None
    """Whose state it is to go on with, until the record says so."""
    borrowed: tuple[int, str] | None = None
    """Trial and name of another one's checkpoint, which it needs until it has one of its own."""

    @property
    def id(self) -> str:
        """Name towards searcher and scheduler."""
        return str(self.number)


@dataclass(frozen=True)
class Outcome:
    """How a run ended: complete, target, interrupted, budget, unwritable (a full disk) or failed; and why."""

    state: str
    reason: str = ""


@dataclass
class Pace:
    """How long trials last, and so how many may wait in a slot."""

    seconds: float | None = None
    """Running mean of a trial's wall time."""

    def add(self, seconds: float) -> None:
        """A trial has ended."""
        self.seconds = seconds if self.seconds is None else 0.8 * self.seconds + 0.2 * seconds

    def depth(self, left: int | None, slots: int) -> int:
        """Trials that may wait behind a running one; none where they are long, or few are left."""
        if self.seconds is None or self.seconds >= AHEAD:
            return 0
        depth = min(MOST_AHEAD, int(AHEAD / max(self.seconds, 1e-6)))
        return depth if left is None else min(depth, left // (2 * slots))


@dataclass
class EarlyFailures:
    """Watches a run's first trials: if they all fail in the same way, the rest would too."""

    reasons: list[str] | None = field(default_factory=list)
    places: set[str] = field(default_factory=set)
    """The nodes that they failed on, as far as that is known."""
    shown: str = ""
    """The last one's reason, and the end of its log."""

    @property
    def only_failures(self) -> bool:
        """Whether no trial has ended well yet, nor failed in another way than the first."""
        return self.reasons is not None

    def add(self, state: str, reason: str, place: str = "", tail: Sequence[str] = ()) -> None:
        """A trial has ended, or has paused in good health."""
        if self.reasons is None or state == "interrupted":
            return
        self.reasons.append(alike(reason))
        self.places |= {place} - {""}
        self.shown = "\n".join([reason, *(f"    {line}" for line in tail)])
        if state != "failed" or len(set(self.reasons)) > 1:
            self.reasons = None

    def verdict(self, *, several: bool) -> Outcome | None:
        """How the run is to end for them; where there are `several` nodes, one alone is no proof."""
        if not self.reasons or len(self.reasons) < ALIKE or (several and len(self.places) < 2):
            return None
        return Outcome("failed", f"the first {len(self.reasons)} trials failed alike: {self.shown}")
