"""`hpo stop`: a run directory → its driver is asked to end the run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpo.errors import UserError
from hpo.record.observed import DIED, observe
from hpo.record.stop_request import noted, request

ANSWER = 10.0
"""Seconds to wait for the driver's answer."""
LATEST = 60
"""Seconds after which it has seen the request at the latest: a network file system may show it late."""


def stop(
    run: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN")],
    now: Annotated[
        bool, typer.Option("--now", help="End running trials too; the run can be resumed.")
    ] = False,
) -> None:
    """End a run from any machine that sees its directory: no new trials, running ones finish."""
    seen = observe(run)
    driver = seen.driver
    if driver is None or not driver.alive:
        raise UserError(_nobody(run, seen.record.state, seen.record.reason))
    try:
        request(run, "now" if now else "finish", driver.token)
        answer = noted(run, driver, ANSWER)
    except OSError as error:
        raise UserError(f"cannot tell the driver of {run}: {error.strerror}") from error
    if answer is None:
        typer.echo(_nobody(run, *_state(run)))
    elif answer:
        then = f"running trials are ended; `hpo resume {run}` goes on" if now else "running trials finish"
        typer.echo(f"{driver.name} has taken note: no new trials, {then}")
    else:
        when = f"last seen {driver.seen:.0f} s before; if it lives it will within {LATEST} s"
        typer.echo(f"{driver.name} has not taken note yet, {when}; `hpo status {run}` tells")


def _state(run: Path) -> tuple[str, str]:
    record = observe(run).record
    return record.state, record.reason


def _nobody(run: Path, state: str, reason: str) -> str:
    """Nobody drives the run: what has become of it."""
    if state == DIED:
        return f"nobody drives {run}: {reason}"
    return f"{run} has ended already: {state}" + (f", {reason.splitlines()[0]}" if reason else "")
