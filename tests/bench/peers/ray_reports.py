"""Ray Tune with functions that report: `ray_reports TRIALS ROWS defaults|tuned`; its CPU time."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import ray

from tests.bench.measure import note
from tests.bench.peers.ray_tune import SETTINGS
from tests.bench.work import log_rows


def fit(trials: int, rows: int, tuned: bool) -> list[float]:
    """Run trials, all at once, under ASHA, which stops none, since all report the same: when results came."""
    from ray import tune
    from ray.tune.schedulers import AsyncHyperBandScheduler

    times = []

    class Clock(tune.Callback):  # type: ignore[misc]
        def on_trial_result(self, *arguments: Any, **options: Any) -> None:
            times.append(time.time())

    def train(config: dict[str, Any]) -> None:
        log_rows(rows, tune.report)

    quiet: dict[str, Any] = {"verbose": 0} if tuned else {}
    results = tune.Tuner(
        tune.with_resources(train, {"cpu": 0.03}),
        param_space={"x": tune.uniform(0.0, 1.0)},
        tune_config=tune.TuneConfig(
            metric="loss",
            mode="min",
            num_samples=trials,
            reuse_actors=tuned,
            scheduler=AsyncHyperBandScheduler(grace_period=10, reduction_factor=3, max_t=max(rows, 10) + 1),
        ),
        run_config=tune.RunConfig(storage_path=os.getcwd(), callbacks=[Clock()], **quiet),
    ).fit()
    assert all(result.metrics["training_iteration"] == rows for result in results), results.errors
    return times


def main() -> None:
    """A first run, so that all that is loaded once is loaded; then the one that is measured."""
    trials, rows, tuned = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "tuned"
    os.environ.update(SETTINGS if tuned else {})
    ray.init(num_cpus=2)
    fit(1, 1, tuned)
    began, cpu = time.time(), time.process_time()
    came = fit(trials, rows, tuned)
    cpu = time.process_time() - cpu
    note(began=began, cpu=cpu, forwarded=len(came), first=came[0], last=came[-1], ended=came[-1])


if __name__ == "__main__":
    main()
