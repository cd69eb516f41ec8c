"""A loaded sweep and options → a run that is ready to start: all that can be refused has been refused."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
import yaml

import hpo
from hpo.errors import UserError
from hpo.record.journal import Journal
from hpo.record.trials import RunState
from hpo.space.grid import Grid
from hpo.sweepfile.choice import choose
from hpo.sweepfile.load import Loaded
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.population import Population, Replay
from hpo.sweepfile.program import is_class, working_directory
from hpo.sweepfile.replay import read_schedule, replayed
from hpo.sweepfile.search import LEARNING
from hpo.trial.recipe import Recipe
from hpo.trial.spec import WarmStart
from hpo.trial.warm import warm_directory
from hpo.tune.earlier import Earlier, earlier_trials
from hpo.tune.seed import fresh_seed

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler

    from hpo.engine.cluster import Cluster
    from hpo.tune.searchers import SpaceSearcher

Watch = Callable[[RunState], None]


@dataclass(frozen=True)
class RunOptions:
    """What the command line says beside the sweep; None leaves a thing to the sweep."""

    out: Path | None = None
    count: int | None = None
    seed: int | None = None
    concurrency: int | None = None
    address: str | None = None
    engine: str = "hpo"
    train: Callable[..., Any] | None = None
    replay: Path | None = None
    prior: tuple[Path, ...] = ()


@dataclass
class LiveRecord:
    """The journal on disk and the same events folded into a RunState for whoever watches."""

    journal: Journal
    state: RunState

    def append(self, event: dict[str, Any]) -> None:
        """Keep one event in both."""
        event = {"time": time.time(), **event}
        self.journal.append(event)
        self.state.apply(event)

    def show(self, event: dict[str, Any]) -> None:
        """Let whoever watches see an event that is not kept."""
        self.state.apply({"time": time.time(), **event})

    def commit(self) -> None:
        """Put kept events on disk."""
        self.journal.commit()


@dataclass(frozen=True)
class Plan:
    """A run that is ready to start: all that can be refused has been refused."""

    sweep: Sweep
    source: dict[str, Any]
    file: Path | None
    options: RunOptions
    directory: Path
    cwd: Path
    seed: int
    count: int | None
    environment: dict[str, str]
    earlier: tuple[Earlier, ...] = ()
    notes: tuple[str, ...] = ()
    """What to say of the earlier runs that the search learns from."""

    def search(self) -> SpaceSearcher:
        """A fresh searcher."""
        from hpo.tune.translate import searcher  # loads Ray Tune: not for a plan that may be refused

        made = searcher(self.sweep, self.seed, self.count, self._folders)
        made.recall(list(self.earlier))
        return made

    def scheduler(self, *, pausing: bool = True) -> TrialScheduler:
        """A fresh scheduler; raises UserError if it is a class of the user's own that cannot be built."""
        from hpo.tune.schedulers import scheduler

        return scheduler(self.sweep, self.seed, self._folders, pausing=pausing)

    @property
    def _folders(self) -> list[Path]:
        """Where classes of the user's own are looked for, as `hpo check` does."""
        return [Path.cwd(), *([self.file.resolve().parent] if self.file else [])]

    def recipe(self) -> Recipe:
        """What all trials share."""
        sweep, metric, own = self.sweep, self.sweep.metric, self.sweep.hpo
        function = self.options.train is not None
        inherited = dict(self.environment)
        if function:  # modules beside the driver's script, which the pickled function may name
            path = [inherited.get("PYTHONPATH"), sys.path[0] or str(self.cwd)]
            inherited["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        return Recipe(
            directory=str(self.directory),
            cwd=str(self.cwd),
            inherited=inherited,
            program=sweep.program,
            command=tuple(sweep.command) if sweep.command is not None else None,
            project=sweep.project,
            entity=sweep.entity,
            metric=metric.name if metric else "",
            goal=sweep.goal,
            target=metric.target if metric else None,
            beside=tuple(one.name for one in sweep.several[1:]),
            kill_grace=own.kill_grace,
            timeout=own.trial_timeout,
            milestones=sweep.early_terminate.milestones if sweep.early_terminate else (),
            nan_counts=sweep.early_terminate is not None and sweep.early_terminate.nan_counts,
            cpus=own.resources.cpu,
            gpu_memory=own.gpu_memory_fraction,
            function=function,
            trainable=sweep.program or "" if is_class(sweep) and not function else "",
            max_iterations=sweep.early_terminate.longest if sweep.early_terminate else None,
            warm=self._warm(),
            setup=own.setup,
            lean=own.trial_files == "lean",
            checkpoint_at=_checkpoints(sweep),
        )

    def _warm(self) -> WarmStart | None:
        own = self.sweep.hpo
        if own.preload == "off" or self.options.train is not None or is_class(self.sweep):
            return None
        modules = None if own.preload == "auto" else own.preload
        return WarmStart(warm_directory(), str(self.directory / "preload.log"), modules, own.setup)

    def function(self) -> bytes | None:
        """The training function for the trials' processes."""
        return cloudpickle.dumps(self.options.train) if self.options.train is not None else None

    def opening(self, slots: int) -> dict[str, Any]:
        """The journal's first event."""
        metric = self.sweep.metric
        goals = [{"name": one.name, "goal": one.goal} for one in self.sweep.several]
        return {
            "event": "run",
            "version": hpo.__version__,
            "sweep": self.source,
            "seed": self.seed,
            "count": self.count,
            "metric": {"name": metric.name, "goal": metric.goal, "target": metric.target} if metric else None,
            **({"metrics": goals} if goals else {}),
            "method": self.sweep.method,
            "sampler": choose(self.sweep, self.count).sampler,
            "prior": [str(path.absolute()) for path in self.options.prior],
            "cwd": str(self.cwd),
            "argv": sys.argv,
            "engine": self.options.engine,
            "function": self.options.train is not None,
            "host": socket.gethostname(),
            "slots": slots,
        }


def plan(loaded: Loaded, options: RunOptions) -> Plan:
    """Check a sweep and options together; raises UserError or SweepError, before anything is started."""
    sweep = loaded.valid()
    if options.engine not in ("hpo", "tune"):
        raise UserError(f"engine '{options.engine}' is not known; write hpo or tune")
    if options.train is None and sweep.program is None and sweep.command is None:
        raise UserError(
            "nothing to run: the sweep names no `program:` or `command:`; name the training script"
        )
    if options.replay is not None:
        sweep = replayed(sweep, read_schedule(options.replay))
        options = replace(options, count=1)
    _population(sweep, options)
    if options.engine == "tune" and sweep.several and sweep.early_terminate:
        raise UserError(
            "a stock Tuner loses the values of trials that it stops early: with `metrics:` remove"
            " early_terminate, or use --engine hpo"
        )
    started_in = Path.cwd()
    cwd = started_in if options.train else working_directory(sweep, loaded.file, started_in)
    count = options.count or sweep.run_cap
    if sweep.method == "grid":
        size = Grid(sweep.space).size
        count = min(count or size, size)
    elif count is None and sweep.hpo.time_budget is None:
        how = "give --count 20, or `run_cap: 20` in the sweep, or `hpo: {time_budget: 2h}`"
        raise UserError(f"{sweep.method} never ends by itself; {how}")
    directory = (options.out or default_directory(loaded, sweep)).absolute()
    if (directory / "journal.jsonl").exists():
        raise UserError(f"{directory} holds a run already; name another --out")
    above = next(folder for folder in directory.parents if folder.exists())
    if not os.access(directory if directory.exists() else above, os.W_OK):
        raise UserError(f"cannot write to {directory}; name another --out")
    seed, here = fresh_seed(sweep, options.seed), dict(os.environ)
    earlier, notes = _learnt(sweep, options)
    source = dict(loaded.source)
    return Plan(
        sweep, source, loaded.file, options, directory, cwd, seed, count, here, tuple(earlier), tuple(notes)
    )


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


def _checkpoints(sweep: Sweep) -> tuple[int, ...] | None:
    """The iterations that checkpoints are needed of; None: all that a script has."""
    rule = sweep.early_terminate
    return rule.milestones if isinstance(rule, (Population, Replay)) else None


def _learnt(sweep: Sweep, options: RunOptions) -> tuple[list[Earlier], list[str]]:
    """The trials of earlier runs, where the method learns from any."""
    if options.prior and sweep.method not in LEARNING:
        raise UserError(f"{sweep.method} learns nothing from --prior; write `method: bayes`")
    return earlier_trials(sweep, options.prior)


def default_directory(loaded: Loaded, sweep: Sweep) -> Path:
    """runs/NAME-DATE-TIME below the working directory, with a number where that is taken."""
    name = sweep.name or (loaded.file.stem if loaded.file else "sweep")
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)[:60].strip(".-") or "sweep"
    base = Path("runs") / f"{safe}-{time.strftime('%Y%m%d-%H%M%S')}"
    return next(
        p for n in range(10_000) if not (p := base.with_name(base.name + (f"-{n}" if n else ""))).exists()
    )


def open_record(run: Plan) -> LiveRecord:
    """Make the run directory with the sweep in it; raises UserError where that cannot be."""
    try:
        (run.directory / "trials").mkdir(parents=True, exist_ok=True)
        if run.file:
            text = run.file.read_text(encoding="utf-8")
        else:
            text = yaml.safe_dump(run.source, sort_keys=False, allow_unicode=True)
        (run.directory / "sweep.yaml").write_text(text, encoding="utf-8")
        return LiveRecord(Journal.create(run.directory), RunState(keep_results=False))
    except OSError as error:
        raise UserError(f"cannot write to {run.directory}: {error.strerror}; name another --out") from error


def slots_for(run: Plan, cluster: Cluster) -> int:
    """How many trials at once: what fits, no more than asked for or than there are trials."""
    room = cluster.room(run.sweep.hpo.resources)
    wanted = run.options.concurrency or run.sweep.hpo.concurrency or room
    return max(1, min(room, wanted, run.count or room))
