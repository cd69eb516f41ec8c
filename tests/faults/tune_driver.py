"""`tune_driver SWEEP COUNT [restore]`: the study in Ray Tune with its defaults; its trials go into RECORD."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from tests.faults.contenders import RECORD
from tests.faults.objective import STEPS, descend

NAME = "study"


def train(config: dict[str, Any]) -> None:
    """One trial, in an actor of its own."""
    descend(config["x"], lambda loss: tune.report({"loss": loss}))


def main() -> None:
    """Begin, or restore as Ray's documentation shows; one CPU a trial, two in all."""
    sweep, count, restored = sys.argv[1], int(sys.argv[2]), "restore" in sys.argv
    ray.init(address="local", num_cpus=2)
    where = Path.cwd()
    (where / RECORD).unlink(missing_ok=True)
    if restored:
        tuner = tune.Tuner.restore(str(where / NAME), train)
    else:
        chosen: dict[str, Any] = (
            {"search_alg": OptunaSearch()}
            if sweep == "TPE"
            else {"scheduler": ASHAScheduler(max_t=STEPS, grace_period=1, reduction_factor=3)}
        )
        tuner = tune.Tuner(
            train,
            param_space={"x": tune.uniform(0.0, 1.0)},
            tune_config=tune.TuneConfig(metric="loss", mode="min", num_samples=count, **chosen),
            run_config=tune.RunConfig(name=NAME, storage_path=str(where)),
        )
    trials = tuner.fit()._experiment_analysis.trials
    found = [{"x": trial.config.get("x"), "status": trial.status} for trial in trials]
    (where / RECORD).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
