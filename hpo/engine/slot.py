"""The actor of one slot: trials in, events out. It lives for the whole run and imports no Ray Tune."""

from __future__ import annotations

import os
import socket
from typing import Any

import ray

from hpo.trial.launch import Supervisor, SupervisorDied, spawn
from hpo.trial.spec import TrialSpec

CLOSING = 5.0
"""Seconds for a supervisor to end once its trial has ended."""


class Slot:
    """Runs one trial at a time in a supervisor process of its own; `poll` is called while others go on."""

    def __init__(self, function: bytes | None = None) -> None:
        self.function = function
        self.supervisor: Supervisor = spawn()

    def node(self) -> str:
        """Host name, for the record."""
        return socket.gethostname()

    def run(self, spec: dict[str, Any], timeout: float) -> list[dict[str, Any]]:
        """Start a trial and poll; the GPUs that Ray gave this actor are the ones that the trial sees."""
        if not self.supervisor.alive():
            self.supervisor = spawn()
        devices = os.environ.get("CUDA_VISIBLE_DEVICES")
        if devices and ray.get_gpu_ids():
            spec["env"]["CUDA_VISIBLE_DEVICES"] = devices
        try:
            self.supervisor.start(TrialSpec.from_dict(spec), self.function)
        except SupervisorDied as error:
            return [{"event": "lost", "reason": str(error)}]
        return self.poll(timeout)

    def poll(self, timeout: float) -> list[dict[str, Any]]:
        """All events since the last call; waits at most `timeout` seconds for one.

        An event «lost» says that the supervisor died under the trial, through no fault of the trial's.
        """
        try:
            return self.supervisor.events(timeout)
        except SupervisorDied as error:
            return [{"event": "lost", "reason": str(error)}]

    def stop(self, reason: str) -> None:
        """End the running trial: SIGTERM to its group, SIGKILL after its grace period."""
        self.supervisor.stop(reason)

    def close(self) -> None:
        """End whatever runs and the supervisor with it."""
        self.supervisor.close(CLOSING)
