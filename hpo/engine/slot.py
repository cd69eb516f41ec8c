"""The actor of one slot: trials in, events out. It lives for the whole run and imports no Ray Tune."""

from __future__ import annotations

import os
import socket
from typing import Any

import ray

from hpo.trial.launch import Supervisor, SupervisorDied, spawn
from hpo.trial.recipe import Recipe
from hpo.trial.spec import Resume

CLOSING = 5.0
"""Seconds for a supervisor to end once its trial has ended."""
Start = tuple[int, int, dict[str, Any], Resume | None]
"""Number, attempt and configuration of a trial, and where it goes on."""


class Slot:
    """Runs trials, one after another, in a supervisor process of its own; `stop` is called while it polls."""

    def __init__(self, recipe: Recipe, function: bytes | None = None) -> None:
        self.recipe, self.function = recipe, function
        self.supervisor: Supervisor = spawn()
        devices = os.environ.get("CUDA_VISIBLE_DEVICES")
        self.devices = {} if devices is None else {"CUDA_VISIBLE_DEVICES": devices}

    def node(self) -> tuple[str, str]:
        """Host name, for the record, and the node's number in Ray."""
        return socket.gethostname(), ray.get_runtime_context().get_node_id()

    def run(self, starts: list[Start], timeout: float) -> list[dict[str, Any]]:
        """Take on trials, after those that are still waiting here, and poll.

        A trial sees the GPUs that Ray gave this actor, or those of this node: never those of the driver's.
        """
        if not self.supervisor.alive():
            self.supervisor = spawn()
        try:
            for start in starts:
                spec = self.recipe.build(*start)
                spec.env.update(self.devices)
                self.supervisor.start(spec, self.function)
        except SupervisorDied as error:
            return [{"event": "lost", "reason": str(error)}]
        return self.poll(timeout)

    def poll(self, timeout: float) -> list[dict[str, Any]]:
        """All events since the last call; waits at most `timeout` seconds for one.

        An event «lost» without a trial says that the supervisor died, with all trials that it had.
        """
        try:
            return self.supervisor.events(timeout)
        except SupervisorDied as error:
            return [{"event": "lost", "reason": str(error)}]

    def stop(self, number: int, reason: str) -> None:
        """End a trial: SIGTERM to its group, SIGKILL after its grace period; one that waits is taken back."""
        self.supervisor.stop(reason, number)

    def close(self) -> None:
        """End whatever runs and the supervisor with it."""
        self.supervisor.close(CLOSING)
