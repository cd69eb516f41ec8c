"""One long run of functions in Ray Tune, as drivers/scale.py: `ray_scale METHOD defaults|tuned COUNT…`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from tests.bench.marks import Marks
from tests.bench.measure import note
from tests.bench.peers.ray_tune import SETTINGS


def main() -> None:
    """2 at a time."""
    method, tuned, counts = sys.argv[1], sys.argv[2] == "tuned", [int(word) for word in sys.argv[3:]]
    os.environ.update(SETTINGS if tuned else {})
    import ray
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    marks = Marks(counts)

    class Count(tune.Callback):  # type: ignore[misc]
        ended = 0

        def on_trial_complete(self, *arguments: Any, **options: Any) -> None:
            self.ended += 1
            marks.reached(self.ended)

    def train(config: dict[str, Any]) -> None:
        tune.report({"loss": (config["x"] - 0.3) ** 2 + config["y"]})

    ray.init(num_cpus=2)
    tuner = tune.Tuner(
        train,
        param_space={"x": tune.uniform(0.0, 1.0), "y": tune.uniform(0.0, 1.0)},
        tune_config=tune.TuneConfig(
            metric="loss",
            mode="min",
            num_samples=counts[-1],
            max_concurrent_trials=2,
            reuse_actors=tuned,
            search_alg=OptunaSearch() if method == "bayes" else None,
        ),
        run_config=tune.RunConfig(storage_path=str(Path.cwd()), name="run", callbacks=[Count()], verbose=0),
    )
    assert not tuner.fit().errors
    folders = [path for path in Path("run").iterdir() if path.is_dir()]
    files = sum(1 for folder in folders for path in folder.rglob("*") if path.is_file())
    note(marks=marks.found, files=files / counts[-1])


if __name__ == "__main__":
    main()
