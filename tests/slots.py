"""The slots of runs on the Ray that this process is connected to."""

from __future__ import annotations

import time

import ray


def await_no_slots(seconds: float = 60.0) -> None:
    """Return once no actor holds a CPU; AssertionError if that takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while (free := ray.available_resources().get("CPU")) != (whole := ray.cluster_resources()["CPU"]):
        assert time.monotonic() < deadline, f"{free} of {whole} CPUs are free: an actor was left behind"
        time.sleep(0.02)
