"""How far from the minimum a search ends: ours, the same Optuna sampler by itself, Ray's OptunaSearch."""

from __future__ import annotations

import multiprocessing
import os
import random
import statistics
import sys
import warnings
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from tests.bench.functions import FUNCTIONS, Function
from tests.bench.table import Goal, Options, number, show, show_goals

OURS = ("random", "qmc", "tpe", "gp", "cmaes", "bohb")
DIRECT = ("random", "qmc", "tpe", "gp", "cmaes")
ROWS = (*(f"hpo {name}" for name in OURS), *(f"Optuna {name}" for name in DIRECT), "Ray OptunaSearch")
AT_ONCE = (1, 8)
ALPHA = 0.05
"""Chance of calling any of ours worse than Optuna where none is, over all comparisons together."""


class Search(Protocol):
    """Whatever proposes configurations and is told their values."""

    def ask(self, trial: int) -> dict[str, Any]:
        """The configuration of a trial."""

    def tell(self, trial: int, value: float) -> None:
        """A trial's value, the smaller the better."""


@dataclass(frozen=True)
class Task:
    """One search."""

    row: str
    function: int
    at_once: int
    seed: int
    trials: int


class Ours:
    """A searcher of hpo's."""

    def __init__(self, method: str, function: Function, seed: int) -> None:
        from hpo.sweepfile.load import load_sweep
        from hpo.tune.translate import searcher

        sweep = {"method": method, "metric": {"name": "loss"}, "parameters": function.parameters}
        self.searcher = searcher(load_sweep(sweep), seed)

    def ask(self, trial: int) -> dict[str, Any]:
        return dict(self.searcher.suggest(str(trial)))

    def tell(self, trial: int, value: float) -> None:
        self.searcher.on_trial_complete(str(trial), {"loss": value, "training_iteration": 1})


class Direct:
    """A sampler of Optuna's, used as its manual says."""

    def __init__(self, name: str, function: Function, seed: int) -> None:
        import optuna

        samplers: dict[str, Callable[[], Any]] = {
            "random": lambda: optuna.samplers.RandomSampler(seed=seed),
            "qmc": lambda: optuna.samplers.QMCSampler(scramble=True, seed=seed),
            "tpe": lambda: optuna.samplers.TPESampler(
                multivariate=True, group=True, constant_liar=True, seed=seed
            ),
            "gp": lambda: optuna.samplers.GPSampler(seed=seed),
            "cmaes": lambda: optuna.samplers.CmaEsSampler(seed=seed),
        }
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.study = optuna.create_study(sampler=samplers[name]())
        self.function = function
        self.running: dict[int, Any] = {}

    def ask(self, trial: int) -> dict[str, Any]:
        self.running[trial] = self.study.ask()
        return defined(self.running[trial], self.function.parameters)

    def tell(self, trial: int, value: float) -> None:
        self.study.tell(self.running.pop(trial), value)


class Rays:
    """Ray Tune's own wrapper of Optuna, with its default sampler."""

    def __init__(self, function: Function, seed: int) -> None:
        from ray.tune.search.optuna import OptunaSearch

        def space(trial: Any) -> None:
            defined(trial, function.parameters)

        self.searcher = OptunaSearch(space=space, metric="loss", mode="min", seed=seed)

    def ask(self, trial: int) -> dict[str, Any]:
        return dict(self.searcher.suggest(str(trial)))

    def tell(self, trial: int, value: float) -> None:
        self.searcher.on_trial_complete(str(trial), {"loss": value, "training_iteration": 1})


def defined(trial: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Ask a trial of Optuna's for each parameter that is there."""
    config: dict[str, Any] = {}
    for name, entry in parameters.items():
        if any(config.get(other) != value for other, value in entry.get("when", {}).items()):
            continue
        if "values" in entry:
            config[name] = trial.suggest_categorical(name, entry["values"])
        elif "distribution" in entry:
            log = entry["distribution"] == "log_uniform_values"
            config[name] = trial.suggest_float(name, entry["min"], entry["max"], log=log)
        else:
            config[name] = trial.suggest_int(name, entry["min"], entry["max"])
    return config


def made(row: str, function: Function, seed: int) -> Search:
    """The search of a row."""
    kind, _, name = row.partition(" ")
    if kind == "hpo":
        return Ours(name, function, seed)
    return Direct(name, function, seed) if kind == "Optuna" else Rays(function, seed)


def regret(task: Task) -> float:
    """How far the configuration that looked best is from the minimum, without noise."""
    warnings.simplefilter("ignore")
    function, generator = FUNCTIONS[task.function], random.Random(task.seed)
    search = made(task.row, function, task.seed)
    running: deque[tuple[int, dict[str, Any]]] = deque()
    seen: list[tuple[float, float]] = []
    for trial in range(task.trials + task.at_once - 1):
        if trial < task.trials:
            running.append((trial, search.ask(trial)))
        if trial < task.at_once - 1:
            continue
        ended, config = running.popleft()
        value = function.told(config, generator)
        search.tell(ended, value)
        seen.append((value, function.value(config)))
    return min(seen)[1] - function.lowest


def main(options: Options) -> None:
    """Run all searches, as many at once as there are CPUs; a table a function and degree of parallelism."""
    seeds = options.seeds or (2 if options.quick else 10)
    trials = options.trials or (12 if options.quick else 100)
    rows = [row for row in ROWS if options.peers or row.startswith("hpo")]
    tasks = [
        Task(row, function, at_once, seed, trials)
        for at_once in AT_ONCE
        for function in range(len(FUNCTIONS))
        for seed in range(seeds)
        for row in rows
    ]
    os.environ["OMP_NUM_THREADS"] = "1"
    found: dict[Task, float] = {}
    processes = 1 if options.quick else os.cpu_count()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        for task, value in zip(tasks, pool.map(regret, tasks, chunksize=4), strict=True):
            found[task] = value
            if len(found) % 100 == 0:
                print(f"  {len(found)}/{len(tasks)} searches", file=sys.stderr, flush=True)
    report(found, rows, trials)


def report(found: Mapping[Task, float], rows: list[str], trials: int) -> None:
    """Medians and quartiles, and which of ours are worse than Optuna beyond noise."""
    worse: list[str] = []
    compared = sum(f"Optuna {name}" in rows for name in OURS) * len(AT_ONCE) * len(FUNCTIONS)
    for at_once in AT_ONCE:
        for place, function in enumerate(FUNCTIONS):
            values = {
                row: [v for t, v in found.items() if (t.row, t.function, t.at_once) == (row, place, at_once)]
                for row in rows
            }
            lines = []
            for row, regrets in values.items():
                chance = worse_by_chance(regrets, values.get(row.replace("hpo", "Optuna"), []), row)
                if chance is not None and chance < ALPHA / compared:
                    worse.append(f"{row} on {function.name}, {at_once} at once")
                lines.append([row, *map(number, quartiles(regrets)), number(chance, 2)])
            title = f"{function.name}: regret after {trials} trials, {at_once} at once"
            show(title, ["search", "median", "low quartile", "high quartile", "p(worse by chance)"], lines)
    for text in worse:
        print(f"worse beyond noise: {text}")
    show_goals([Goal("searches worse than Optuna's own beyond noise", float(len(worse)), 0, at_most=True)])


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Median, low and high quartile."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return middle, low, high


def worse_by_chance(ours: list[float], theirs: list[float], row: str) -> float | None:
    """Chance of values so much higher than theirs if both are alike (Mann and Whitney's test, one-sided)."""
    if not theirs or not row.startswith("hpo"):
        return None
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(ours, theirs, alternative="greater").pvalue)
