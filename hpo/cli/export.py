"""`hpo export`: a run directory → all its trials as CSV, Parquet, or an Optuna journal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo.record.observed import observe

if TYPE_CHECKING:
    from hpo.record.trials import RunRecord

STDOUT = Path("-")


def export(
    run: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN")],
    csv: Annotated[Path | None, typer.Option("--csv", help="CSV file; - is stdout.", metavar="FILE")] = None,
    parquet: Annotated[Path | None, typer.Option("--parquet", help="Parquet file.", metavar="FILE")] = None,
    optuna: Annotated[
        Path | None,
        typer.Option("--optuna", help="Optuna journal, for optuna-dashboard and optuna.", metavar="FILE"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
) -> None:
    """Write all trials of a run to files, also while it runs."""
    if not (csv or parquet or optuna):
        raise typer.BadParameter("name at least one file: --csv FILE, --parquet FILE or --optuna FILE")
    record = observe(run).record
    if csv or parquet:
        _tables(record, csv, parquet, force=force)
    if optuna:
        from hpo.record.optuna_journal import optuna_file

        optuna_file(record, optuna, replace=force)
        _tell(optuna, record)
        print(f"look at it with: optuna-dashboard {optuna}", file=sys.stderr)


def _tables(record: RunRecord, csv: Path | None, parquet: Path | None, *, force: bool) -> None:
    from hpo.record.columns import columns
    from hpo.record.export import csv_file, parquet_file, write_csv

    table = columns(record)
    if csv == STDOUT:
        write_csv(table, sys.stdout)
    elif csv:
        csv_file(table, csv, replace=force)
        _tell(csv, record)
    if parquet:
        parquet_file(table, parquet, replace=force)
        _tell(parquet, record)


def _tell(path: Path, record: RunRecord) -> None:
    print(f"{path}: {len(record.trials):,} trials of {record.directory}", file=sys.stderr)
