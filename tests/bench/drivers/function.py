"""hpo.run with a training function: `function COUNT`."""

from __future__ import annotations

import os
import sys
from typing import Any

import hpo
from tests.bench.work import trivial


def train(config: dict[str, Any]) -> None:
    """One trial."""
    hpo.report({"loss": trivial(config["x"])})


def main() -> None:
    """Random search, 2 at a time."""
    sweep = {
        "method": "random",
        "metric": {"name": "loss"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "run_cap": int(sys.argv[1]),
    }
    result = hpo.run(sweep, train, out="run", concurrency=2, address=os.environ.get("RAY_ADDRESS"))
    assert all(trial.state == "finished" for trial in result.trials), result.trials[0].reason


if __name__ == "__main__":
    main()
