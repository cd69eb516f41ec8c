"""From a command to the first trial's start, and to the prompt again; beside Ray's own start."""

from __future__ import annotations

import json
from functools import partial

from tests.bench.measure import PYTHON, ROOT, SCRIPTS, Run, median, run
from tests.bench.table import Goal, Options, Row, interleaved, number, show, show_goals
from tests.bench.trials import hpo_run, sweep

HPO, RAY = "hpo run, one trial", "ray.init() alone"
IDLE = 3.0
"""Seconds that a session is left idle to see its memory."""


def _ray(seconds: float = 0.0, memory: bool = False) -> Run:
    return run([PYTHON, str(SCRIPTS / "ray_up.py"), str(seconds)], memory=memory)


def _asleep() -> Run:
    """One trial that only sleeps."""
    whole = {
        "program": str(SCRIPTS / "sleeper.py"),
        "method": "grid",
        "metric": {"name": "loss"},
        "parameters": {"seconds": {"value": IDLE}},
    }
    argv = [PYTHON, "-m", "hpo", "run", "sweep.yaml", "--out", "run"]
    return run(argv, files={"sweep.yaml": json.dumps(whole)}, memory=True)


def _check() -> Run:
    return run([PYTHON, "-m", "hpo", "check", str(ROOT / "configs/digits/bayes-hyperband.yaml")])


def _first(one: Run) -> float:
    """Seconds from the command to the first trial's start."""
    return one.first - one.began


def main(options: Options) -> None:
    """Print both tables, then the goal."""
    repeats = options.times(7)
    rows = [
        Row("hpo check", _check),
        Row(HPO, partial(hpo_run, sweep("script", 1))),
        Row(RAY, _ray),
    ]
    measured = interleaved(rows, repeats, options)
    lines = []
    for name, runs in measured.items():
        first = median([one for one in runs if one.trials], _first)
        lines.append([name, number(first), number(median(runs, lambda one: one.seconds))])
    title = f"start-up in seconds, medians of {repeats} interleaved repeats"
    show(title, ["", "to the first trial, or ray.init's return", "to exit"], lines)

    if not options.quick:
        _show_memory(options)
    ours, theirs = (median(measured[name], _first) for name in (HPO, RAY))
    more = None if ours is None or theirs is None else ours - theirs
    show_goals([Goal("first trial ≤ ray.init() + 1 s", more, 1, at_most=True)])


def _show_memory(options: Options) -> None:
    rows = [Row(HPO, _asleep), Row(RAY, partial(_ray, IDLE, True))]
    asleep = interleaved(rows, options.times(2), options)
    lines = [[name, number(median(runs, lambda one: one.memory / 1e6))] for name, runs in asleep.items()]
    show("memory of the session, all its processes", ["", "MB (PSS, highest)"], lines)
