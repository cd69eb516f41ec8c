"""`hpo schedule`: a run of a population → the schedule that its best trial trained with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpo.errors import UserError
from hpo.record.trials import load_run

if TYPE_CHECKING:
    from hpo.review.rules import Rule


def schedule(
    run: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN")],
    code: Annotated[
        bool, typer.Option("--code", help="Print the best-fitting rule of each positive number as code.")
    ] = False,
) -> None:
    """Show the hyperparameter schedule that a population found, as YAML for `hpo run --replay`."""
    from hpo.review.rules import rules
    from hpo.review.schedule import as_yaml, schedule_of

    record = load_run(run)
    found = schedule_of(record)
    fitted = {name: rules(changes, found.iterations) for name, changes in found.values.items()}
    fitted = {name: list_ for name, list_ in fitted.items() if list_}
    if code:
        if not fitted:
            raise UserError(f"no mutated parameter of {run} is positive and changed")
        typer.echo("\n".join(_code(name, list_[0]) for name, list_ in fitted.items()))
        return
    typer.echo(as_yaml(record, found), nl=False)
    _rules(fitted)


def _code(name: str, rule: Rule) -> str:
    about = f"# {name}: {rule.name}, error {rule.error:.1%}; the optimizer begins with lr={rule.start:.6g}"
    return f"{about}\nscheduler = {rule.code}"


def _rules(fitted: dict[str, list[Rule]]) -> None:
    """The rules that come near each schedule, on stderr: the YAML alone is the result."""
    from rich.text import Text

    from hpo.errors import visible
    from hpo.review.terminal import console

    out = console(sys.stderr)
    for name, list_ in fitted.items():
        out.print(
            Text(f"\n{visible(name)}: rules that come near, with their error", style="dim"), soft_wrap=True
        )
        for rule in list_:
            code = rule.code.removeprefix("torch.optim.lr_scheduler.")
            line = f"  {rule.name:<12}{rule.error:>7.1%}  from {rule.start:<10.4g}  {code}"
            out.print(Text(line), soft_wrap=True)
