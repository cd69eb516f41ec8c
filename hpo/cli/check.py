"""`hpo check`: a sweep file → what it means, or what is wrong with it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from hpo.cli.problems import show
from hpo.errors import visible
from hpo.sweepfile.explain import explain
from hpo.sweepfile.load import read_sweep
from hpo.sweepfile.program import whereabouts

LONGEST = 48
"""Characters of a value list before it is cut."""
ROWS = 500
"""Parameters that the table shows."""
LONGEST_CELL = 400
"""Characters of a name, or of a range with its condition."""


def check(
    sweep: Annotated[Path, typer.Argument(help="Sweep file.", metavar="SWEEP")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    strict: Annotated[bool, typer.Option(help="Exit with 1 on warnings too.")] = False,
    samples: Annotated[int, typer.Option(min=0, help="How many configurations to show.")] = 3,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the shown configurations.")] = None,
) -> None:
    """Validate a sweep file and explain what it will run; needs neither Ray nor a GPU."""
    loaded = read_sweep(sweep)
    told = explain(loaded, samples, seed)
    show(loaded.problems)
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False, default=str))
    elif loaded.sweep:
        _tables(told, whereabouts(loaded.sweep, sweep, Path.cwd()))
    if loaded.errors or (strict and loaded.warnings):
        raise typer.Exit(1)


def _tables(told: dict[str, Any], program: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=False)
    facts = Table(box=None, show_header=False, pad_edge=False)
    for key, value in [("program", program), *_facts(told)]:
        facts.add_row(Text(key, style="dim"), Text(visible(value)))
    console.print(facts)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("parameter", "distribution", "range or values"):
        table.add_column(column, overflow="fold")
    parameters = told["parameters"]
    for parameter in parameters[:ROWS]:
        row = (parameter["name"], parameter["distribution"], _range(parameter) + _condition(parameter))
        table.add_row(*(Text(_cut(visible(cell), LONGEST_CELL)) for cell in row))
    console.print(table)
    if len(parameters) > ROWS:
        console.print(Text(f"{len(parameters) - ROWS:,} more parameters: see --json", style="dim"))
    if told["samples"]:
        console.print(Text("first trials" if told["method"] == "grid" else "sampled trials", style="dim"))
    for config, command in zip(told["samples"], told["commands"], strict=True):
        line = shlex.join(command) if command else json.dumps(config, ensure_ascii=False)
        console.print(Text("  " + visible(line)), soft_wrap=True)


def _facts(told: dict[str, Any]) -> list[tuple[str, str]]:
    chosen = f": {told['sampler']}, because {told['reason']}" if told["reason"] else ""
    facts = [("method", told["method"] + chosen)]
    for metric in told["metrics"] or ():
        facts.append(("metric", f"{metric['goal']} {metric['name']}"))
    if (metric := told["metric"]) and not told["metrics"]:
        target = "" if metric["target"] is None else f", target {metric['target']:g}"
        facts.append(("metric", f"{metric['goal']} {metric['name']}{target}"))
    if told["grid_size"] is not None:
        facts.append(("grid", f"{told['grid_size']:,} trials"))
    if told["run_cap"] is not None:
        facts.append(("run_cap", f"{told['run_cap']:,} trials"))
    elif told["grid_size"] is None:
        facts.append(("run_cap", "none: give --count to `hpo run`"))
    if rule := told["early_terminate"]:
        facts.append(("early stop", rule["type"] + _at(rule["rungs"])))
        for bracket in rule.get("brackets", ()):
            facts.append(
                ("", f"{bracket['share']:4.0%} of trials{_at(bracket['rungs']) or ' to their ends'}")
            )
    needs = {key: value for key, value in told["resources"].items() if value is not None}
    facts.append(("each trial", ", ".join(f"{key} {value:g}" for key, value in needs.items())))
    return facts


def _at(rungs: list[int]) -> str:
    return f" at iterations {', '.join(map(str, rungs))}" if rungs else ""


def _range(parameter: dict[str, Any]) -> str:
    if "constant" in parameter:
        return _cut(_plain(parameter["constant"]))
    if "values" in parameter:
        shares = parameter.get("probabilities", [None] * len(parameter["values"]))
        pairs = zip(parameter["values"], shares, strict=True)
        return _cut(", ".join(_plain(v) + (f" ({p:g})" if p is not None else "") for v, p in pairs))
    text = f"{_end(parameter, 'low', '-inf')} … {_end(parameter, 'high', 'inf')}"
    extras = [f"{key} {parameter[key]:g}" for key in ("q", "mu", "sigma", "a", "b") if key in parameter]
    return text + (f"  ({', '.join(extras)})" if extras else "")


def _condition(parameter: dict[str, Any]) -> str:
    conditions = [
        f"{name} is {' or '.join(_plain(value) for value in values)}"
        for name, values in parameter.get("when", {}).items()
    ]
    return f"  when {' and '.join(conditions)}" if conditions else ""


def _end(parameter: dict[str, Any], key: str, infinite: str) -> str:
    return f"{parameter[key]:.6g}" if key in parameter else infinite


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
