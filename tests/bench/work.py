"""The work of one trial for rows that call a function, and a script called as one."""

from __future__ import annotations

import os
import runpy
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.bench.measure import EVENTS, SCRIPTS

SCRIPT_OF = {"script": SCRIPTS / "trivial.py", "torch": SCRIPTS / "torch_steps.py"}
"""Kind of work → the training script."""


def trivial(x: float) -> float:
    """The least that a trial can be: its metric."""
    began = time.time()
    with open(os.environ[EVENTS], "a") as events:
        events.write(f"{began} {time.time()}\n")
    return x


def script(kind: str, x: float) -> float:
    """A training script run in this very process; what it imports stays for the next one."""
    path = str(SCRIPT_OF[kind])
    sys.argv = [path, f"--x={x}"]
    found: dict[str, Any] = runpy.run_path(path, run_name="__main__")
    return float(found["loss"])


def worker(kind: str) -> Callable[[float], float]:
    """The function that does a kind of work in a process that other tools keep."""
    return trivial if kind == "function" else lambda x: script(kind, x)


def log_rows(rows: int, report: Callable[[dict[str, Any]], object]) -> None:
    """A trial that does nothing but report, the same values in every trial."""
    began = time.time()
    for step in range(1, rows + 1):
        report({"loss": 1.0 / step, "step": step})
    with open(os.environ[EVENTS], "a") as events:
        events.write(f"{began} {time.time()}\n")
