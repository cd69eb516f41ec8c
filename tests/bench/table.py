"""Rows measured side by side → a table with ratios to its first row."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table


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
    table = Table(title=f"{title} (CPU ms, {repeats} interleaved repeats)")
    for column in ("what", "median", "low", "high", "ratio"):
        table.add_column(column, justify="left" if column == "what" else "right")
    first = statistics.median(next(iter(measured.values())))
    for name, times in measured.items():
        median = statistics.median(times)
        row = (1000 * median, 1000 * min(times), 1000 * max(times))
        table.add_row(name, *(f"{value:.0f}" for value in row), f"{median / first:.1f}")
    Console(width=100).print(table)
