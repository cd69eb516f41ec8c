"""Trials a second: a trivial script, a script that imports torch, and a function; 2 at a time everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.measure import PYTHON, Run, median, run
from tests.bench.peers.environment import peers_python
from tests.bench.table import Goal, Options, Row, interleaved, number, ratio, show, show_goals
from tests.bench.work import SCRIPT_OF

Medians = Mapping[str, float | None]


@dataclass(frozen=True)
class Counts:
    """Trials of a row; a rate is what is compared, so that slow rows may have fewer."""

    short: int = 1000
    """Of rows that take some milliseconds for each."""
    many: int = 200
    few: int = 24
    """Of rows that take about a second for each."""


TINY = Counts(4, 4, 2)
BARE, HPO, PLAIN, SYNE = "bare limit (fork)", "hpo", "plain subprocess", "Syne Tune, LocalBackend"
DEFAULTS, TUNED = "Ray Tune, defaults", "Ray Tune, best plain settings"
TITLES = {
    "script": "trivial script, one metric",
    "torch": "script that imports torch and wandb, two steps, one metric",
    "function": "training function, one metric",
}
NOTES = (
    "steady: from the first trial's start to the last one's end without the first quarter; whole: to exit",
    "bare limit: a loop that forks a parent with all imports done; no search, no record, no log",
    "Syne Tune looks every 0.01 s (default 5 s); Hydra and reused Ray actors keep imports from job to job",
)


def sweep(kind: str, count: int, **settings: object) -> str:
    """A random search over the script of a kind of work, as JSON, which is YAML."""
    whole = {
        "program": str(SCRIPT_OF[kind]),
        "method": "random",
        "metric": {"name": "loss"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "run_cap": count,
        "hpo": {"concurrency": 2, **settings},
    }
    return json.dumps(whole)


def hpo_run(sweep_text: str, *options: str) -> Run:
    """`hpo run` of a sweep file."""
    argv = [PYTHON, "-m", "hpo", "run", "sweep.yaml", "--out", "run", *options]
    return run(argv, files={"sweep.yaml": sweep_text})


def _module(name: str, *arguments: object) -> Callable[[], Run]:
    return lambda: run([PYTHON, "-m", f"tests.bench.{name}", *map(str, arguments)])


def _syne(kind: str, count: int) -> Run:
    argv = [peers_python(), "-m", "tests.bench.peers.syne", kind, str(count)]
    return run(argv, env={"SYNETUNE_FOLDER": "."})


def _hydra(kind: str, count: int) -> Run:
    values = ",".join(str((index + 0.5) / count) for index in range(count))
    job = [peers_python(), "-m", "tests.bench.peers.hydra_job", "--multirun", f"kind={kind}", f"x={values}"]
    return run([*job, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "hydra.sweep.dir=multirun"])


def _script_rows(kind: str, counts: Counts) -> list[Row]:
    fast, slow = (counts.many, counts.few) if kind == "torch" else (counts.short, counts.many)
    return [
        Row(BARE, _module("peers.bare", kind, fast)),
        Row(HPO, lambda: hpo_run(sweep(kind, fast))),
        Row("hpo, preload: off", lambda: hpo_run(sweep(kind, slow, preload="off")), peer=True),
        Row("hpo --engine tune", lambda: hpo_run(sweep(kind, counts.many), "--engine", "tune"), peer=True),
        Row(PLAIN, _module("peers.subprocesses", kind, slow)),
        Row("Optuna n_jobs=2, subprocess", _module("peers.optuna_jobs", kind, slow), peer=True),
        Row(SYNE, lambda: _syne(kind, slow), peer=True),
        Row("Hydra, joblib launcher", lambda: _hydra(kind, counts.many), peer=True),
        Row(TUNED, _module("peers.ray_tune", "tuned", kind, counts.many), peer=True),
        Row(DEFAULTS, _module("peers.ray_tune", "defaults", kind, counts.few), peer=True),
    ]


def _function_rows(counts: Counts) -> list[Row]:
    return [
        Row("hpo.run(train=function)", _module("drivers.function", counts.short)),
        Row(TUNED, _module("peers.ray_tune", "tuned", "function", counts.many), peer=True),
        Row(DEFAULTS, _module("peers.ray_tune", "defaults", "function", counts.few), peer=True),
    ]


def _table(kind: str, rows: Sequence[Row], against: str, options: Options) -> Medians:
    """Measure and print one kind of work; the steady rate of each row."""
    measured = interleaved(rows, options.times(3), options)
    steady = {name: median(runs, lambda one: one.steady) for name, runs in measured.items()}
    lines = []
    for name, runs in measured.items():
        times = ratio(steady[name], steady.get(against))
        count = str(len(runs[0].trials)) if runs else "failed"
        lines.append(
            [name, count, number(steady[name]), number(median(runs, lambda one: one.whole)), number(times)]
        )
    columns = ["", "n", "trials/s steady", "trials/s whole", f"x {against}"]
    show(f"{TITLES[kind]} (2 at a time, medians of {options.times(3)})", columns, lines, NOTES)
    return steady


def main(options: Options) -> None:
    """Print the three tables, then the goals."""
    counts = TINY if options.quick else Counts()
    if not options.quick:
        _table("script", _script_rows("script", counts), PLAIN, options)
    kind = "script" if options.quick else "torch"  # quick figures are not judged and need no import of torch
    torch = _table(kind, _script_rows(kind, counts), PLAIN, options)
    function = _table("function", _function_rows(counts), TUNED, options)
    ours = function["hpo.run(train=function)"]
    show_goals(
        [
            Goal("torch script, hpo ≥ 25x plain subprocess", ratio(torch[HPO], torch[PLAIN]), 25),
            Goal("torch script, hpo ≥ 25x Syne Tune", ratio(torch[HPO], torch.get(SYNE)), 25),
            Goal("torch script, bare limit ≤ 1.3x hpo", ratio(torch[BARE], torch[HPO]), 1.3, at_most=True),
            Goal("function, hpo ≥ 10x Ray Tune, best settings", ratio(ours, function.get(TUNED)), 10),
            Goal("function, hpo ≥ 500x Ray Tune, defaults", ratio(ours, function.get(DEFAULTS)), 500),
        ]
    )
