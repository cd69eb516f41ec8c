"""A loaded sweep and options → a plan: all that can be refused has been refused."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hpo.engine.plan import Plan, RunOptions, timed
from hpo.errors import UserError
from hpo.record.journal import begun
from hpo.space.grid import Grid
from hpo.sweepfile.load import Loaded
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.population import Population, Replay
from hpo.sweepfile.program import working_directory
from hpo.sweepfile.replay import read_schedule, replayed
from hpo.sweepfile.search import LEARNING
from hpo.tune.earlier import Earlier, earlier_trials
from hpo.tune.seed import fresh_seed


def plan(loaded: Loaded, options: RunOptions) -> Plan:
    """Check a sweep and options together; raises UserError or SweepError, before anything is started."""
    sweep = timed(loaded.valid(), options)
    if options.train is None and sweep.program is None and sweep.command is None:
        raise UserError(
            "nothing to run: the sweep names no `program:` or `command:`; name the training script"
        )
    _engine(sweep, options)
    if options.replay is not None:
        sweep = replayed(sweep, read_schedule(options.replay))
        options = replace(options, count=1)
    _population(sweep, options)
    started_in = Path.cwd()
    cwd = started_in if options.train else working_directory(sweep, loaded.file, started_in)
    count = trial_count(sweep, options.count or sweep.run_cap)
    directory = (options.out or default_directory(loaded, sweep)).absolute()
    _place(directory)
    seed, here = fresh_seed(sweep, options.seed), dict(os.environ)
    earlier, notes = _learnt(sweep, options)
    return Plan(
        sweep,
        dict(loaded.source),
        loaded.file,
        options,
        directory,
        cwd,
        seed,
        count,
        here,
        tuple(earlier),
        (*notes, *_about_wandb(sweep, here)),
        folders=(started_in, *([loaded.file.resolve().parent] if loaded.file else [])),
        changes=loaded.overrides,
    )


def _place(directory: Path) -> None:
    """Refuse a run directory that cannot be one."""
    if begun(directory):
        raise UserError(f"{directory} holds a run already; `hpo resume {directory}` goes on with it")
    there = next(folder for folder in (directory, *directory.parents) if folder.exists())
    if not there.is_dir():
        raise UserError(f"cannot make {directory}: {there} is a file; name another --out")
    if not os.access(there, os.W_OK):
        raise UserError(f"cannot write to {there}; name another --out")


def _engine(sweep: Sweep, options: RunOptions) -> None:
    """Refuse what an engine cannot do."""
    if options.engine not in ("hpo", "tune"):
        raise UserError(f"engine '{options.engine}' is not known; write hpo or tune")
    if options.engine == "tune" and sweep.several and sweep.early_terminate:
        raise UserError(
            "a stock Tuner loses the values of trials that it stops early: with `metrics:` remove"
            " early_terminate, or use --engine hpo"
        )


def trial_count(sweep: Sweep, wanted: int | None) -> int | None:
    """How many trials a run makes in all; None where its time budget is its only end. Raises UserError."""
    if sweep.method == "grid":
        size = Grid(sweep.space).size
        return min(wanted or size, size)
    if wanted is None and sweep.hpo.time_budget is None:
        how = "give --count 20, or `run_cap: 20` in the sweep, or `hpo: {time_budget: 2h}`"
        raise UserError(f"{sweep.method} never ends by itself; {how}")
    return wanted


def _population(sweep: Sweep, options: RunOptions) -> None:
    """Refuse a population that cannot be one."""
    rule = sweep.early_terminate
    if not isinstance(rule, (Population, Replay)):
        return
    if options.engine == "tune":
        what = f"{rule.type} starts trials from each other's checkpoints"
        raise UserError(f"{what}, which the engine `tune` cannot; leave --engine out")
    if isinstance(rule, Population) and (options.count or sweep.run_cap) is None:
        how = "give --count 8, or `run_cap: 8` in the sweep"
        raise UserError(f"{rule.type} needs to know how large its population is; {how}")


def _learnt(sweep: Sweep, options: RunOptions) -> tuple[list[Earlier], list[str]]:
    """The trials of earlier runs, where the method learns from any."""
    if options.prior and sweep.method not in LEARNING:
        raise UserError(f"{sweep.method} learns nothing from --prior; write `method: bayes`")
    return earlier_trials(sweep, options.prior)


def _about_wandb(sweep: Sweep, environ: Mapping[str, str]) -> list[str]:
    """A note where the environment has wandb do another thing than the sweep asks for."""
    mode, told = sweep.hpo.wandb, environ.get("WANDB_MODE")
    if mode == "off" or not told or told == mode:
        return []
    return [f"WANDB_MODE={told} in your environment goes before `wandb: {mode}` of the sweep"]


def default_directory(loaded: Loaded, sweep: Sweep) -> Path:
    """runs/NAME-DATE-TIME below the working directory, with a number where that is taken."""
    name = sweep.name or (loaded.file.stem if loaded.file else "sweep")
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)[:60].strip(".-") or "sweep"
    base = Path("runs") / f"{safe}-{time.strftime('%Y%m%d-%H%M%S')}"
    return next(
        p for n in range(10_000) if not (p := base.with_name(base.name + (f"-{n}" if n else ""))).exists()
    )
