"""`hpo status`: a run directory → how far the run is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from hpo.record.observed import Observed, observe
from hpo.record.trials import has_value, rank


def status(
    run: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how far a run is, from any machine that sees its directory."""
    seen = observe(run)
    if as_json:
        from hpo.review.cells import strict

        typer.echo(json.dumps(strict(_told(seen)), indent=2, ensure_ascii=False, allow_nan=False))
        return
    from hpo.review.terminal import console, status_panel

    console().print(status_panel(seen.record, driver=seen.driver))


def _told(seen: Observed) -> dict[str, Any]:
    """What `--json` prints; times are unix seconds, `seen` of the driver is seconds ago."""
    record, driver = seen.record, seen.driver
    best = next((t for t in rank(record.trials, record.goal) if has_value(t)), None)
    found = {"trial": best.number, "value": best.value, "state": best.state} if best else None
    return {
        "directory": str(record.directory),
        "state": record.state,
        "reason": record.reason,
        "driver": driver and {key: getattr(driver, key) for key in ("host", "pid", "alive", "seen")},
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
        "set_aside": [vars(node) for node in record.set_aside],
        "started": record.started,
        "ended": record.ended,
        "updated": record.updated,
    }
