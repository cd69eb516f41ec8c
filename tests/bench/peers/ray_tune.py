"""Ray Tune as it is, or with its fastest plain settings: `ray_tune defaults|tuned KIND COUNT`."""

from __future__ import annotations

import os
import sys
from typing import Any

SETTINGS = {"TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1", "TUNE_GLOBAL_CHECKPOINT_S": "1000000"}
"""No logger files and no snapshots; read when Tune is imported."""


def main() -> None:
    """Two CPUs, one a trial; random search."""
    tuned, kind, count = sys.argv[1] == "tuned", sys.argv[2], int(sys.argv[3])
    os.environ.update(SETTINGS if tuned else {})
    import ray
    from ray import tune

    from tests.bench.work import worker

    work = worker(kind)

    def train(config: dict[str, Any]) -> None:
        tune.report({"loss": work(config["x"])})

    ray.init(num_cpus=2)
    quiet: dict[str, Any] = {"verbose": 0} if tuned else {}
    tuner = tune.Tuner(
        train,
        param_space={"x": tune.uniform(0.0, 1.0)},
        tune_config=tune.TuneConfig(metric="loss", mode="min", num_samples=count, reuse_actors=tuned),
        run_config=tune.RunConfig(storage_path=os.getcwd(), **quiet),
    )
    results = tuner.fit()
    assert not results.errors, results.errors


if __name__ == "__main__":
    main()
