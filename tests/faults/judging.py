"""What the trials' own log and a tool's record say of a run that was disturbed, once or several times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.faults.objective import STEPS, Attempt, Truth

ON_ITS_WAY = 0.5
"""Seconds from a trial's last words to the record of its end, at most: before that nobody can know of it; and
from a signal to where those see it who were connected with what it kills."""


@dataclass(frozen=True)
class Kill:
    """Unix time of a kill, whether the run had to be resumed then, and what its own record had as finished.

    `part` is the part of the run that was hit: 0 before the first resume.
    """

    at: float
    resumed: bool
    known: frozenset[float]
    part: int = 0

    def over(self, attempts: Sequence[Attempt]) -> Attempt | None:
        """The attempt with which a trial was first over; None if it never was.

        Before the kill every end counts, early ones too: a scheduler has stopped the trial. After it only
        those at the last step do: others may have been cut off.
        """
        ended = [one for one in attempts if one.steps >= STEPS or one.end <= self.at]
        return min(ended, key=lambda one: one.end, default=None)

    def in_flight(self, attempt: Attempt) -> bool:
        """Whether the tool may have died, or lost the attempt, before it could hear of its end."""
        return self._hit(attempt) and attempt.end >= self.at - ON_ITS_WAY

    def cut(self, attempt: Attempt) -> bool:
        """Whether an attempt may have ended early because of the kill."""
        return self._hit(attempt) and attempt.end > self.at and attempt.steps < STEPS

    def _hit(self, attempt: Attempt) -> bool:
        return attempt.part <= self.part if self.resumed else attempt.begin <= self.at + ON_ITS_WAY


def judged(
    truth: Truth, kills: Sequence[Kill], after: dict[float, str], repeated: set[float], count: int
) -> dict[str, int]:
    """The figures of a verdict, from the trials' log and the tool's own record at the end.

    A trial that a kill cut off, or whose end nobody could hear for it, runs again by right: what is asked of
    later kills is asked of its later attempts.
    """
    heard, late = truth, set[float]()
    for kill in kills:
        over = _over(kill, heard)
        unheard = {x for x in _again(over, heard) - kill.known - repeated if kill.in_flight(over[x])}
        late |= unheard
        heard = {
            x: [one for one in attempts if not kill.cut(one) and not (x in unheard and one is over[x])]
            for x, attempts in heard.items()
        }
    done, lost, twice = set[float](), set[float](), set(repeated)
    for kill in kills:
        over = _over(kill, heard)
        again = _again(over, truth)
        due = kill.known | {x for x, first in over.items() if first.end < kill.at - ON_ITS_WAY}
        done |= due
        lost |= {x for x in due if x in again or after.get(x) != "finished"}
        twice |= again
    states = Counter(after.values())
    return {
        "done": len(done),
        "lost": len(lost),
        "twice": len(twice),
        "late": len(late),
        "extra": max(0, len(truth) - count),
        "begun": len(after),
        "ended": states["finished"],
        "failed": states["failed"],
    }


def _over(kill: Kill, truth: Truth) -> dict[float, Attempt]:
    return {x: first for x, attempts in truth.items() if (first := kill.over(attempts))}


def _again(over: dict[float, Attempt], truth: Truth) -> set[float]:
    def later(first: Attempt, attempts: Iterable[Attempt]) -> bool:
        return any(one.begin > first.end for one in attempts)

    return {x for x, first in over.items() if later(first, truth[x])}
