"""The slots of runs on the Ray that this process is connected to."""

from __future__ import annotations

import time

import ray

PROMPT = 5.0
"""Seconds in which Ray's own account of free CPUs is right, as a rule."""


def await_no_slots(seconds: float = 60.0) -> None:
    """Return once no actor holds a CPU; AssertionError if that takes longer than `seconds`.

    Ray's account can stay behind until the next actor begins, although the node has its CPUs back: then a
    task that takes them all has the say.
    """
    whole = ray.cluster_resources()["CPU"]
    prompt = time.monotonic() + PROMPT
    while ray.available_resources().get("CPU") != whole:
        if time.monotonic() > prompt:
            _take_all(whole, seconds - PROMPT)
            return
        time.sleep(0.02)


def _take_all(whole: float, seconds: float) -> None:
    claim = ray.remote(num_cpus=whole, max_retries=0)(lambda: None).remote()
    ready, _ = ray.wait([claim], timeout=seconds)
    if not ready:
        ray.cancel(claim, force=True)
    assert ready, f"not all of {whole:g} CPUs are free: an actor was left behind"
