"""How busy 64 slots are kept on one, two and four Ray nodes, all on this machine, by trials that sleep."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from functools import partial

from tests.bench.measure import PYTHON, SCRIPTS, Run, Trial, median, run
from tests.bench.table import Goal, Options, Row, interleaved, number, show, show_goals

NODES = (1, 2, 4)


def _cluster(nodes: int, slots: int, trials: int, seconds: float) -> Run:
    sweep = {
        "program": str(SCRIPTS / "sleeper.py"),
        "method": "random",
        "metric": {"name": "loss"},
        "parameters": {"seconds": {"value": seconds}, "x": {"min": 0.0, "max": 1.0}},
        "run_cap": trials,
        "hpo": {"resources": {"cpu": 1}},
    }
    argv = [PYTHON, "-m", "tests.bench.drivers.nodes", str(nodes), str(slots)]
    return run(argv, files={"sweep.yaml": json.dumps(sweep)}, env={"RAY_AUTH_MODE": "disabled"})


def _by_slot(one: Run) -> list[list[Trial]]:
    """The trials of each slot, in the order of their ends."""
    slots: dict[int, list[Trial]] = {}
    for trial in one.trials:
        slots.setdefault(one.figures["slots"][str(trial.number)], []).append(trial)
    return list(slots.values())


def _share(one: Run, since: float, until: float, slots: int) -> float:
    """Percent of the slots' time between two moments in which a script ran."""
    busy = sum(max(0.0, min(trial.ended, until) - max(trial.began, since)) for trial in one.trials)
    return 100 * busy / (slots * (until - since))


def _whole(one: Run, slots: int) -> float:
    return _share(one, one.first, one.trials[-1].ended, slots)


def _steady(runs: Iterable[Run], slots: int) -> float | None:
    """From when every slot has had a trial to when the first slot has none left, where that comes after."""
    spans = [(one, one.first + _ramp(one), min(trials[-1].ended for trials in _by_slot(one))) for one in runs]
    shares = [_share(one, since, until, slots) for one, since, until in spans if until > since]
    return statistics.median(shares) if shares else None


def _ramp(one: Run) -> float:
    """Seconds from the first trial's start to that of the last slot's first trial."""
    return max(min(trial.began for trial in trials) for trials in _by_slot(one)) - one.first


def _table(measured: Iterable[tuple[str, list[Run]]], slots: int) -> list[list[str]]:
    lines = []
    for name, runs in measured:
        figures = [
            median(runs, lambda one: len(one.trials)),
            median(runs, lambda one: one.first - one.began),
            median(runs, _ramp),
            median(runs, lambda one: _whole(one, slots)),
            _steady(runs, slots),
        ]
        lines.append([name, *map(number, figures)])
    return lines


def main(options: Options) -> None:
    """Print the table, then the goals."""
    slots, trials, seconds = (4, 12, 0.5) if options.quick else (64, 2048, 2.0)
    counts = (2,) if options.quick else NODES
    names = {nodes: f"{nodes} node{'s' if nodes > 1 else ''} of {slots // nodes} slots" for nodes in counts}
    rows = [Row(names[nodes], partial(_cluster, nodes, slots, trials, seconds)) for nodes in counts]
    measured = interleaved(rows, options.times(2), options)
    show(
        f"{slots} slots, trials that sleep {seconds:g} s",
        ["", "trials", "s to first trial", "s to fill all slots", "busy %, whole", "busy %, steady"],
        _table(measured.items(), slots),
        [
            "busy: the time in which scripts ran, of all slots' time; nodes share this machine's cores",
            "whole: from the first start to the last end, filling and running dry included",
            "steady: from when every slot has had a trial to when the first slot has none left",
            "s to first trial: the start of the cluster's nodes is in it",
        ],
    )
    show_goals(
        Goal(
            f"{names[nodes]}: ≥ 95 % busy",
            _steady(measured[names[nodes]], slots),
            95,
        )
        for nodes in counts
    )
