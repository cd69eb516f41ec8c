"""`hpo run`: a sweep file → a run directory and its best trial."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hpo.cli.carry_out import carry_out, time_left
from hpo.cli.problems import show
from hpo.record.journal import begun
from hpo.sweepfile.load import read_sweep
from hpo.sweepfile.program import hidden, script_of


def run(
    sweep: Annotated[Path, typer.Argument(help="Sweep file.", metavar="SWEEP")],
    out: Annotated[Path | None, typer.Option(help="Run directory [runs/NAME-DATE-TIME].")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="How many trials [run_cap].")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the search [hpo.seed].")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Most trials at once [what fits].")] = None,
    address: Annotated[str | None, typer.Option(envvar="RAY_ADDRESS", help="Ray cluster to use.")] = None,
    engine: Annotated[str, typer.Option(help="hpo, or tune for a stock ray.tune.Tuner.")] = "hpo",
    prior: Annotated[
        list[Path] | None, typer.Option(metavar="RUN", help="Learn from the trials of an earlier run.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show what trials print, as it comes.")] = False,
    replay: Annotated[
        Path | None, typer.Option(help="Train one trial with a schedule that `hpo schedule` printed.")
    ] = None,
    resume_or_start: Annotated[
        bool, typer.Option("--resume-or-start", help="Go on with the run in --out if there is one.")
    ] = False,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the sweep.")
    ] = None,
) -> None:
    """Run a sweep to its best trial; Ctrl-C once lets running trials end, twice stops them."""
    loaded = read_sweep(sweep, change or [])
    show(loaded.problems)
    if loaded.errors:
        raise typer.Exit(1)
    if resume_or_start and out is None:
        raise typer.BadParameter("name the run directory with --out", param_hint="--resume-or-start")
    from hpo.engine.plan import RunOptions
    from hpo.engine.planning import plan
    from hpo.engine.reopening import reopen

    options = RunOptions(out, count, seed, concurrency, address, engine, None, replay, tuple(prior or ()))
    options = replace(options, time_left=time_left())
    goes_on = resume_or_start and out is not None and begun(out)
    planned = reopen(out, options, loaded) if out and goes_on else plan(loaded, options)
    both = hidden(loaded.valid(), sweep, Path.cwd())
    place = f"program: {script_of(loaded.valid())}{both}" if both else ""
    carry_out(planned, verbose=verbose, notes=[place])
