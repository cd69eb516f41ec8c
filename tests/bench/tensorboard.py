"""TensorBoard's files: what writing them costs, what they take on disk, how soon HParams is complete."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from hpo.record.scribe import rebuild
from tests.bench.measure import PYTHON, Run, median, run
from tests.bench.table import Goal, Options, Row, interleaved, number, ratio, show, show_goals
from tests.record.board import served
from tests.record.made import asha_run

Measured = Mapping[str, list[Run]]
OURS, OFF, LOGGER, DEFAULTS = "hpo", "hpo, tensorboard: false", "Ray's TBXLogger", "Ray Tune, defaults"


def _hpo(trials: int, rows: int, seconds: float, on: bool) -> Run:
    words = [str(trials), str(rows), str(seconds), "on" if on else "off"]
    return run([PYTHON, "-m", "tests.bench.drivers.tensorboard", *words])


def _ray(trials: int, rows: int, loggers: str) -> Run:
    return run([PYTHON, "-m", "tests.bench.peers.ray_tensorboard", str(trials), str(rows), loggers])


def _figure(name: str, measured: Measured, row: str) -> float | None:
    return median(measured.get(row, []), lambda one: float(one.figures[name]))


def _writing(trials: int, rows: int, options: Options) -> Measured:
    ways = [
        Row(OURS, partial(_hpo, trials, rows, 0.0, True)),
        Row(OFF, partial(_hpo, trials, rows, 0.0, False)),
        Row("Ray Tune, no loggers", partial(_ray, trials, rows, "none"), peer=True),
        Row(LOGGER, partial(_ray, trials, rows, "tbx"), peer=True),
        Row(DEFAULTS, partial(_ray, trials, rows, "defaults"), peer=True),
    ]
    measured = interleaved(ways, options.times(3), options)
    names = ("cpu", "writer", "bytes", "files")
    lines = []
    for row in measured:
        cpu, writer, size, files = (_figure(name, measured, row) for name in names)
        micros = [None if one is None else 1e6 * one / trials / rows for one in (cpu, writer)]
        each = [None if one is None else one / trials for one in (size, files)]
        lines.append([row, *map(number, [*micros, *each])])
    show(
        f"{trials} trials of {rows} reports of five metrics",
        ["", "driver CPU µs/report", "writer CPU µs/report", "bytes/trial", "files/trial"],
        lines,
        [
            "driver CPU: that process alone, a second run in it; the writer is a process of low priority",
            "its figure holds its start, too; bytes and files: those of TensorBoard alone",
        ],
    )
    return measured


def _speed(trials: int, options: Options) -> Measured:
    ways = [Row(name, partial(_hpo, trials, 1, 0.01, name == OURS)) for name in (OURS, OFF)]
    measured = interleaved(ways, options.times(5), options)
    lines = []
    for name in measured:
        seconds = _figure("seconds", measured, name)
        lines.append([name, number(seconds), number(ratio(trials, seconds))])
    title = f"{trials} trials of 10 ms: a whole run, until all is written and Ray goes on"
    show(title, ["", "s", "trials/s"], lines)
    return measured


def _loaded(trials: int, by_ray: bool, fast: bool) -> Run:
    """Make a log directory and start TensorBoard: seconds until all trials are in HParams."""
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="bench-tensorboard-") as scratch:
        run_dir = asha_run(Path(scratch) / "run", trials, failing=0.0)
        begin = time.process_time(), time.monotonic()
        root = Path(scratch) / "ray"
        if by_ray:
            told = run([PYTHON, "-m", "tests.bench.peers.ray_logger", str(run_dir), str(root)])
            made = told.figures["seconds"]
        else:
            root = rebuild(run_dir)
            made = time.monotonic() - begin[1]
        files = [path for path in root.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        start = time.monotonic()
        with served(root, fast=fast, patience=900) as board:
            board.until(board.sessions, lambda found: len(found) == trials)
            seconds = time.monotonic() - start
    figures = {"made": made, "seconds": seconds, "bytes": size / trials, "files": len(files) / trials}
    return Run(began, time.time() - began, (), figures)


def _loading(sizes: tuple[int, ...], options: Options) -> Measured:
    ways = []
    for trials in sizes:
        for loader, fast in (("data server", True), ("Python loader", False)):
            ways.append(Row(f"hpo, {trials:,}, {loader}", partial(_loaded, trials, False, fast)))
            name = f"{LOGGER}, {trials:,}, {loader}"
            ways.append(Row(name, partial(_loaded, trials, True, fast), peer=True))
    measured = interleaved(ways, options.times(1), options)
    names = ("made", "seconds", "bytes", "files")
    lines = [[row, *(number(_figure(name, measured, row)) for name in names)] for row in measured]
    show(
        "the trials of an ASHA run in HParams, from TensorBoard's start",
        ["", "s to write", "s to all trials", "bytes/trial", "files/trial"],
        lines,
        ["to write: all at once from the record; Ray's logger is driven by hand with the same results"],
    )
    return measured


def main(options: Options) -> None:
    """Print three tables, then the goals."""
    quick = options.quick
    writing = _writing(*((2, 50) if quick else (4, 2000)), options)
    speed = _speed(2 if quick else 200, options)
    sizes = (50,) if quick else (1000, 5000)
    loading = _loading(sizes, options)
    server = f"{sizes[-1]:,}, data server"
    driver = (_figure("cpu", writing, OURS), _figure("cpu", writing, OFF))
    peers = (_figure("bytes", writing, LOGGER), _figure("bytes", writing, OURS))
    show_goals(
        [
            Goal("driver CPU with TensorBoard ≤ 1.1x without", ratio(*driver), 1.1, at_most=True),
            Goal("bytes of Ray's logger ≥ 3x hpo's", ratio(*peers), 3),
            Goal(
                "trials/s with TensorBoard ≥ 0.9x without",
                ratio(_figure("seconds", speed, OFF), _figure("seconds", speed, OURS)),
                0.9,
            ),
            Goal(
                f"HParams of {sizes[-1]:,} trials in ≤ 10 s",
                _figure("seconds", loading, f"hpo, {server}"),
                10,
                at_most=True,
            ),
        ]
    )
