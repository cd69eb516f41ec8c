"""All slots of a run: trials to slots, events from slots, lost actors replaced."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import RayActorError

from hpo.engine.slot import Slot, Start
from hpo.trial.recipe import Recipe

POLL = 30.0
"""Seconds that a slot waits for an event before it answers with none."""
STARTING = 60.0
"""Seconds after which slots that are not up are not waited for."""
CALLS = 2
"""Calls that a slot answers at once: a poll that waits, and a stop."""
LOOKS = 1.0
"""Seconds between two looks for nodes that have joined."""


@dataclass
class Seat:
    """One slot: its actor, the call that is under way, and its trials: the first runs, the others wait."""

    actor: Any
    pending: Any
    node: str = ""
    """Host name; empty while it is not up."""
    place: str = ""
    """The node's number in Ray: several nodes may share a host, or its name."""
    trials: list[int] = field(default_factory=list)


class Fleet:
    """`size` slots, started in parallel, kept for the whole run; each takes a trial as soon as it is up.

    `room` says how many there could be by now: a cluster's nodes may join later. None of a lost node is given
    up: its slots wait for the node, or for another one.
    """

    def __init__(
        self,
        size: int,
        demand: dict[str, float],
        recipe: Recipe,
        function: bytes | None = None,
        room: Callable[[], int] | None = None,
    ) -> None:
        self.demand, self.room = demand, room
        self._next = time.monotonic() + LOOKS
        self.recipe = ray.put(recipe)
        self.function = ray.put(function) if function is not None else None
        self._began = time.monotonic()
        self.aside: set[str] = set()
        """Nodes that get no more trials."""
        self.several = size > 1 and len(self.able()) > 1
        self.seats: dict[int, Seat] = {index: self._seat() for index in range(size)}

    def _seat(self) -> Seat:
        options = {"num_cpus": self.demand["cpu"], "num_gpus": self.demand["gpu"]}
        options |= {"max_restarts": 0, "max_concurrency": CALLS}
        if self.demand["memory"]:
            options["memory"] = self.demand["memory"]
        actor = ray.remote(Slot).options(**options).remote(self.recipe, self.function)
        return Seat(actor, actor.node.remote())

    def open(self, depth: int) -> list[int]:
        """Slots that can be given trials now, idle ones first; `depth` may wait behind a running one."""
        free = [
            index
            for index, seat in self.seats.items()
            if seat.node
            and seat.place not in self.aside
            and len(seat.trials) <= depth
            and (not seat.trials or seat.pending is None)
        ]
        return sorted(free, key=lambda index: len(self.seats[index].trials))

    def start(self, index: int, starts: list[Start]) -> None:
        """Give a slot trials; it must have been open for them."""
        seat = self.seats[index]
        seat.trials += [start[0] for start in starts]
        seat.pending = seat.actor.run.remote(starts, POLL)

    def stop(self, index: int, number: int, reason: str) -> None:
        """Ask a slot to end a trial; its end arrives as an event."""
        self.seats[index].actor.stop.remote(number, reason)

    def events(self, timeout: float, also: list[Any]) -> Iterator[dict[str, Any]]:
        """Events of all slots that have some; waits `timeout` seconds at most for one, or for `also`."""
        self._poll()
        yield from self._grow()
        owners = {seat.pending: index for index, seat in self.seats.items() if seat.pending is not None}
        refs = [*owners, *also]
        if not refs:
            time.sleep(timeout)
            return
        ready, _ = ray.wait(refs, num_returns=1, timeout=timeout, fetch_local=False)
        if ready and len(refs) > 1:
            ready, _ = ray.wait(refs, num_returns=len(refs), timeout=0, fetch_local=False)
        for ref in ready:
            if ref in owners:
                yield from self._answered(owners[ref], ref)

    def _grow(self) -> Iterator[dict[str, Any]]:
        """Add slots where there is room for more."""
        if self.room is None or time.monotonic() < self._next:
            return
        self._next, size, room = time.monotonic() + LOOKS, len(self.seats), self.room()
        if room > size:
            self.several, self._began = len(self.able()) > 1, time.monotonic()
            self.seats |= {index: self._seat() for index in range(size, room)}
            yield {"event": "slots", "slots": room}

    def _poll(self) -> None:
        """Hear of slots that have trials and were given no more."""
        for seat in self.seats.values():
            if seat.trials and seat.pending is None:
                seat.pending = seat.actor.poll.remote(POLL)

    def _answered(self, index: int, ref: Any) -> Iterator[dict[str, Any]]:
        seat = self.seats[index]
        seat.pending = None
        try:
            answer = ray.get(ref)
        except RayActorError as error:
            self.seats[index] = self._seat()
            yield from _lost(seat, _first_line(error))
            return
        if isinstance(answer, tuple):
            seat.node, seat.place = answer
            return
        for event in answer:
            if event["event"] == "lost" and "trial" not in event:
                yield from _lost(seat, event["reason"])
                continue
            if event["event"] in ("end", "lost"):
                seat.trials.remove(event["trial"])
            yield event

    def able(self) -> set[str]:
        """The nodes of the cluster that live and could run a trial."""
        names = {"cpu": "CPU", "gpu": "GPU", "memory": "memory"}
        return {
            node["NodeID"]
            for node in ray.nodes()
            if node["Alive"] and all(node["Resources"].get(names[k], 0) >= v for k, v in self.demand.items())
        }

    @property
    def coming(self) -> bool:
        """Whether slots will soon be up, perhaps on another node than those that are."""
        soon = self.several and time.monotonic() < self._began + STARTING
        return soon and any(not seat.node for seat in self.seats.values())

    def elsewhere(self, place: str) -> bool:
        """Whether there are slots on other nodes that get trials."""
        return bool({seat.place for seat in self.seats.values() if seat.node} - self.aside - {place})

    def close(self) -> None:
        """End what runs, wait for it, and let the actors go."""
        closing = [seat.actor.close.remote() for seat in self.seats.values() if seat.node]
        if closing:
            ray.wait(closing, num_returns=len(closing), timeout=60)
        for seat in self.seats.values():
            ray.kill(seat.actor)


def _lost(seat: Seat, reason: str) -> Iterator[dict[str, Any]]:
    numbers, seat.trials = seat.trials, []
    for number in numbers:
        yield {"event": "lost", "trial": number, "reason": reason}


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
