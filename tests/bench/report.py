"""What a report takes: seconds of a process that makes it, its memory and the file's size, as runs grow."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from tests.bench.measure import PYTHON, Run, median, run
from tests.bench.table import Goal, Options, Row, interleaved, number, show, show_goals
from tests.record.made import asha_run

COUNTS = (20, 1000, 10_000)
TINY = (20, 200)
"""For --quick."""
MOST = {1000: 8.0, 10_000: 20.0}
"""Megabytes that a report of so many trials may have."""


def _made(directory: Path, out: Path) -> Run:
    return run([PYTHON, "-m", "hpo", "report", str(directory), "-o", str(out)], memory=True)


def main(options: Options) -> None:
    """Make runs by rule, and the report of each."""
    counts = TINY if options.quick else COUNTS
    repeats = options.times(5)
    with tempfile.TemporaryDirectory(prefix="bench-report-") as name:
        folder = Path(name)
        for count in counts:
            asha_run(folder / str(count), count)
        rows = [Row(f"{n:,} trials", partial(_made, folder / str(n), folder / f"{n}.html")) for n in counts]
        measured = interleaved(rows, repeats, options)
        sizes = {n: (folder / f"{n}.html").stat().st_size / 1e6 for n in counts}
    lines, goals = [], []
    for count in counts:
        runs = measured[f"{count:,} trials"]
        seconds = median(runs, lambda one: one.seconds)
        memory = median(runs, lambda one: one.memory / 1e6)
        lines.append([f"{count:,} trials", number(seconds), number(memory), f"{sizes[count]:.2f}"])
        bound = MOST.get(count, 8.0)
        goals.append(Goal(f"{count:,} trials: MB ≤ {bound:g}", sizes[count], bound, at_most=True))
    title = f"`hpo report` of an ASHA run, Python's start included (median of {repeats})"
    show(title, ["", "seconds", "memory MB", "file MB"], lines, ["4.8 MB of each file are plotly.js"])
    show_goals(goals)
