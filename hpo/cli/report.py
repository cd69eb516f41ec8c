"""`hpo report`: a run directory → one HTML file that opens anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The file to write [RUN/report.html].")
    ] = None,
) -> None:
    """Write a report of a run, also while it runs: one HTML file that needs no network."""
    from hpo.review.report.page import write_report

    typer.echo(write_report(run, out))
