"""One long hpo.run of functions: `scale METHOD COUNT… [KEY=VALUE]`; what it has cost at each count."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import hpo
from hpo.record.trials import RunState
from tests.bench.marks import Marks
from tests.bench.measure import note


def main() -> None:
    """2 at a time; the marks stand in one run, so that no start-up is in their differences."""
    method, counts = sys.argv[1], [int(word) for word in sys.argv[2:] if word.isdigit()]
    settings = dict(word.split("=") for word in sys.argv[2:] if "=" in word)
    marks = Marks(counts)

    def watch(state: RunState) -> None:
        marks.reached(len(state.ended_trials))

    def train(config: dict[str, Any]) -> dict[str, float]:
        return {"loss": (config["x"] - 0.3) ** 2 + config["y"]}

    sweep = {
        "method": method,
        "metric": {"name": "loss"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}},
        "run_cap": counts[-1],
        "hpo": settings,
    }
    address = os.environ.get("RAY_ADDRESS")
    hpo.run(sweep, train, out="run", concurrency=2, watch=watch, address=address)
    files = sum(1 for path in Path("run", "trials").rglob("*") if path.is_file())
    note(marks=marks.found, files=files / counts[-1])


if __name__ == "__main__":
    main()
