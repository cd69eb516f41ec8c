"""Rows measured side by side → tables and goals in print."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from tests.bench.measure import Run, RunFailed


@dataclass(frozen=True)
class Options:
    """How a benchmark is run: tiny sizes, with or without other tools, how often each row."""

    quick: bool = False
    peers: bool = True
    repeats: int | None = None
    seeds: int | None = None
    trials: int | None = None
    failed: list[str] = field(default_factory=list)
    """Rows that could not be measured, filled as they are met."""

    def times(self, usual: int) -> int:
        """How often each row is measured."""
        return self.repeats or (1 if self.quick else usual)


@dataclass(frozen=True)
class Row:
    """One way to do the work: a name and a callable that does it once."""

    name: str
    run: Callable[[], Run]
    peer: bool = False
    """Whether it is there for comparison only, and left out by --no-peers."""


@dataclass(frozen=True)
class Goal:
    """A figure and its bound: the lowest, or the highest where `at_most`."""

    text: str
    figure: float | None
    bound: float
    at_most: bool = False

    @property
    def verdict(self) -> str:
        """In words."""
        if self.figure is None:
            return "not measured"
        return (
            "met" if (self.figure <= self.bound if self.at_most else self.figure >= self.bound) else "not met"
        )


def interleaved(rows: Iterable[Row], repeats: int, options: Options) -> dict[str, list[Run]]:
    """Each row's runs, measured in turns; a row that fails is said on stderr and has none."""
    chosen = [row for row in rows if options.peers or not row.peer]
    measured: dict[str, list[Run]] = {row.name: [] for row in chosen}
    for turn in range(repeats):
        for row in chosen:
            if row.name in options.failed:
                continue
            began = time.monotonic()
            try:
                measured[row.name].append(row.run())
                said = f"{time.monotonic() - began:.1f} s"
            except RunFailed as error:
                options.failed.append(row.name)
                said = f"failed: {error}"
            print(f"  {turn + 1}/{repeats} {row.name}: {said}", file=sys.stderr, flush=True)
    return measured


def show(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], notes: Sequence[str] = ()
) -> None:
    """Print a table; its first column is text, the others are figures."""
    table = Table()
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    for row in rows:
        table.add_row(*row)
    console = Console(width=120)
    console.print(f"\n{title}", style="bold", highlight=False, soft_wrap=True)
    console.print(table)
    for text in notes:
        console.print(f"  {text}", highlight=False, soft_wrap=True)


def show_goals(goals: Iterable[Goal]) -> None:
    """Print each goal with its figure and whether it is met."""
    for goal in goals:
        figure = "-" if goal.figure is None else f"{goal.figure:.3g}"
        print(f"goal: {goal.text}: {figure}: {goal.verdict}", flush=True)


def number(value: float | None, digits: int = 3) -> str:
    """A figure for a table; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:.{digits}g}"


def ratio(value: float | None, reference: float | None) -> float | None:
    """Their quotient, None where one is missing."""
    return value / reference if value is not None and reference else None


def cpu_seconds(argv: Sequence[str]) -> float:
    """User and system seconds of a process and its children."""
    before = os.times()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def compare(title: str, commands: Mapping[str, Sequence[str]], repeats: int = 15) -> None:
    """Print median, lowest and highest CPU time of each command, and the ratio to the first; interleaved."""
    measured: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, argv in commands.items():
            measured[name].append(cpu_seconds(argv))
    first = statistics.median(next(iter(measured.values())))
    rows = []
    for name, times in measured.items():
        middle = statistics.median(times)
        row = (1000 * middle, 1000 * min(times), 1000 * max(times))
        rows.append([name, *(f"{value:.0f}" for value in row), f"{middle / first:.1f}"])
    heading = f"{title} (CPU ms, {repeats} interleaved repeats)"
    show(heading, ["what", "median", "low", "high", "ratio"], rows)
