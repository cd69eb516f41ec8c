"""A run's table → CSV and Parquet files."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TextIO

from hpo.errors import UserError
from hpo.package_name import install
from hpo.record.columns import Column, as_json
from hpo.record.flat import ABSENT
from hpo.record.trial import as_number
from hpo.record.written import whole_file

NO_PYARROW = f"Parquet needs pyarrow: {install('parquet')}, or export --csv"


def write_csv(table: Sequence[Column], out: TextIO) -> None:
    """The table as CSV, UTF-8: times as ISO 8601 in UTC, nothing for what is not there, `null` for None.

    Every reader of CSV can tell an empty text from nothing, also one that passes over quotes: see `_cell`.
    """
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(clean(column.name) for column in table)
    texts = [[cell(value) for value in column.values] for column, cell in ((c, _cell(c)) for c in table)]
    writer.writerows(zip(*texts, strict=True))


def csv_file(table: Sequence[Column], path: Path, *, replace: bool = False) -> None:
    """The same in a file; raises UserError where it is there already or cannot be written."""
    with whole_file(path, replace=replace) as part, part.open("w", encoding="utf-8", newline="") as out:
        write_csv(table, out)


def parquet_file(table: Sequence[Column], path: Path, *, replace: bool = False) -> None:
    """The table as Parquet with real types: None and what is not there are null, lists and mixtures JSON.

    Raises UserError where pyarrow is missing, the file is there already, or cannot be written.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UserError(NO_PYARROW) from None
    types = {
        "time": pyarrow.timestamp("us", tz="UTC"),
        "whole": pyarrow.int64(),
        "number": pyarrow.float64(),
        "flag": pyarrow.bool_(),
    }
    arrays = [
        pyarrow.array(map(_stored(column), column.values), type=types.get(column.kind, pyarrow.string()))
        for column in table
    ]
    made = pyarrow.table(arrays, names=[clean(column.name) for column in table])
    with whole_file(path, replace=replace) as part:
        pyarrow.parquet.write_table(made, part, compression="zstd")


def utc(value: Any) -> datetime | None:
    """A time from unix seconds; None for what is none."""
    seconds = as_number(value)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None


def clean(text: str) -> str:
    """Text that UTF-8 can hold: halves of surrogate pairs are written as Python's escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _cell(column: Column) -> Callable[[Any], str]:
    """How a column's values look in CSV: text is JSON only where it could be taken for something else.

    That is beside other kinds, where some of it is empty, or where `null` stands beside None.
    """
    if column.kind == "time":
        return lambda value: moment.isoformat(timespec="milliseconds") if (moment := utc(value)) else ""
    texts = {value for value in column.values if isinstance(value, str)}
    mistaken = "" in texts or ("null" in texts and None in column.values)
    plain = column.kind != "json" and not mistaken

    def cell(value: Any) -> str:
        if value is ABSENT:
            return ""
        if isinstance(value, float):
            return repr(value)
        return clean(value) if plain and isinstance(value, str) else clean(as_json(value))

    return cell


def _stored(column: Column) -> Callable[[Any], Any]:
    """What of a column's values is stored in Parquet."""
    if column.kind == "time":
        return utc
    if column.kind == "json":
        return lambda value: None if value is ABSENT else clean(as_json(value))

    def stored(value: Any) -> Any:
        if value is None or value is ABSENT:
            return None
        return clean(value) if isinstance(value, str) else float(value) if column.kind == "number" else value

    return stored
