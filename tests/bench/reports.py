"""Logged rows: what they cost the driver and the script, and how fast they come in."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from functools import partial

from tests.bench.measure import PYTHON, SCRIPTS, Run, median, run
from tests.bench.table import Goal, Options, Row, interleaved, number, ratio, show, show_goals

Measured = Mapping[str, list[Run]]
AT_ONCE = (1, 8, 64)
NAMES = {"hpo": "hpo", "defaults": "Ray Tune, defaults", "tuned": "Ray Tune, best plain settings"}
COSTS = {
    "script alone": ("nothing", "nothing"),
    "hpo.report in a trial": ("trials", "hpo.report"),
    "wandb.log (disabled) alone": ("wandb", "wandb"),
    "wandb.log (disabled) in a trial": ("trials", "wandb"),
    "stand-in's wandb.log in a trial": ("trials", "stand-in"),
}
"""What a row costs → the run that tells it, and how the script logs there."""


def _hpo(trials: int, rows: int, forward: str) -> Run:
    return run([PYTHON, "-m", "tests.bench.drivers.reports", str(trials), str(rows), forward])


def _ray(trials: int, rows: int, settings: str) -> Run:
    return run([PYTHON, "-m", "tests.bench.peers.ray_reports", str(trials), str(rows), settings])


def _seconds(one: Run) -> float:
    """From the first logged row to the driver's knowing that the last trial has ended."""
    first = min(trial.began for trial in one.trials if trial.began >= one.figures["began"])
    return float(one.figures["ended"] - first)


def _under_hyperband(rows: int, at_once: tuple[int, ...], options: Options) -> Measured:
    measured: dict[str, list[Run]] = {}
    lines = []
    for trials in at_once:
        ways = [
            Row(f"{NAMES['hpo']}, {trials}", partial(_hpo, trials, rows, "rungs")),
            Row(f"{NAMES['defaults']}, {trials}", partial(_ray, trials, rows, "defaults"), peer=True),
        ]
        found = interleaved(ways, options.times(3 if trials < 64 else 1), options)
        for name, runs in found.items():
            speed = ratio(trials * rows, median(runs, _seconds))
            cpu = median(runs, lambda one: one.figures["cpu"])
            forwarded = median(runs, lambda one: one.figures["forwarded"])
            each = None if cpu is None else 1e6 * cpu / trials / rows
            lines.append([name, number(forwarded), number(speed), number(cpu), number(each)])
        measured |= found
    show(
        f"{rows} rows a trial under hyperband (min_iter 10, eta 3)",
        ["", "rows at driver", "rows/s", "driver CPU s", "driver CPU µs/row"],
        lines,
        [
            "the number is that of trials, all at once; all log the same values, so that none is stopped",
            "driver CPU: that process alone, a second run in it (imports are done), actor starts included",
        ],
    )
    return measured


def _every_row(rows: int, options: Options) -> Measured:
    ways = [
        Row(NAMES["hpo"], partial(_hpo, 4, rows, "every")),
        Row(NAMES["tuned"], partial(_ray, 4, rows, "tuned"), peer=True),
        Row(NAMES["defaults"], partial(_ray, 4, rows, "defaults"), peer=True),
    ]
    measured = interleaved(ways, options.times(3), options)
    lines = []
    for name, runs in measured.items():
        cpu = median(runs, lambda one: 1e6 * one.figures["cpu"] / one.figures["forwarded"])
        lines.append([name, number(median(runs, _arrivals)), number(cpu)])
    show(
        f"every row forwarded to the driver: 4 trials of {rows} rows",
        ["", "results/s", "driver CPU µs/result"],
        lines,
        ["hpo: no list of rungs, so that each row goes to the driver, its scheduler and its record"],
    )
    return measured


def _arrivals(one: Run) -> float:
    return float(one.figures["forwarded"] / (one.figures["last"] - one.figures["first"]))


def _alone(way: str, rows: int) -> Run:
    return run([PYTHON, str(SCRIPTS / "row_cost.py"), f"--log={way}", f"--rows={rows}"])


def _trials(ways: list[str], rows: int) -> Run:
    """The same script in trials of hpo, one after the other."""
    sweep = {
        "program": str(SCRIPTS / "row_cost.py"),
        "method": "grid",
        "metric": {"name": "loss"},
        "parameters": {"log": {"values": ways}, "rows": {"value": rows}},
        "hpo": {"concurrency": 1},
    }
    argv = [PYTHON, "-m", "hpo", "run", "sweep.yaml", "--out", "run"]
    return run(argv, files={"sweep.yaml": json.dumps(sweep)})


def _micros(way: str, one: Run) -> float:
    return float(one.figures[way])


def _in_the_script(rows: int, options: Options) -> dict[str, float | None]:
    real = ["wandb"] if importlib.util.find_spec("wandb") else []
    ways = [Row(way, partial(_alone, way, rows)) for way in ["nothing", *real]]
    ways.append(Row("trials", partial(_trials, ["hpo.report", "stand-in", *real], rows)))
    measured = interleaved(ways, options.times(5), options)
    cost = {
        name: median([one for one in measured.get(row, []) if way in one.figures], partial(_micros, way))
        for name, (row, way) in COSTS.items()
    }
    title = f"a logged row in the script: {rows} rows at 10,000 a second"
    show(title, ["", "µs a row"], [[name, number(micros)] for name, micros in cost.items()])
    return cost


def _more(cost: Mapping[str, float | None], name: str, alone: str) -> float | None:
    with_tool, without = cost.get(name), cost.get(alone)
    return None if with_tool is None or without is None else with_tool - without


def _cpu(one: Run) -> float:
    return float(one.figures["cpu"])


def _goals(under: Measured, every: Measured, cost: Mapping[str, float | None]) -> list[Goal]:
    ours = {name: median(runs, _cpu) for name, runs in under.items() if name.startswith("hpo")}
    alone, real = "script alone", "wandb.log (disabled) alone"
    more = {
        "hpo.report ≤ 10 µs a row": _more(cost, "hpo.report in a trial", alone),
        "wandb.log in a trial ≤ 10 µs more than alone": _more(cost, "wandb.log (disabled) in a trial", real),
        "stand-in's wandb.log ≤ 10 µs a row": _more(cost, "stand-in's wandb.log in a trial", alone),
    }
    return [
        *(
            Goal(
                f"Ray Tune's driver CPU ≥ 50x hpo's, trials: {name.partition(', ')[2]}",
                ratio(median(under.get(name.replace("hpo", NAMES["defaults"]), []), _cpu), cpu),
                50,
            )
            for name, cpu in ours.items()
        ),
        Goal("forwarded results ≥ 4,000 a second", median(every["hpo"], _arrivals), 4000),
        *(Goal(text, figure, 10, at_most=True) for text, figure in more.items()),
    ]


def main(options: Options) -> None:
    """Print the three tables, then the goals."""
    under = _under_hyperband(100 if options.quick else 1000, (2,) if options.quick else AT_ONCE, options)
    every = _every_row(100 if options.quick else 5000, options)
    cost = _in_the_script(200 if options.quick else 20_000, options)
    show_goals(_goals(under, every, cost))
