"""`hpo status`: a run directory → how far the run is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from hpo.record.trials import RunRecord, has_value, load_run, rank


def status(
    run: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how far a run is, from any machine that sees its directory."""
    record = load_run(run)
    if as_json:
        from hpo.review.cells import strict

        typer.echo(json.dumps(strict(_told(record)), indent=2, ensure_ascii=False, allow_nan=False))
        return
    from hpo.review.terminal import console, status_panel

    console().print(status_panel(record))


def _told(record: RunRecord) -> dict[str, Any]:
    """What `--json` prints; times are unix seconds."""
    best = next((t for t in rank(record.trials, record.goal) if has_value(t)), None)
    found = {"trial": best.number, "value": best.value, "state": best.state} if best else None
    return {
        "directory": str(record.directory),
        "state": record.state,
        "reason": record.reason,
        "method": record.method,
        "metric": record.metric,
        "goal": record.goal,
        "target": record.target,
        "seed": record.seed,
        "count": record.count,
        "slots": record.slots,
        "trials": len(record.trials),
        "states": record.states,
        "best": found,
        "started": record.started,
        "ended": record.ended,
        "updated": record.updated,
    }
