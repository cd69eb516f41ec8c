"""`hpo resume`: a run directory whose run was cut off, or is to be longer → the run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo.cli.carry_out import carry_out


def resume(
    run: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN")],
    count: Annotated[
        int | None, typer.Option(min=1, help="How many trials in all; more extend a finished run.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Most trials at once [what fits].")] = None,
    address: Annotated[str | None, typer.Option(envvar="RAY_ADDRESS", help="Ray cluster to use.")] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try failed trials again, too.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show what trials print, as it comes.")] = False,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key that does not change the search."),
    ] = None,
) -> None:
    """Go on with a run: interrupted trials first, from their newest checkpoints; none is run twice."""
    from hpo.engine.plan import RunOptions
    from hpo.engine.reopening import reopen

    options = RunOptions(run, count, concurrency=concurrency, address=address, retry_failed=retry_failed)
    carry_out(reopen(run, options, change=change or ()), verbose=verbose)
