"""A run's record → a table of its best trials that stays readable at any width."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from hpo.record.front import front, ordered
from hpo.record.trials import RunRecord, TrialRecord, has_value
from hpo.review.cells import metric_text, value_text
from hpo.review.parameters import lookup, searched
from hpo.review.states import STATE_STYLES

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

GAP = 2
"""Blanks between columns, one of them the table's own divider."""
NARROW = 16
"""Characters of a value where trials stand beside each other."""


@dataclass(frozen=True)
class Column:
    """A heading and one cell a trial; numbers stand on the right."""

    name: str
    cells: list[str]
    right: bool = False

    @property
    def width(self) -> int:
        """Characters that the cells need."""
        return max((cell_len(cell) for cell in self.cells), default=0)


class BestTable:
    """The `top` best trials, one a line; where parameters are too many for the width, one a column.

    With several objectives the whole front comes first, marked.
    """

    def __init__(self, record: RunRecord, top: int) -> None:
        ranked = [trial for trial in ordered(record) if has_value(trial)]
        first = {trial.number for trial in front(record)} if record.goals else {t.number for t in ranked[:1]}
        self.trials = (list(record.trials) if record.metric is None else ranked)[:top]
        self.bold = first if record.metric is not None else {t.number for t in self.trials[:1]}
        self.columns = list(_columns(record, self.trials))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for broken in (False, True):
            table = self._upright(broken)
            if Measurement.get(console, options.update_width(100_000), table).maximum <= options.max_width:
                yield table
                return
        yield from self._lying(options.max_width)

    def _upright(self, broken: bool) -> Table:
        """One line a trial; `broken` headings are wrapped after _ . - and / to the width of their cells."""
        table = _table()
        for column in self.columns:
            heading = _broken(column.name, column.width) if broken else column.name
            table.add_column(
                Text(heading),
                justify="right" if column.right else "left",
                no_wrap=not broken,
                vertical="bottom",
            )
        for index, trial in enumerate(self.trials):
            cells = [Text(c.cells[index], style=_style(c, trial)) for c in self.columns]
            table.add_row(*cells, style="bold" if self.trials[index].number in self.bold else "")
        return table

    def _lying(self, width: int) -> Iterator[Table | Text]:
        """One column a trial, as many beside each other as fit, then the next ones below."""
        names = max(cell_len(column.name) for column in self.columns)
        first = 0
        columns = [replace(c, cells=[_cut(cell) for cell in c.cells]) for c in self.columns]
        while first < len(self.trials):
            room, last = width - names, first
            while last < len(self.trials):
                room -= GAP + max(cell_len(column.cells[last]) for column in columns)
                if room < 0 and last > first:
                    break
                last += 1
            if first:
                yield Text("")
            yield self._block(columns, range(first, last))
            first = last

    def _block(self, columns: list[Column], indices: Sequence[int]) -> Table:
        table = _table()
        table.add_column(Text(columns[0].name), overflow="fold")
        for index in indices:
            table.add_column(Text(columns[0].cells[index]), overflow="fold")
        for column in columns[1:]:
            cells = (Text(column.cells[i], style=_style(column, self.trials[i])) for i in indices)
            table.add_row(Text(column.name), *cells)
        return table


def _columns(record: RunRecord, trials: Sequence[TrialRecord]) -> Iterator[Column]:
    yield Column("trial", [str(t.number) for t in trials], right=True)
    if record.goals:
        there = {trial.number for trial in front(record)}
        yield Column("front", ["*" if t.number in there else "" for t in trials])
        for name in record.goals:
            yield Column(name, [metric_text(t.values.get(name)) for t in trials], right=True)
        yield Column("iter", [str(t.iterations) for t in trials], right=True)
    elif record.metric is not None:
        yield Column(record.metric, [metric_text(t.value) for t in trials], right=True)
        yield Column("last", [metric_text(t.last) for t in trials], right=True)
        yield Column("iter", [str(t.iterations) for t in trials], right=True)
    yield Column("state", [t.state for t in trials])
    for path in searched(record.sweep, (t.config for t in record.trials)):
        values = [lookup(trial.config, path) for trial in trials]
        numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
        yield Column(".".join(path), [value_text(v) for v in values], right=numbers)


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))


def _cut(text: str) -> str:
    return text if len(text) <= NARROW else text[: NARROW - 1] + "…"


def _style(column: Column, trial: TrialRecord) -> str:
    return STATE_STYLES.get(trial.state, "") if column.name == "state" else ""


def _broken(name: str, width: int) -> str:
    """A heading on several lines, each no wider than the cells or its longest part."""
    parts = re.findall(r"[^_./-]*[_./-]*", name)
    width = max(width, *(cell_len(part) for part in parts))
    lines = [""]
    for part in parts:
        if lines[-1] and cell_len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)
