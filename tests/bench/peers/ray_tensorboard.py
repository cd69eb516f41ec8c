"""Ray Tune with some of its loggers: `ray_tensorboard TRIALS ROWS none|tbx|defaults`; CPU, files."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import ray

from tests.bench.measure import note
from tests.bench.peers.ray_tune import SETTINGS


def fit(trials: int, rows: int, loggers: str, name: str) -> None:
    """Run trials, two at a time on two CPUs."""
    from ray import tune
    from ray.tune.logger import TBXLoggerCallback

    def train(config: dict[str, Any]) -> None:
        for step in range(rows):
            value = 1 / (step + 1)
            tune.report({"loss": value, "acc": value, "train_loss": value, "lr": 0.1, "norm": value})

    callbacks = [TBXLoggerCallback()] if loggers == "tbx" else []
    results = tune.Tuner(
        tune.with_resources(train, {"cpu": 0.5}),
        param_space={"x": tune.uniform(0.0, 1.0)},
        tune_config=tune.TuneConfig(metric="loss", mode="min", num_samples=trials),
        run_config=tune.RunConfig(name=name, storage_path=os.getcwd(), callbacks=callbacks, verbose=0),
    ).fit()
    assert not results.errors, results.errors


def main() -> None:
    """A first run, so that all that is loaded once is loaded; then the one that is measured."""
    trials, rows, loggers = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    os.environ.update(SETTINGS if loggers != "defaults" else {})
    ray.init(num_cpus=2)
    fit(1, 1, loggers, "first")
    began, cpu = time.monotonic(), time.process_time()
    fit(trials, rows, loggers, "run")
    figures = {"seconds": time.monotonic() - began, "cpu": time.process_time() - cpu, "writer": 0.0}
    files = list(Path("run").rglob("events.out.tfevents*"))
    note(**figures, bytes=sum(path.stat().st_size for path in files), files=len(files))


if __name__ == "__main__":
    main()
