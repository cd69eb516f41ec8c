"""hpo.run of functions that log rows: `reports TRIALS ROWS rungs|every`; its CPU time and when rows came in.

`rungs` is a hyperband sweep as it is; with `every` each row is forwarded, as with --engine tune.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from typing import Any

import hpo
import hpo.engine.planning
from hpo.engine.cluster import connected
from hpo.engine.plan import Plan
from hpo.record.journal import read_journal
from hpo.trial.recipe import Recipe
from tests.bench.measure import note
from tests.bench.work import log_rows


class EveryRow(Plan):
    """A plan whose trials forward each iteration."""

    def recipe(self) -> Recipe:
        """As usual otherwise."""
        return replace(super().recipe(), milestones=None)


def main() -> None:
    """All trials at once; no trial is stopped, since all log the same values."""
    trials, rows = int(sys.argv[1]), int(sys.argv[2])
    if sys.argv[3] == "every":
        vars(hpo.engine.planning)["Plan"] = EveryRow

    def train(config: dict[str, Any]) -> None:
        log_rows(rows, hpo.report)

    sweep = {
        "method": "random",
        "metric": {"name": "loss"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "early_terminate": {"type": "hyperband", "min_iter": 10, "eta": 3},
        "run_cap": trials,
        "hpo": {"resources": {"cpu": 0.03}},
    }
    with connected(os.environ.get("RAY_ADDRESS")):
        hpo.run(sweep, lambda: {"loss": 1.0}, out="first", count=1)  # what is loaded once is loaded now
        began, cpu = time.time(), time.process_time()
        result = hpo.run(sweep, train, out="run", concurrency=trials)
        cpu = time.process_time() - cpu
    assert all(trial.iterations == rows for trial in result.trials), "a trial has lost rows or was stopped"
    events = read_journal("run")
    came = [event["time"] for event in events if event["event"] == "result"]
    ended = [event["time"] for event in events if event["event"] == "end"]
    note(began=began, cpu=cpu, forwarded=len(came), first=came[0], last=came[-1], ended=max(ended))


if __name__ == "__main__":
    main()
