"""Ray Tune's TensorBoard logger, driven by hand with the results of a run: `ray_logger RUN TARGET`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from ray.tune.logger import TBXLoggerCallback

from hpo.record.metrics import read_rows
from hpo.record.trials import load_run
from tests.bench.measure import note


class Trial:
    """What the logger asks of a trial."""

    def __init__(self, place: Path, config: dict[str, Any]) -> None:
        self.local_path, self.evaluated_params = str(place), config

    def init_local_path(self) -> None:
        Path(self.local_path).mkdir(parents=True, exist_ok=True)


def main() -> None:
    """Lists are left out: with them the logger's columns have no type."""
    record, target = load_run(sys.argv[1]), Path(sys.argv[2])
    logger, began = TBXLoggerCallback(), time.monotonic()
    for one in record.trials:
        config = {name: value for name, value in one.config.items() if isinstance(value, (int, float))}
        trial: Any = Trial(target / f"train_{one.number:05d}", config)
        logger.log_trial_start(trial)
        for iteration, row in enumerate(read_rows(record.directory, one.number), 1):
            usual = {"training_iteration": iteration, "time_this_iter_s": 1.0, "time_since_restore": 1.0}
            more = {"iterations_since_restore": iteration, "done": False, "timesteps_total": None}
            logger.log_trial_result(iteration, trial, {**usual, **more, **row})
        logger.log_trial_end(trial)
    note(seconds=time.monotonic() - began)


if __name__ == "__main__":
    main()
