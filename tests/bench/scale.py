"""What a trial costs the driver as a run grows: CPU time, memory, files; random search and TPE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from tests.bench.measure import PYTHON, Run, median, run
from tests.bench.table import Goal, Options, Row, interleaved, number, ratio, show, show_goals

COUNTS = (100, 1000, 10_000)
FEWER = (100, 1000)
"""For rows that would take half an hour to 10,000."""
FEWEST = (10, 60)
"""For Ray Tune as it is: a new actor a trial, about one trial a second."""
TINY = (5, 10, 20)
"""For --quick."""
RANDOM, LEAN = "hpo, random", "hpo, random, trial_files: lean"
CPU, MEMORY, TIME = 1, 2, 3
"""Places in a mark."""
UNIT = {CPU: 1e3, MEMORY: 1e-3, TIME: 1.0}
"""For milliseconds, kilobytes and seconds."""


def _hpo(method: str, counts: Sequence[int], *settings: str) -> Run:
    return run(
        [PYTHON, "-m", "tests.bench.drivers.scale", method, *map(str, counts), *settings], timeout=7200
    )


def _ray(method: str, settings: str, counts: Sequence[int]) -> Run:
    return run(
        [PYTHON, "-m", "tests.bench.peers.ray_scale", method, settings, *map(str, counts)], timeout=7200
    )


def _rows(options: Options) -> list[Row]:
    many, fewer, fewest = (TINY, TINY[:2], (2, 4)) if options.quick else (COUNTS, FEWER, FEWEST)
    rows = [
        Row(RANDOM, partial(_hpo, "random", many)),
        Row("hpo, TPE", partial(_hpo, "bayes", many)),
        Row("Ray Tune, best plain settings, random", partial(_ray, "random", "tuned", many), peer=True),
        Row("Ray Tune, best plain settings, TPE", partial(_ray, "bayes", "tuned", fewer), peer=True),
        Row("Ray Tune, defaults, random", partial(_ray, "random", "defaults", fewest), peer=True),
    ]
    if not options.quick:
        rows.insert(1, Row(LEAN, partial(_hpo, "random", fewer, "trial_files=lean")))
    return rows


def _each(place: int, step: int, one: Run) -> float:
    """A figure a trial between two neighbouring marks; step 0 is from the first mark to the second."""
    marks = one.figures["marks"]
    more = (marks[step + 1][place] - marks[step][place]) / (marks[step + 1][0] - marks[step][0])
    return float(more * UNIT[place])


def _lines(name: str, runs: Sequence[Run]) -> list[list[str]]:
    if not runs:
        return [[name, "failed", *"-----"]]
    marks = runs[0].figures["marks"]
    lines = []
    for step in range(len(marks) - 1):
        figures = [
            ratio(1.0, median(runs, partial(_each, TIME, step))),
            median(runs, partial(_each, CPU, step)),
            median(runs, partial(_each, MEMORY, step)),
        ]
        files = median(runs, lambda one: one.figures["files"])
        span = f"{marks[step][0]:,} → {marks[step + 1][0]:,}"
        lines.append([name if not step else "", span, *map(number, figures), number(files)])
    return lines


def _goals(measured: Mapping[str, Sequence[Run]], counts: Sequence[int]) -> list[Goal]:
    low, middle, high = counts
    early, late = (median(measured[RANDOM], partial(_each, CPU, step)) for step in (0, 1))
    memory = median(measured[RANDOM], partial(_each, MEMORY, 1))
    files = {
        name: median(measured.get(name, []), lambda one: one.figures["files"]) for name in (RANDOM, LEAN)
    }
    growth = ratio(late, early)
    return [
        Goal(f"driver CPU ≤ 1 ms a trial, {low:,} → {middle:,}", early, 1, at_most=True),
        Goal(f"driver CPU ≤ 1 ms a trial, {middle:,} → {high:,}", late, 1, at_most=True),
        Goal(f"a trial up to {high:,} ≤ 1.2x one up to {middle:,}", growth, 1.2, at_most=True),
        Goal("memory ≤ 20 kB a trial", memory, 20, at_most=True),
        Goal("files ≤ 4 a trial", files[RANDOM], 4, at_most=True),
        Goal("files ≤ 4 a trial, trial_files: lean", files[LEAN], 4, at_most=True),
    ]


def main(options: Options) -> None:
    """Print the table, then the goals."""
    repeats = options.times(1)
    measured = interleaved(_rows(options), repeats, options)
    lines = [line for name, runs in measured.items() for line in _lines(name, runs)]
    show(
        f"what a trial costs the driver (functions, 2 at a time, median of {repeats})",
        ["", "trials", "trials/s", "driver CPU ms/trial", "driver memory kB/trial", "files/trial"],
        lines,
        ["driver: that process alone, without its trials, Ray's own processes or a searcher's side process"],
    )
    show_goals(_goals(measured, TINY if options.quick else COUNTS))
