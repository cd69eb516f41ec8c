"""Optuna, `n_jobs=2`, each objective starts the script and reads its output: `optuna_jobs KIND COUNT`."""

from __future__ import annotations

import json
import subprocess
import sys

import optuna

from tests.bench.work import SCRIPT_OF


def main() -> None:
    """In memory, random search."""
    path, count = str(SCRIPT_OF[sys.argv[1]]), int(sys.argv[2])

    def objective(trial: optuna.Trial) -> float:
        argv = [sys.executable, path, f"--x={trial.suggest_float('x', 0.0, 1.0)}"]
        said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        return float(json.loads(said.splitlines()[-1].partition(": ")[2])["loss"])

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler())
    study.optimize(objective, n_trials=count, n_jobs=2)


if __name__ == "__main__":
    main()
