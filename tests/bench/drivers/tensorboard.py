"""hpo.run with TensorBoard's files or without: `tensorboard TRIALS ROWS SECONDS on|off`; CPU, files."""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import hpo
from hpo.engine.cluster import connected
from tests.bench.measure import note


def children() -> float:
    """CPU seconds of processes that this one has started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Trials that log rows of five metrics, each row `seconds` after the one before."""
    trials, rows, seconds, on = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "on"

    def train(config: dict[str, Any]) -> None:
        for step in range(rows):
            time.sleep(seconds)
            value = 1 / (step + 1)
            hpo.report({"loss": value, "acc": value, "train_loss": value, "lr": 0.1, "norm": value})

    sweep = {
        "method": "random",
        "metric": {"name": "loss"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "run_cap": trials,
        "hpo": {"resources": {"cpu": 0.5}, "tensorboard": on},
    }
    with connected(os.environ.get("RAY_ADDRESS")):
        hpo.run(sweep, lambda: {"loss": 1.0}, out="first", count=1)  # what is loaded once is loaded now
        began, cpu, others = time.monotonic(), time.process_time(), children()
        result = hpo.run(sweep, train, out="run")
        figures = {
            "seconds": time.monotonic() - began,
            "cpu": time.process_time() - cpu,
            "writer": children() - others,
        }
    assert all(trial.iterations == rows for trial in result.trials), "a trial has lost rows"
    files = [path for path in Path("run/tensorboard").rglob("events*") if path.parent.name.startswith("t")]
    note(**figures, bytes=sum(path.stat().st_size for path in files), files=len(files))


if __name__ == "__main__":
    main()
