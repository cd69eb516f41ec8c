"""All slots of a run: trials to slots, events from slots, lost actors replaced."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import uuid4

import ray
from ray.exceptions import ActorUnavailableError, RayActorError, RayError

from hpo.engine.farewells import farewell
from hpo.engine.slot import Slot, Start, presence_file
from hpo.engine.unheard import Heard, unheard
from hpo.record.metrics import trial_directory
from hpo.trial.recipe import Recipe

POLL = 30.0
"""Seconds that a slot waits for an event before it answers with none."""
STARTING = 60.0
"""Seconds after which slots that are not up are not waited for."""
CALLS = 4
"""Calls that a slot answers at once: a poll that waits, one that nobody listens to any more, stops."""
LOOKS = 1.0
"""Seconds between two looks for nodes that have joined."""
PAUSE = 0.5
"""Seconds before a call that did not get through is repeated."""
COUNTERS = {"result": "rows", "checkpoint": "saved"}
"""Kinds of events that say how many rows a trial has, and the field of `Heard` that counts them."""
Call = Callable[[], Any]
"""Sends a call; its reference."""


@dataclass(frozen=True)
class Given:
    """A trial in a slot."""

    order: int
    heard: Heard


@dataclass
class Seat:
    """One slot: its actor, the call that is under way, and its trials: the first runs, the others wait."""

    actor: Any
    name: str
    """That of its file among the supervisors'."""
    call: Call
    """The call that is under way, or that is to be repeated."""
    pending: Any
    """Its reference; None where no call is under way."""
    repeat: float = 0.0
    """When `call` is to be sent again, by time.monotonic; 0: not."""
    node: str = ""
    """Host name; empty while it is not up."""
    place: str = ""
    """The node's number in Ray: several nodes may share a host, or its name."""
    trials: dict[int, Given] = field(default_factory=dict)
    order: int = 0
    """How often it was given trials."""
    seen: int = 0
    """How many of its events have come."""
    stops: dict[Any, tuple[int, str]] = field(default_factory=dict)
    """Stops that are under way: which trial, and as what."""
    gone: str = ""
    """Why the actor is gone: then what its supervisor has left is waited for."""


class Fleet:
    """`size` slots, started in parallel, kept for the whole run; each takes a trial as soon as it is up.

    `room` says how many there could be by now: a cluster's nodes may join later. None of a lost node is given
    up: its slots wait for the node, or for another one. A call that a broken connection has cut off is
    repeated; an actor that died is replaced once its supervisor and that one's trial are gone.
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
        self.recipe, self.shared = ray.put(recipe), recipe
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
        name = uuid4().hex[:12]
        actor = ray.remote(Slot).options(**options).remote(self.recipe, self.function, name)
        return Seat(actor, name, actor.node.remote, actor.node.remote())

    def open(self, depth: int) -> list[int]:
        """Slots that can be given trials now, idle ones first; `depth` may wait behind a running one."""
        free = [
            index
            for index, seat in self.seats.items()
            if seat.node
            and seat.place not in self.aside
            and not (seat.gone or seat.repeat)
            and len(seat.trials) <= depth
            and (not seat.trials or seat.pending is None)
        ]
        return sorted(free, key=lambda index: len(self.seats[index].trials))

    def start(self, index: int, starts: list[Start]) -> None:
        """Give a slot trials; it must have been open for them."""
        seat = self.seats[index]
        seat.order += 1
        order = seat.order
        for number, attempt, config, resume in starts:
            rows = resume.rows if resume else 0
            seat.trials[number] = Given(order, Heard(attempt, config, resume, rows, rows))
        self._send(seat, lambda: seat.actor.run.remote(order, starts, seat.seen, POLL))

    def stop(self, index: int, number: int, reason: str) -> None:
        """Ask a slot to end a trial; its end arrives as an event."""
        seat = self.seats.get(index)
        if seat is not None and number in seat.trials and not seat.gone:
            ref = seat.actor.stop.remote(number, seat.trials[number].order, reason)
            seat.stops[ref] = number, reason

    def _send(self, seat: Seat, call: Call) -> None:
        seat.call, seat.pending, seat.repeat = call, call(), 0.0

    def events(self, timeout: float, also: list[Any]) -> Iterator[dict[str, Any]]:
        """Events of all slots that have some; waits `timeout` seconds at most for one, or for `also`."""
        self._poll()
        yield from self._grow()
        owners = {seat.pending: index for index, seat in self.seats.items() if seat.pending is not None}
        stops = {ref: index for index, seat in self.seats.items() for ref in seat.stops}
        refs = [*owners, *stops, *also]
        if not refs:
            time.sleep(timeout)
            return
        ready, _ = ray.wait(refs, num_returns=1, timeout=timeout, fetch_local=False)
        if ready and len(refs) > 1:
            ready, _ = ray.wait(refs, num_returns=len(refs), timeout=0, fetch_local=False)
        for ref in ready:
            if ref in stops:
                self._stopped(stops[ref], ref)
            elif ref in owners:
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
        """Hear of slots that have trials and were given no more; repeat what did not get through."""
        for seat in self.seats.values():
            if seat.repeat and time.monotonic() >= seat.repeat:
                self._send(seat, seat.call)
            elif seat.trials and seat.pending is None and not (seat.repeat or seat.gone):
                self._send(seat, partial(self._poll_seat, seat))

    def _poll_seat(self, seat: Seat) -> Any:
        return seat.actor.poll.remote(seat.seen, POLL)

    def _stopped(self, index: int, ref: Any) -> None:
        """A stop was heard, or is repeated; one whose actor died is in vain."""
        number, reason = self.seats[index].stops.pop(ref, (0, ""))
        try:
            ray.get(ref)
        except ActorUnavailableError:
            self.stop(index, number, reason)
        except RayActorError:
            pass

    def _answered(self, index: int, ref: Any) -> Iterator[dict[str, Any]]:
        seat = self.seats[index]
        seat.pending = None
        if seat.gone:
            yield from self._left(index, ref)
            return
        try:
            answer = ray.get(ref)
        except ActorUnavailableError:  # the connection broke; the slot is as it was
            seat.repeat = time.monotonic() + PAUSE
            return
        except RayActorError as error:
            seat.gone = _first_line(error)
            self._await_gone(seat)
            return
        if isinstance(answer[0], str):
            seat.node, seat.place = answer
            return
        yield from self._heard(seat, *answer)

    def _heard(self, seat: Seat, before: int, events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Pass on those events that are new: a repeated poll tells what came already, too."""
        for number, event in enumerate(events, before + 1):
            if number <= seat.seen:
                continue
            seat.seen = number
            if event["event"] == "lost" and "trial" not in event:
                yield from self._lost(seat, event["reason"])
                continue
            given = seat.trials.get(event.get("trial", 0))
            if event["event"] in ("end", "lost"):
                del seat.trials[event["trial"]]
            elif given and (counter := COUNTERS.get(event["event"])):
                heard = replace(given.heard, **{counter: event["rows"]})
                seat.trials[event["trial"]] = replace(given, heard=heard)
            yield event

    def _await_gone(self, seat: Seat) -> None:
        """Look after what a slot that died has left, on its node if that lives."""
        path = presence_file(self.shared.directory, seat.name)
        trials = [str(trial_directory(self.shared.directory, number)) for number in seat.trials]
        self._send(seat, lambda: farewell(seat.place, [path], trials))

    def _left(self, index: int, ref: Any) -> Iterator[dict[str, Any]]:
        """The supervisor of a slot that died is gone: its trials may begin again, and others here."""
        seat = self.seats[index]
        try:
            ray.get(ref)
        except RayError:  # the node died under it
            seat.repeat = time.monotonic() + PAUSE
            return
        self.seats[index] = self._seat()
        yield from self._lost(seat, seat.gone)

    def _lost(self, seat: Seat, reason: str) -> Iterator[dict[str, Any]]:
        """What the trials of a slot have come to that is no more."""
        trials, seat.trials = seat.trials, {}
        for number, given in trials.items():
            found = unheard(self.shared, number, given.heard)
            yield from found.events
            yield found.end or {"event": "lost", "trial": number, "reason": reason}

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


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
