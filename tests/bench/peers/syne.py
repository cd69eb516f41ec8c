"""Syne Tune's LocalBackend with 2 workers: `syne KIND COUNT`."""

# mypy: disable-error-code="import-not-found,import-untyped,unused-ignore"

from __future__ import annotations

import sys

from syne_tune import StoppingCriterion, Tuner
from syne_tune.backend import LocalBackend
from syne_tune.config_space import uniform
from syne_tune.optimizer.baselines import RandomSearch

from tests.bench.work import SCRIPT_OF

SLEEP = 0.01
"""Seconds between looks at the workers; 5 by default, and below this the looking itself slows trials down."""


def main() -> None:
    """Random search; no results table on the way, no pickles of the tuner."""
    path, count = str(SCRIPT_OF[sys.argv[1]]), int(sys.argv[2])
    tuner = Tuner(
        trial_backend=LocalBackend(entry_point=path, rotate_gpus=False),
        scheduler=RandomSearch({"x": uniform(0.0, 1.0)}, metrics=["loss"]),
        stop_criterion=StoppingCriterion(max_num_trials_finished=count),
        n_workers=2,
        sleep_time=SLEEP,
        results_update_interval=1e6,
        print_update_interval=1e6,
        save_tuner=False,
    )
    tuner.run()


if __name__ == "__main__":
    main()
