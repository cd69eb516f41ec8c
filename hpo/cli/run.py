"""`hpo run`: a sweep file → a run directory and its best trial."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo.cli.problems import show
from hpo.sweepfile.load import read_sweep
from hpo.sweepfile.program import hidden, script_of

if TYPE_CHECKING:
    from hpo.engine.result import RunResult
    from hpo.sweepfile.model import Sweep


def run(
    sweep: Annotated[Path, typer.Argument(help="Sweep file.", metavar="SWEEP")],
    out: Annotated[Path | None, typer.Option(help="Run directory [runs/NAME-DATE-TIME].")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="How many trials [run_cap].")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the search [hpo.seed, else a fresh one].")] = None,
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
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the sweep.")
    ] = None,
) -> None:
    """Run a sweep to its best trial; Ctrl-C once lets running trials end, twice stops them."""
    loaded = read_sweep(sweep, change or [])
    show(loaded.problems)
    if loaded.errors:
        raise typer.Exit(1)
    from hpo.engine.plan import RunOptions, plan

    before = tuple(prior or ())
    options = RunOptions(out, count, seed, concurrency, address, engine, prior=before, replay=replay)
    planned = plan(loaded, options)
    both = hidden(loaded.valid(), sweep, Path.cwd())
    place = f"program: {script_of(loaded.valid())}{both}" if both else ""
    for note in filter(None, [*planned.notes, _other_python(loaded.valid()), place]):
        print(note, file=sys.stderr)
    from hpo.engine.run import execute  # Ray: only once the run is known to be sound
    from hpo.review.terminal import LiveProgress, result_table

    with LiveProgress(planned.directory, planned.count, loaded.valid(), verbose=verbose) as progress:
        result = execute(planned, progress.update)
    result_table(result.record)
    _finish(result)


def _other_python(sweep: Sweep) -> str:
    """A note where trials run another Python than hpo: a virtual environment called without activation."""
    found = shutil.which("python")
    named = sweep.command is None or {"python", "${interpreter}"} & {str(item) for item in sweep.command}
    if not found or not named or sys.prefix == sys.base_prefix:
        return ""
    if Path(found).parent == Path(sys.executable).parent:
        return ""
    return f"trials run {found}; activate {sys.prefix} if they should run its Python"


def _finish(result: RunResult) -> None:
    """Say how the run ended and leave with its exit code."""
    print(f"run directory: {result.directory}", file=sys.stderr)
    if result.reason:
        print(f"hpo: {result.reason}", file=sys.stderr)
    short = result.state == "budget" and result.record.count is not None
    ended = 75 if short else {"interrupted": 130, "failed": 1}.get(result.state, 0)
    if ended == 0 and result.trials and all(trial.state == "failed" for trial in result.trials):
        print(f"hpo: every trial failed: {result.trials[0].reason}", file=sys.stderr)
        ended = 1
    if ended:
        raise typer.Exit(ended)
