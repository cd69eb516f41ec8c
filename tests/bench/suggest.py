"""CPU time of a suggestion after 100, 1,000 and 10,000 finished trials, with eight running."""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

from hpo.sweepfile.load import load_sweep
from hpo.sweepfile.search import METHODS
from hpo.tune.searchers import ModelSearcher
from hpo.tune.translate import searcher
from tests.bench.table import Goal, Options, number, show, show_goals

PARAMETERS: dict[str, Any] = {
    **{f"x{n}": {"min": 0.0, "max": 1.0} for n in range(4)},
    **{f"n{n}": {"min": 1, "max": 64} for n in range(2)},
    "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 0.1},
    "batch": {"values": [16, 32, 64, 128]},
    "kind": {"values": ["a", "b", "c"]},
    "q": {"distribution": "q_normal", "q": 0.5},
}
RUNNING = 8
BOUND = 1000.0
"""CPU milliseconds that a suggestion may take after 10,000 trials."""


def main(options: Options) -> None:
    """Measure each method at each size."""
    os.environ["OMP_NUM_THREADS"] = "1"  # as Ray sets it for the side process that suggests in a run
    sizes = (12, 24) if options.quick else (100, 1000, 10_000)
    methods = [name for name in METHODS if name not in ("grid", "bayes")]
    figures = {name: [milliseconds(name, size, options.times(9)) for size in sizes] for name in methods}
    rows = [[name, *(number(value) for value in values)] for name, values in figures.items()]
    title = f"CPU ms a suggestion, {len(PARAMETERS)} parameters, {RUNNING} trials running"
    show(title, ["method", *(f"{size:,} trials" for size in sizes)], rows)
    show_goals(
        Goal(f"{name}: CPU ms a suggestion after {sizes[-1]:,} trials", values[-1], BOUND, at_most=True)
        for name, values in figures.items()
    )


def milliseconds(method: str, size: int, repeats: int) -> float:
    """Median CPU time of a suggestion once `size` trials have ended; the first two load what they need."""
    search: Any = searcher(
        load_sweep(
            {
                "method": method,
                "metric": {"name": "loss"},
                "parameters": PARAMETERS,
                "early_terminate": {"type": "hyperband", "min_iter": 1},
                "hpo": {"search": {"random_fraction": 0} if method == "bohb" else {}},
            }
        ),
        seed=1,
    )
    if isinstance(search, ModelSearcher):
        usual, search.startup = search.startup, size + RUNNING
    losses: dict[int, float] = {}
    times: list[float] = []
    for trial in range(size + RUNNING + repeats + 2):
        if trial == size + RUNNING and isinstance(search, ModelSearcher):
            search.startup = usual
        begin = time.process_time()
        config = search.suggest(str(trial))
        times.append(1000 * (time.process_time() - begin))
        losses[trial] = sum((config[f"x{n}"] - 0.3) ** 2 for n in range(4)) + abs(config["q"])
        if trial >= RUNNING:
            told = {"loss": losses.pop(trial - RUNNING), "training_iteration": 1}
            search.on_trial_complete(str(trial - RUNNING), told)
    return statistics.median(times[-repeats:])
