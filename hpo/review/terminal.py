"""A run's record → tables for a terminal; the result goes to stdout, talk to stderr."""

from __future__ import annotations

import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import IO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hpo.errors import visible
from hpo.record.holder import SILENCE, Owner
from hpo.record.observed import DIED
from hpo.record.trials import RunRecord, TrialRecord, has_value, rank
from hpo.review.cells import duration, metric_text
from hpo.review.parameters import pairs, searched
from hpo.review.progress import LiveProgress
from hpo.review.ranking import BestTable
from hpo.review.states import counts_text

__all__ = ["LiveProgress", "best_table", "console", "result_table", "status_panel"]

SHOWN = 5
"""Trials in the table at the end of a run."""
PLAIN_WIDTH = 140
"""Columns where there is no terminal and COLUMNS is not set."""
RUNNING_SHOWN = 8
REASONS_SHOWN = 3


def console(file: IO[str] | None = None) -> Console:
    """A console that prints text as it is: no markup, no guessed highlights; stdout unless told otherwise."""
    file = file or sys.stdout
    wide = None if file.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(file=file, width=wide, highlight=False, markup=False, emoji=False)


def best_table(record: RunRecord, top: int) -> RenderableType:
    """The `top` best trials with their searched parameters; without a metric the first ones."""
    return BestTable(record, top)


def result_table(record: RunRecord, file: IO[str] | None = None) -> None:
    """Print what came of a run: how its trials ended, and the best of them."""
    out = console(file)
    out.print(counts_text(record.states))
    for node in record.set_aside:
        aside = f"node {visible(node.node)} was set aside: {visible(str(node))}"
        out.print(Text(aside), soft_wrap=True)  # one line, wherever it goes
    if record.trials and (record.metric is None or any(map(has_value, record.trials))):
        out.print(best_table(record, SHOWN))
    elif record.trials:
        out.print(Text(f"no trial gave a value of {visible(record.metric or 'the metric')}"))


def status_panel(
    record: RunRecord, now: float | None = None, driver: Owner | None = None, job: str = ""
) -> RenderableType:
    """How far a run is, who drives it, what Slurm says; `now` in unix seconds: for how long it is quiet."""
    now = time.time() if now is None else now
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(record, now, driver):
        facts.add_row(name, value)
        if name == "state" and job:
            facts.add_row("Slurm", Text(visible(job)))
    running = [trial for trial in record.trials if trial.state == "running"]
    if not running or record.state != "running":
        return facts
    return Group(facts, _running(running[:RUNNING_SHOWN], len(running), now))


def _facts(record: RunRecord, now: float, driver: Owner | None) -> Iterator[tuple[str, Text]]:
    yield "run", Text(str(record.directory))
    state = Text(record.state, style={"running": "cyan", "failed": "red", DIED: "red"}.get(record.state, ""))
    more = _driver(record, now, driver)
    yield "state", state.append(f": {visible(more)}" if more else "")
    if record.state == DIED:
        yield "", Text(f"`hpo resume {record.directory}` goes on")
    metric = f", {record.goal} {visible(record.metric)}" if record.metric else ""
    target = "" if record.target is None else f", target {record.target:g}"
    yield "search", Text(f"{record.method}{metric}{target}, seed {record.seed}")
    trials = counts_text(record.states)
    yield "trials", trials.append(f" (of {record.count})" if len(record.trials) < (record.count or 0) else "")
    if record.started is not None:
        yield "time", Text(_times(record, now))
    best = next((t for t in rank(record.trials, record.goal) if has_value(t)), None)
    if best is not None and record.metric is not None:
        mark = f", {best.state}" if best.state != "finished" else ""
        yield "best", Text(f"{metric_text(best.value)} (trial {best.number}{mark})")
        yield (
            "",
            Text("  ".join(pairs(best.config, searched(record.sweep, [t.config for t in record.trials])))),
        )
    for reason, number in _reasons(record.trials):
        yield "failed", Text(f"{number}x {reason}")
    for node in record.set_aside:
        yield "set aside", Text(f"node {visible(node.node)}: {visible(str(node))}", style="yellow")


def _driver(record: RunRecord, now: float, driver: Owner | None) -> str:
    """Who drives the run, or what became of that; for a run that ended, why."""
    if record.state == DIED:
        ago = max(0.0, now - record.updated) if driver is None and record.updated else None
        seen = driver.seen if driver else ago
        last = "" if seen is None else f", last seen {duration(seen)} ago"
        return f"{driver.name if driver else 'its driver'}{last}"
    if record.state == "running" and driver is not None:
        quiet = f", which gave no sign of life for {duration(driver.seen)}" if driver.seen > SILENCE else ""
        return driver.name + quiet
    return record.reason.splitlines()[0] if record.reason else ""


def _times(record: RunRecord, now: float) -> str:
    assert record.started is not None
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.started))
    if record.ended is not None:
        return f"{duration(record.ended - record.started)}, began {began}"
    heard = "" if record.updated is None else f", last event {duration(now - record.updated)} ago"
    return f"{duration(now - record.started)}, began {began}{heard}"


def _reasons(trials: tuple[TrialRecord, ...]) -> list[tuple[str, int]]:
    """The most frequent reasons of failures, those that differ in numbers only counted as one."""
    failed = [visible(t.reason) for t in trials if t.state == "failed"]
    alike: dict[str, str] = {}
    counts = Counter(alike.setdefault(re.sub(r"\d+", "#", r), r) for r in failed)
    return counts.most_common(REASONS_SHOWN)


def _running(trials: list[TrialRecord], total: int, now: float) -> RenderableType:
    table = Table(box=None, pad_edge=False, title_justify="left", show_edge=False)
    for name in ("running", "node", "iter", "last", "time"):
        table.add_column(name, justify="left" if name == "node" else "right", header_style="dim")
    for trial in trials:
        since = "-" if trial.started is None else duration(now - trial.started)
        cells = (
            str(trial.number),
            visible(trial.node),
            str(trial.iterations),
            metric_text(trial.last),
            since,
        )
        table.add_row(*(Text(cell) for cell in cells))
    rest = total - len(trials)
    return Group(Text(""), table, *([Text(f"and {rest} more", style="dim")] if rest else []))
