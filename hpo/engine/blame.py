"""Failures → whose fault they are, the trial's or its node's; a sick node gets no more trials."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hpo.engine.deciding import Deciding
from hpo.engine.fleet import Fleet
from hpo.engine.nodes import Nodes
from hpo.engine.ongoing import Ongoing, Record

End = Mapping[str, Any]


@dataclass
class Aside:
    """A node that is set aside, and the trials that had failed there and are tried elsewhere."""

    name: str
    slots: int
    tried: int
    left: set[int]
    """Those of whom it is not known yet how they end elsewhere."""
    failed: int = 0
    """How many of them have failed elsewhere too."""


class Blame:
    """Sets sick nodes aside, and takes back what it has cost.

    Where there are several nodes, a failure for good is `held`: search and early stopping are told of it
    once a trial has ended well on its node, or nothing runs and no node is coming or no trial is left. If
    the node is set aside before, they never hear of it, and the trial runs again elsewhere; no failure in
    the node's row counts against its trial. If most of these trials fail elsewhere too, the node is taken
    back for good.
    """

    def __init__(
        self, fleet: Fleet, record: Record, deciding: Deciding, again: Callable[[Ongoing, str], None]
    ) -> None:
        self.fleet, self.record, self.deciding, self.again = fleet, record, deciding, again
        self.clock = time.monotonic
        self.nodes = Nodes()
        self.held: dict[int, tuple[Ongoing, End]] = {}
        self.aside: dict[str, Aside] = {}
        self._counted: dict[str, list[Ongoing]] = {}
        """For each node the failures of its row that count against a trial."""
        self._trusted: set[str] = set()
        self._failed: set[int] = set()
        """Trials that have failed somewhere: if they do so again, that says nothing about a node."""

    def began(self, trial: Ongoing) -> None:
        """An attempt begins in its slot."""
        trial.place = self.fleet.seats[trial.slot].place
        trial.turn = self.nodes.began(trial.place, self.clock())

    def rests(self, slot: int) -> bool:
        """Whether a slot is to get no trial for a while."""
        place = self.fleet.seats[slot].place
        if place not in self.nodes.rows or place in self._trusted:
            return False
        return self.nodes.rests(place, self.clock(), coming=self.fleet.coming)

    def spares(self, trial: Ongoing) -> bool:
        """Whether a failure of a trial is no fault of its own."""
        return trial.place in self.aside

    def several(self, trial: Ongoing) -> bool:
        """Whether another node than a trial's could do better."""
        return self.fleet.coming or self.fleet.elsewhere(trial.place)

    def holds(self, trial: Ongoing) -> bool:
        """Whether its failure may turn out to be no fault of its own."""
        return trial.place not in self._trusted and self.several(trial)

    def failed(self, trial: Ongoing) -> None:
        """A failure counts against a trial for now."""
        trial.failures += 1
        self._counted.setdefault(trial.place, []).append(trial)

    def ended(self, trial: Ongoing, failure: str | None) -> None:
        """An attempt has ended, well or by a `failure`, and is recorded; a loss of its slot is one too."""
        now = self.clock()
        if failure is not None and trial.number in self._failed:
            self.nodes.drop(trial.turn)
        else:
            self.nodes.ended(trial.turn, failure, now)
        if failure is not None:
            self._failed.add(trial.number)
        else:
            self._counted.pop(trial.place, None)
            self._settle([n for n, (held, _) in self.held.items() if held.place == trial.place])
        self._compare(trial, failure)
        for place in self.nodes.sick(now):
            if place not in self._trusted and self.fleet.elsewhere(place):
                self._set_aside(place)

    def idle(self, *, over: bool) -> bool:
        """Nothing runs: what is held is told, what is set aside is used if nothing else is left.

        Whether there was any of that. Other nodes that soon come up may tell more, unless it is `over`.
        """
        if self.held and (over or not self.fleet.coming):
            self._settle(list(self.held))
            return True
        left = self.aside and not self.fleet.elsewhere("") and not self.fleet.able() - set(self.aside)
        for place in list(self.aside) if left else ():
            self._take_back(place, "no other node is left")
        return bool(left)

    def _settle(self, numbers: list[int]) -> None:
        """These failures are the trials' own."""
        if not numbers:
            return
        self.record.append({"event": "settled", "trials": numbers})
        for number in numbers:
            trial, end = self.held.pop(number)
            self.deciding.end(trial, end)
            counted = self._counted.get(trial.place, [])
            self._counted[trial.place] = [one for one in counted if one is not trial]

    def _set_aside(self, place: str) -> None:
        row, counted = self.nodes.forget(place), self._counted.pop(place, [])
        seats = [seat for seat in self.fleet.seats.values() if seat.place == place]
        if not seats or place not in self.fleet.able():
            return  # it is dead
        held = [trial for trial, _ in self.held.values() if trial.place == place]
        name, tried = seats[0].node, {trial.number for trial in held or counted}
        self.fleet.aside.add(place)
        self.aside[place] = Aside(name, len(seats), len(tried), tried)
        why = {"failed": row.length, "elsewhere": row.good, "reason": row.reasons.most_common(1)[0][0]}
        about = {"node": name, "id": place, "slots": len(seats), "trials": [one.number for one in counted]}
        self.record.append({"event": "aside", **about, **why})
        for trial in counted:
            trial.failures -= 1
        for trial in held:
            del self.held[trial.number]
            trial.losses = 0
            self.again(trial, f"node {name} was set aside")

    def _compare(self, trial: Ongoing, failure: str | None) -> None:
        """Whether a trial that had failed on a node set aside does better elsewhere."""
        for place, node in list(self.aside.items()):
            if trial.number in node.left and trial.place != place:
                node.left.remove(trial.number)
                node.failed += failure is not None
                if node.failed * 2 > node.tried:
                    self._trusted.add(place)
                    self._take_back(place, "the trials that failed there fail elsewhere too")

    def _take_back(self, place: str, reason: str) -> None:
        node = self.aside.pop(place)
        self.fleet.aside.discard(place)
        about = {"node": node.name, "id": place, "slots": node.slots, "reason": reason}
        self.record.append({"event": "back", **about})
