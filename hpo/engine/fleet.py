"""All slots of a run: trials to slots, events from slots, lost actors replaced."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayActorError

from hpo.engine.slot import Slot
from hpo.trial.spec import TrialSpec

POLL = 30.0
"""Seconds that a slot waits for an event before it answers with none."""
CALLS = 2
"""Calls that a slot answers at once: a poll that waits, and a stop."""


@dataclass
class _Seat:
    """One slot: its actor, the call that is under way, and whether it has reported for work."""

    actor: Any
    pending: Any
    node: str = ""
    busy: bool = False


class Fleet:
    """`size` slots, started in parallel, kept for the whole run; each takes a trial as soon as it is up."""

    def __init__(self, size: int, demand: dict[str, float], function: bytes | None = None) -> None:
        self.demand = demand
        self.function = ray.put(function) if function is not None else None
        self.seats: dict[int, _Seat] = {index: self._seat() for index in range(size)}

    def _seat(self) -> _Seat:
        options = {"num_cpus": self.demand["cpu"], "num_gpus": self.demand["gpu"]}
        options |= {"max_restarts": 0, "max_concurrency": CALLS}
        if self.demand["memory"]:
            options["memory"] = self.demand["memory"]
        actor = ray.remote(Slot).options(**options).remote(self.function)
        return _Seat(actor, actor.node.remote())

    def idle(self) -> int | None:
        """A slot that is up and has no trial."""
        return next((i for i, seat in self.seats.items() if seat.node and not seat.busy), None)

    def busy(self) -> list[int]:
        """The slots that have a trial."""
        return [i for i, seat in self.seats.items() if seat.busy]

    def start(self, index: int, spec: TrialSpec) -> None:
        """Give an idle slot a trial."""
        seat = self.seats[index]
        seat.busy = True
        seat.pending = seat.actor.run.remote(spec.to_dict(), POLL)

    def stop(self, index: int, reason: str) -> None:
        """Ask a slot to end its trial; its end arrives as an event."""
        self.seats[index].actor.stop.remote(reason)

    def events(self, timeout: float) -> Iterator[tuple[int, dict[str, Any]]]:
        """Events of all slots that have some, waiting at most `timeout` seconds for the first."""
        owners = {seat.pending: index for index, seat in self.seats.items() if seat.pending is not None}
        if not owners:
            time.sleep(timeout)
            return
        refs = list(owners)
        ready, _ = ray.wait(refs, num_returns=1, timeout=timeout, fetch_local=False)
        if ready and len(refs) > 1:
            ready, _ = ray.wait(refs, num_returns=len(refs), timeout=0, fetch_local=False)
        for ref in ready:
            yield from self._answered(owners[ref], ref)

    def _answered(self, index: int, ref: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        seat = self.seats[index]
        seat.pending = None
        try:
            answer = ray.get(ref)
        except RayActorError as error:
            was_busy = seat.busy
            self.seats[index] = self._seat()
            if was_busy:
                yield index, {"event": "lost", "reason": _first_line(error)}
            return
        if isinstance(answer, str):
            seat.node = answer
            return
        for event in answer:
            if event["event"] in ("end", "lost"):
                seat.busy = False
            yield index, event
        if seat.busy:
            seat.pending = seat.actor.poll.remote(POLL)

    def close(self) -> None:
        """End what runs, wait for it, and let the actors go."""
        closing = [seat.actor.close.remote() for seat in self.seats.values() if seat.node]
        if closing:
            ray.wait(closing, num_returns=len(closing), timeout=60)
        for seat in self.seats.values():
            ray.kill(seat.actor)


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
