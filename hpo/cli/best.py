"""`hpo best`: a run directory → its best trials as a table, JSON, YAML to train with, or a command line."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from hpo.errors import UserError
from hpo.record.front import front, ordered
from hpo.record.trials import RunRecord, TrialRecord, has_value, load_run

TOP = 10
"""So many trials are shown."""


def best(
    run: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_yaml: Annotated[
        bool,
        typer.Option(
            "--yaml", help="Print the best configuration (each of the front) as YAML to train with."
        ),
    ] = False,
    command: Annotated[
        bool, typer.Option("--command", help="Print the best trial's command line, quoted for a shell.")
    ] = False,
    top: Annotated[
        int | None,
        typer.Option(min=1, help="How many trials to show; without it 10, and the whole Pareto front."),
    ] = None,
) -> None:
    """Show the best trials of a run, also while it runs; with several metrics, the Pareto front first."""
    if as_json + as_yaml + command > 1:
        raise typer.BadParameter("--json, --yaml and --command exclude each other; give one of them")
    record = load_run(run)
    ranked = [trial for trial in ordered(record) if record.metric and has_value(trial)]
    first = front(record) if record.goals else []
    shown = top or max(TOP, len(first))
    if as_json:
        typer.echo(_as_json(record, ranked[:shown], {trial.number for trial in first}))
    if not ranked:
        raise UserError(_nothing(record))
    if not as_json and ranked[0].state == "failed":
        print(f"hpo: only failed trials have a value; trial {ranked[0].number} is one", file=sys.stderr)
    if as_yaml:
        from hpo.review.reproduce import config_yaml

        typer.echo("---\n".join(config_yaml(record, trial) for trial in first[:top] or ranked[:1]), nl=False)
    elif command:
        typer.echo(_command(record, ranked[0]))
    elif not as_json:
        from hpo.review.terminal import best_table, console

        console().print(best_table(record, shown))


def _command(record: RunRecord, trial: TrialRecord) -> str:
    """Its command line; where that is to be run is said on stderr."""
    from hpo.review.reproduce import command_of

    argv = command_of(record, trial)
    if record.cwd and record.cwd != os.getcwd():
        print(f"to be run in {record.cwd}", file=sys.stderr)
    return shlex.join(argv)


def _nothing(record: RunRecord) -> str:
    """Why there is no best trial."""
    if record.metric is None:
        return f"the sweep of {record.directory} names no metric, so no trial is better than another"
    counts = ", ".join(f"{number} {state}" for state, number in record.states.items() if number)
    failed = next((trial.reason for trial in record.trials if trial.state == "failed"), "")
    why = f"; one failed with: {failed}" if failed else ""
    return f"no trial of {record.directory} has a value of '{record.metric}' ({counts or 'no trials'}){why}"


def _as_json(record: RunRecord, trials: list[TrialRecord], first: set[int]) -> str:
    from hpo.review.cells import strict

    told = {
        "metric": record.metric,
        "goal": record.goal,
        **({"metrics": dict(record.goals)} if record.goals else {}),
        "trials": len(record.trials),
        "states": record.states,
        "best": [
            {
                "trial": trial.number,
                "value": trial.value,
                "last": trial.last,
                "iterations": trial.iterations,
                "state": trial.state,
                "config": trial.config,
                **({"values": dict(trial.values), "front": trial.number in first} if record.goals else {}),
            }
            for trial in trials
        ],
    }
    return json.dumps(strict(told), indent=2, ensure_ascii=False, allow_nan=False)
