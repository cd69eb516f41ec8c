"""The actor of one slot: trials in, events out. It lives for the whole run and imports no Ray Tune."""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from contextlib import suppress
from typing import Any

import ray

from hpo.trial.launch import Supervisor, SupervisorDied, spawn
from hpo.trial.presence import FOLDER
from hpo.trial.recipe import Recipe
from hpo.trial.spec import Resume

CLOSING = 5.0
"""Seconds for a supervisor to end once its trial has ended."""
Start = tuple[int, int, dict[str, Any], Resume | None]
"""Number, attempt and configuration of a trial, and where it goes on."""
Answer = tuple[int, list[dict[str, Any]]]
"""Events, and how many this slot has had before them."""


def presence_file(directory: str, name: str) -> str:
    """The file in a run directory that is there as long as the slot of that name may have a process."""
    return os.path.join(directory, FOLDER, f"{name}.json")


class Slot:
    """Runs trials, one after another, in a supervisor process of its own.

    A connection may break under any call, so that nobody knows whether it was heard, or its answer lost.
    Therefore the driver may repeat each: starts have numbers, and events are kept until the driver says how
    many it has `seen`. A newer call ends the wait of an older one, to which nobody listens any more.
    """

    def __init__(self, recipe: Recipe, function: bytes | None, name: str) -> None:
        self.recipe, self.function = recipe, function
        self._presence = presence_file(recipe.directory, name)
        self.supervisor: Supervisor = spawn(self._presence)
        devices = os.environ.get("CUDA_VISIBLE_DEVICES")
        self.devices = {} if devices is None else {"CUDA_VISIBLE_DEVICES": devices}
        self._order = 0
        self._orders: dict[int, int] = {}
        """By which order each trial was started."""
        self._kept: deque[dict[str, Any]] = deque()
        self._seen = self._polls = 0
        self._ordering, self._reading = threading.Lock(), threading.Lock()
        self._wake, self._waking = socket.socketpair()
        self._wake.setblocking(False)

    def node(self) -> tuple[str, str]:
        """Host name, for the record, and the node's number in Ray."""
        return socket.gethostname(), ray.get_runtime_context().get_node_id()

    def run(self, order: int, starts: list[Start], seen: int, timeout: float) -> Answer:
        """Take on trials, after those that are still waiting here, and poll. An order is carried out once.

        A trial sees the GPUs that Ray gave this actor, or those of this node: never those of the driver's.
        """
        with self._ordering:
            if order > self._order:
                self._order = order
                self._start(starts)
        return self.poll(seen, timeout)

    def _start(self, starts: list[Start]) -> None:
        if not self.supervisor.alive():
            self.supervisor.close(CLOSING)
            self.supervisor = spawn(self._presence)
        try:
            for start in starts:
                self._orders[start[0]] = self._order
                spec = self.recipe.build(*start)
                spec.env.update(self.devices)
                self.supervisor.start(spec, self.function)
        except SupervisorDied:
            pass  # the next poll says so

    def poll(self, seen: int, timeout: float) -> Answer:
        """All events after the first `seen`; waits at most `timeout` seconds for one.

        An event «lost» without a trial says that the supervisor died, with all trials that it had.
        """
        self._polls += 1
        this = self._polls
        self._waking.send(b"1")
        with self._reading:
            with suppress(BlockingIOError):
                while self._wake.recv(4096):
                    pass
            while self._kept and self._seen < seen:
                self._kept.popleft()
                self._seen += 1
            if not self._kept:
                self._kept += self._events(timeout if this == self._polls else 0.0)
            return self._seen, list(self._kept)

    def _events(self, timeout: float) -> list[dict[str, Any]]:
        try:
            return self.supervisor.events(timeout, self._wake.fileno())
        except SupervisorDied as error:
            return [{"event": "lost", "reason": str(error)}]

    def stop(self, number: int, order: int, reason: str) -> None:
        """End the trial that was started by this order: SIGTERM to its group, SIGKILL after its grace period.

        One that waits is taken back.
        """
        if self._orders.get(number) == order:
            self.supervisor.stop(reason, number)

    def close(self) -> None:
        """End whatever runs and the supervisor with it."""
        self.supervisor.close(CLOSING)
