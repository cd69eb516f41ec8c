"""`hpo submit`: a sweep file → a Slurm job that runs it on all its nodes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpo.cli.problems import show
from hpo.errors import Place, Problem
from hpo.sweepfile.load import Loaded, read_sweep
from hpo.sweepfile.program import split_target

if TYPE_CHECKING:
    from hpo.engine.plan import Plan
    from hpo.slurm.job import Job

SET = "--set hpo.slurm."
"""How an option of this command looks to who reads the sweep."""


def _scripts(asked: bool) -> None:
    if asked:
        from hpo.slurm.job import scripts

        typer.echo(scripts())
        raise typer.Exit


def submit(
    context: typer.Context,
    sweep: Annotated[Path, typer.Argument(help="Sweep file.", metavar="SWEEP")],
    nodes: Annotated[int | None, typer.Option(min=1, help="How many nodes [1].")] = None,
    gpus_per_node: Annotated[str | None, typer.Option(help="GPUs of each node: 4, or a100:4.")] = None,
    cpus_per_task: Annotated[int | None, typer.Option(min=1, help="CPU cores of each node.")] = None,
    time: Annotated[str | None, typer.Option(help="Wall time of one job: 12:00:00, 90m, 12h.")] = None,
    partition: Annotated[str | None, typer.Option(help="The site's name of a group of nodes.")] = None,
    account: Annotated[str | None, typer.Option(help="Who pays.")] = None,
    sbatch: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="For sbatch.")] = None,
    min_nodes: Annotated[
        int | None, typer.Option(min=1, help="Start when so many nodes have joined [1].")
    ] = None,
    max_requeues: Annotated[
        int | None, typer.Option(min=0, help="How often it goes on when its time was up [20].")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the job's script only.")] = False,
    scripts: Annotated[
        bool, typer.Option("--scripts", is_eager=True, callback=_scripts, help="Print where the scripts are.")
    ] = False,
) -> None:
    """Submit a sweep to Slurm; behind SWEEP may stand options of `hpo run`, in `hpo.slurm` those of here."""
    asked = {
        "nodes": nodes,
        "gpus_per_node": gpus_per_node,
        "cpus_per_task": cpus_per_task,
        "time": time,
        "partition": partition,
        "account": account,
        "max_requeues": max_requeues,
    }
    settings = [f"hpo.slurm.{key}={value}" for key, value in asked.items() if value is not None]
    settings += [f"hpo.slurm.sbatch.{one}{'' if '=' in one else '=true'}" for one in sbatch or ()]
    rest = _Rest.of(sweep, context.args)
    loaded = read_sweep(sweep, [*rest.change, *settings])
    show(map(_as_typed, loaded.problems))
    if loaded.errors:
        raise typer.Exit(1)
    _submit(loaded, rest, ["--min-nodes", str(min_nodes)] if min_nodes else [], dry_run=dry_run)


def _as_typed(problem: Problem) -> Problem:
    """A problem of an option of this command, by its name here."""
    key, equals, value = problem.place.file.removeprefix(SET).partition("=")
    if not problem.place.file.startswith(SET) or not equals:
        return problem
    option = f"--{key.replace('_', '-')} {value}"
    if key.startswith("sbatch."):
        option = f"--sbatch {key.removeprefix('sbatch.')}={value}"
    return replace(problem, place=Place(option), key="")


@dataclass(frozen=True)
class _Rest:
    """What stands behind SWEEP for `hpo run`, as it is and as that command reads it."""

    arguments: tuple[str, ...]
    read: dict[str, Any]

    @classmethod
    def of(cls, sweep: Path, arguments: Sequence[str]) -> _Rest:
        """Read it; a usage error names an option that `hpo run` has not."""
        from hpo.cli.run import run

        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command()(run)
        command = typer.main.get_command(alone)
        context = command.make_context("hpo submit", [str(sweep), *arguments])
        for option in ("--address", "--resume-or-start"):
            if any(argument.split("=")[0] == option for argument in arguments):
                raise typer.BadParameter(f"the job's script gives {option} itself; leave it out")
        read = dict(context.params)  # older typer makes paths only when it calls the command
        for name in ("out", "replay"):
            read[name] = Path(read[name]) if read[name] else None
        read["prior"] = [Path(one) for one in read["prior"] or ()]
        return cls(tuple(arguments), read)

    @property
    def change(self) -> list[str]:
        """What `--set` changes."""
        return list(self.read["change"] or ())

    @property
    def passed_on(self) -> list[str]:
        """What the job's script gets: all but --out, which it has, and with paths that hold anywhere."""
        options = {"count": "--count", "seed": "--seed", "concurrency": "--concurrency", "replay": "--replay"}
        found: list[str] = []
        for name, option in options.items():
            value = self.read[name]
            if value is not None:
                found += [option, str(value.absolute() if isinstance(value, Path) else value)]
        for path in self.read["prior"]:
            found += ["--prior", str(path.absolute())]
        for text in self.change:
            found += ["--set", text]
        return found + (["--verbose"] if self.read["verbose"] else [])


def _submit(loaded: Loaded, rest: _Rest, more: list[str], *, dry_run: bool) -> None:
    from hpo.engine.plan import RunOptions
    from hpo.engine.planning import plan
    from hpo.slurm.submission import submit

    read = rest.read
    options = RunOptions(
        read["out"],
        read["count"],
        read["seed"],
        read["concurrency"],
        engine=read["engine"],
        prior=tuple(read["prior"] or ()),
        replay=read["replay"],
        time_left=1.0 if loaded.valid().hpo.slurm.time else None,  # a job that ends ends the sweep, too
    )
    planned = plan(loaded, options)
    job = _job(planned, [*rest.passed_on, *more])
    if dry_run:
        typer.echo(job.script, nl=False)
        return
    assert loaded.file is not None
    number = submit(job, loaded.file.read_text(encoding="utf-8"))
    typer.echo(f"job {number}")
    typer.echo(f"run directory: {job.directory}")
    print(f"`hpo status {job.directory}` tells how far it is", file=sys.stderr)


def _job(planned: Plan, arguments: list[str]) -> Job:
    """The job of a plan; modules of the user's own are found beside the sweep file, too."""
    from hpo.slurm.job import Job, loaded_modules

    sweep, rule = planned.sweep, planned.sweep.early_terminate
    path = [
        Path(folder).absolute() for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder
    ]
    own = any(split_target(one) for one in (sweep.method, rule.type if rule else None, sweep.hpo.setup))
    return Job(
        name=planned.directory.name,
        sweep=planned.directory / "sweep.yaml",
        directory=planned.directory,
        cwd=planned.cwd,
        settings=sweep.hpo.slurm,
        arguments=tuple(arguments),
        modules=loaded_modules(os.environ),
        path=(*(folder for folder in planned.folders if own and folder != planned.cwd), *path),
    )
