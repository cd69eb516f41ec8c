"""What a logged row costs a script: µs a call at 10,000 rows a second. `row_cost --log=WAY --rows=N`."""

from __future__ import annotations

import importlib
import json
import os
import statistics
import sys
import time
from typing import Any

BLOCKS = 40
"""Parts of the run; the median one is what counts, since other processes interrupt some."""
PACE = 1e-4
"""Seconds from row to row."""


def logger(way: str) -> Any:
    """The call that logs a row."""
    if way == "nothing":
        return dict
    if way == "hpo.report":
        import hpo

        return hpo.report
    wandb = importlib.import_module("hpo.trial.standin.wandb" if way == "stand-in" else "wandb")
    wandb.init()
    return wandb.log


def main() -> None:
    """Log at an even pace and time the calls alone."""
    words = " ".join(sys.argv).replace("=", " ").split()
    way, rows = words[words.index("--log") + 1], int(words[words.index("--rows") + 1])
    log = logger(way)
    clock = time.perf_counter
    spent, due = [0.0] * BLOCKS, clock()
    for step in range(rows):
        due += PACE
        while clock() < due:
            pass
        began = clock()
        log({"loss": 1.0 / (step + 1), "step": step})
        spent[step * BLOCKS // rows] += clock() - began
    with open(os.environ["BENCH_FIGURES"], "a") as file:
        file.write(json.dumps({way: 1e6 * statistics.median(spent) * BLOCKS / rows}) + "\n")


if __name__ == "__main__":
    main()
