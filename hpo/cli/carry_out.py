"""A plan → its run, shown while it goes on; the exit code that its end asks for."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from hpo.engine.plan import Plan
    from hpo.engine.result import RunResult
    from hpo.record.trials import RunState
    from hpo.sweepfile.model import Sweep


def carry_out(planned: Plan, *, verbose: bool, notes: Iterable[str] = ()) -> None:
    """Run it, print its result and leave with its exit code."""
    for note in filter(None, [*planned.notes, _other_python(planned.sweep), *notes]):
        print(note, file=sys.stderr)
    from hpo.engine.run import execute  # Ray: only once the run is known to be sound
    from hpo.review.report.kept import KeptReport
    from hpo.review.terminal import LiveProgress, result_table

    reported = planned.sweep.hpo.report
    kept = KeptReport(planned.directory)
    with LiveProgress(planned.directory, planned.count, planned.sweep, verbose=verbose) as progress, kept:

        def watch(state: RunState) -> None:
            progress.update(state)
            if reported:
                kept.look()

        result = execute(planned, watch)
    result_table(result.record)
    if reported and not planned.over:
        _report(result)
    if planned.over:
        print(f"nothing is left to do: {_over(planned)}", file=sys.stderr)
    _finish(result, planned)


def _report(result: RunResult) -> None:
    """Write the run's report, unless it is asked to be gone at once."""
    from hpo.review.report.kept import last_report

    hurry = result.state in ("interrupted", "budget", "unwritable")
    for line in last_report(result.directory, len(result.trials), hurry=hurry):
        print(line, file=sys.stderr)


def _over(planned: Plan) -> str:
    if planned.over == "target":
        return "it has reached its target"
    more = "" if planned.sweep.method == "grid" else f"; --count {2 * (planned.count or 1)} makes more"
    return f"all {planned.count} trials have ended{more}"


def _other_python(sweep: Sweep) -> str:
    """A note where trials run another Python than hpo: a virtual environment called without activation."""
    found = shutil.which("python")
    named = sweep.command is None or {"python", "${interpreter}"} & {str(item) for item in sweep.command}
    if not found or not named or sys.prefix == sys.base_prefix:
        return ""
    if Path(found).parent == Path(sys.executable).parent:
        return ""
    return f"trials run {found}; activate {sys.prefix} if they should run its Python"


def _unfinished(result: RunResult, planned: Plan) -> bool:
    """Whether a run whose time was up is to go on: trials are missing, or time of its own budget."""
    from hpo.engine.ending import JOB_OVER

    own = planned.sweep.hpo.time_budget not in (None, planned.options.time_left)
    short = result.record.count is not None or (own and result.reason == JOB_OVER)
    return result.state == "budget" and short


def _finish(result: RunResult, planned: Plan) -> None:
    """Say how the run ended and leave with its exit code."""
    print(f"run directory: {result.directory}", file=sys.stderr)
    if result.reason:
        print(f"hpo: {result.reason}", file=sys.stderr)
    codes = {"interrupted": 130, "unwritable": 75, "failed": 1}
    ended = 75 if _unfinished(result, planned) else codes.get(result.state, 0)
    if ended == 0 and result.trials and all(trial.state == "failed" for trial in result.trials):
        print(f"hpo: every trial failed: {result.trials[0].reason}", file=sys.stderr)
        ended = 1
    if ended:
        raise typer.Exit(ended)
