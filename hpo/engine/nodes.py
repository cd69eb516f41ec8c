"""How trials end on each node → the nodes on which they keep failing while they succeed elsewhere."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from math import exp, lgamma

SHORTEST = 3
"""Fewer failures in a row say nothing about a node."""
CHANCE = 3e-6
"""A row this improbable on a node that is as sound as the others sets it aside."""
DOUBT = 0.1
"""From a row as improbable as this on, a node gets trials more slowly."""
MEMORY = 256
"""So many attempts that have ended are remembered."""
REST = 1.0
"""Seconds that a node waits at least which fails while nobody knows how others do."""


@dataclass
class Row:
    """Attempts that failed on a node, none in between that did not; and how others did meanwhile elsewhere.

    Of those only the ones count that began after the first of the row: quick ends and slow ones are then
    seen in the same shares here and there.
    """

    first: int
    """When its first attempt began, in the order of all."""
    since: float
    """When that one failed, seconds."""
    until: float
    """When its last one failed, seconds."""
    reasons: Counter[str] = field(default_factory=Counter)
    good: int = 0
    """Attempts that ended well elsewhere."""
    bad: int = 0
    """Attempts that failed elsewhere."""
    slowest: float = 0.0
    """Seconds that the longest of the good ones took."""

    @property
    def length(self) -> int:
        """How many attempts have failed in a row."""
        return sum(self.reasons.values())

    def add(self, failure: str, now: float) -> None:
        """One more has failed here."""
        self.reasons[failure] += 1
        self.until = now

    def compare(self, number: int, seconds: float, *, good: bool) -> None:
        """One that took so long has ended elsewhere."""
        if number < self.first:
            return
        if good:
            self.good += 1
            self.slowest = max(self.slowest, seconds)
        else:
            self.bad += 1

    def chance(self, undecided: int = 0) -> float:
        """The probability that all attempts here were among the failures, if nodes made no difference.

        Fisher's exact test: as many failures as there are here and elsewhere, dealt out at random.
        `undecided` more elsewhere are taken for failures.
        """
        here = self.length
        failures = here + self.bad + undecided
        every = failures + self.good
        ways = lgamma(failures + 1) - lgamma(failures - here + 1)
        return exp(ways - lgamma(every + 1) + lgamma(every - here + 1))


class Nodes:
    """Is told when attempts begin and end, and on which node, by its number in Ray; `now` in seconds."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        """The nodes whose newest attempt to end has failed."""
        self._begun = 0
        self._running: dict[int, tuple[str, float]] = {}
        self._ended: deque[tuple[str, int, float, bool]] = deque(maxlen=MEMORY)

    def began(self, node: str, now: float) -> int:
        """An attempt begins; its place in the order of all."""
        self._begun += 1
        self._running[self._begun] = node, now
        return self._begun

    def ended(self, number: int, failure: str | None, now: float) -> None:
        """The attempt that began as number so and so has ended: well, or by a `failure`."""
        if number not in self._running:
            return
        node, began = self._running.pop(number)
        good, seconds = failure is None, now - began
        for other, row in self.rows.items():
            if other != node:
                row.compare(number, seconds, good=good)
        self._ended.append((node, number, seconds, good))
        if failure is None:
            self.rows.pop(node, None)
        else:
            self._row(node, number, now).add(failure, now)

    def drop(self, number: int) -> None:
        """An attempt has ended, but how says nothing about its node."""
        self._running.pop(number, None)

    def _row(self, node: str, number: int, now: float) -> Row:
        """A node's row of failures; a new one is told what has ended elsewhere since its first began."""
        if node not in self.rows:
            row = self.rows[node] = Row(number, now, now)
            for other, begun, seconds, good in self._ended:
                if other != node:
                    row.compare(begun, seconds, good=good)
        return self.rows[node]

    def sick(self, now: float) -> list[str]:
        """The nodes that are to be set aside."""
        return [node for node, row in self.rows.items() if self._is_sick(node, row, now)]

    def forget(self, node: str) -> Row:
        """Leave out what began on a node so far; its row of failures."""
        self._running = {number: one for number, one in self._running.items() if one[0] != node}
        self._ended = deque((one for one in self._ended if one[0] != node), MEMORY)
        return self.rows.pop(node)

    def rests(self, node: str, now: float, *, coming: bool = False) -> bool:
        """Whether a node is to get no trial yet, lest a sick one burns them all while others are slow.

        It is tried again after as long as it has been failing. Nothing waits where trials fail elsewhere as
        often, for it is hardly the node then, nor where none runs that could tell and none is `coming`.
        """
        row = self.rows.get(node)
        if row is None or row.length < SHORTEST or now >= row.until + max(REST, row.until - row.since):
            return False
        doubtful = not row.bad or row.chance() < DOUBT
        return doubtful and (coming or any(other != node for other, _ in self._running.values()))

    def _is_sick(self, node: str, row: Row, now: float) -> bool:
        if row.length < SHORTEST or row.chance() > CHANCE:
            return False
        late = [
            number
            for number, (other, began) in self._running.items()
            if other != node and number > row.first and now - began > row.slowest
        ]  # elsewhere failures may take longer to come than successes
        return row.chance(len(late)) <= CHANCE
