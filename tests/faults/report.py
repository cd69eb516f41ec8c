"""Verdicts → tables, the contenders of each kill under each other."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tests.faults.case import KINDS, LEAVING, PATIENCE, Verdict
from tests.faults.contenders import CONTENDERS, SWEEPS
from tests.faults.judging import ON_ITS_WAY

Group = Sequence[tuple[int, Verdict]]
"""Runs of one cell: how many trials each was to have, and what it came to."""
COLUMNS = (
    "runs",
    "hit",
    "resumed",
    "lost",
    "twice",
    "extra",
    "late",
    "failed",
    "count",
    "broken",
    "hung",
    "orphans",
    "s",
)
NOTES = (
    "hit: runs in which there was such a process; resumed: runs that had to be resumed",
    "lost: trials over at the kill that were run again or are not finished in the end; of all that were over",
    "twice: trials run again after they were over; extra: configurations trained beyond the count",
    f"late: run again, but in flight at the kill or within {ON_ITS_WAY:g} s of it, and in no record",
    "count: runs in which as many trials as asked for have ended; broken: not resumed, three times tried",
    f"hung: nothing happened for {PATIENCE:g} s; orphans: processes left {LEAVING:g} s after the end",
    "s: median seconds from the first start to the last exit",
)


def show(cells: Mapping[tuple[str, str, str], Group]) -> int:
    """Print all; how many of hpo's cells are not as they must be."""
    console = Console(width=160)
    present = [name for name in CONTENDERS if any(key[2] == name for key in cells)]
    wrong = 0
    for sweep in SWEEPS:
        kinds = [kind for kind in KINDS if any(key[:2] == (sweep, kind) for key in cells)]
        if not kinds:
            continue
        table = Table(title=f"{sweep}, killed at random moments", title_justify="left")
        table.add_column("killed", no_wrap=True)
        table.add_column("run by", no_wrap=True)
        for column in COLUMNS:
            table.add_column(column, justify="right")
        for kind in kinds:
            for place, name in enumerate(present):
                cell = cells.get((sweep, kind, name), ())
                table.add_row("" if place else kind, CONTENDERS[name].title, *_figures(kind, name, cell))
                wrong += name == "hpo" and not _sound(kind, cell)
            table.add_section()
        console.print(table)
    for note in NOTES:
        console.print(f"  {note}", highlight=False)
    for name in present:
        for target, why in CONTENDERS[name].missing.items():
            kind = next(kind for kind, (found, _) in KINDS.items() if found == target)
            console.print(f"  {CONTENDERS[name].title}, {kind}: {why}", highlight=False)
    return wrong


def _figures(kind: str, name: str, cell: Group) -> list[str]:
    if not cell:
        return ["-"] * len(COLUMNS)
    runs = [verdict for _, verdict in cell]

    def total(field: str) -> str:
        return str(sum(getattr(verdict, field) for verdict in runs))

    exact = sum(verdict.exact(kind, count) for count, verdict in cell)
    return [
        str(len(runs)),
        total("hit"),
        total("resumed"),
        f"{total('lost')}/{total('done')}",
        *map(total, ("twice", "extra", "late", "failed")),
        f"{exact}/{len(runs)}",
        str(sum(bool(verdict.code) for verdict in runs)),
        *map(total, ("hung", "orphans")),
        f"{statistics.median(verdict.seconds for verdict in runs):.0f}",
    ]


def _sound(kind: str, cell: Group) -> bool:
    return all(
        verdict.exact(kind, count) and not (verdict.lost or verdict.twice or verdict.orphans or verdict.hung)
        for count, verdict in cell
    )
