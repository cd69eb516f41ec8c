"""What a run needs to start or to go on, and what is built from it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hpo
from hpo.engine.pickled import pickled
from hpo.record.trials import RunState
from hpo.sweepfile.choice import choose
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.population import Population, Replay
from hpo.sweepfile.program import is_class
from hpo.trial.call import takes_config
from hpo.trial.recipe import Recipe
from hpo.trial.spec import WarmStart
from hpo.trial.warm import warm_directory
from hpo.tune.earlier import Earlier

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler

    from hpo.engine.cluster import Cluster
    from hpo.tune.searchers import SpaceSearcher

Watch = Callable[[RunState], None]


def time_left() -> float | None:
    """Seconds that slurm/submit.sh gives a sweep without a time budget; None outside of such a job."""
    told = os.environ.get("HPO_TIME_LEFT", "")
    return float(told) if told.isdecimal() else None


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
    retry_failed: bool = False
    """On resuming: try failed trials again."""
    time_left: float | None = field(default_factory=time_left)
    """Seconds that a batch job has left: the time budget of a sweep that has none."""


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
    """What is to be said before it starts."""
    folders: tuple[Path, ...] = ()
    """Where classes of the user's own are looked for, as `hpo check` does."""
    changes: tuple[str, ...] = ()
    """What `--set` has changed."""
    past: tuple[dict[str, Any], ...] = ()
    """What a run's journal holds that is to go on."""
    again: frozenset[int] = frozenset()
    """Its failed trials that are to be tried again."""
    sampler: str | None = None
    """What its search was; None: `choose` says."""

    @property
    def over(self) -> str | None:
        """How the run ended of which nothing is left to do; None where there is something."""
        ends = {event["trial"]: event for event in self.past if event["event"] in ("trial", "end", "requeue")}
        begun = sum(event["event"] == "trial" for event in self.past)
        open_ = [n for n, e in ends.items() if e["event"] != "end" or e["state"] == "interrupted"]
        if not self.past or open_ or self.again:
            return None
        last = self.past[-1]
        if last["event"] != "done" and any(event.get("held") for event in ends.values()):
            return None
        ended = str(last.get("state", "")) if last["event"] == "done" else ""
        return "target" if ended == "target" else "complete" if begun == self.count else None

    def search(self) -> SpaceSearcher:
        """A fresh searcher."""
        from hpo.tune.translate import searcher  # loads Ray Tune: not for a plan that may be refused

        made = searcher(self.sweep, self.seed, self.count, self.folders, self.sampler)
        made.recall(list(self.earlier))
        return made

    def scheduler(self, *, pausing: bool = True) -> TrialScheduler:
        """A fresh scheduler; raises UserError if it is a class of the user's own that cannot be built."""
        from hpo.tune.schedulers import scheduler

        return scheduler(self.sweep, self.seed, self.folders, pausing=pausing)

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
            wandb=own.wandb,
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
            takes_config=self.options.train is not None and takes_config(self.options.train),
            trainable=sweep.program or "" if is_class(sweep) and not function else "",
            max_iterations=sweep.early_terminate.longest if sweep.early_terminate else None,
            warm=self._warm(),
            setup=own.setup,
            lean=own.trial_files == "lean",
            tensorboard=own.tensorboard,
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
        return pickled(self.options.train) if self.options.train is not None else None

    def opening(self, slots: int, demand: Mapping[str, float]) -> dict[str, Any]:
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
            "sampler": self.sampler or choose(self.sweep, self.count).sampler,
            "set": list(self.changes),
            "replay": str(self.options.replay.absolute()) if self.options.replay else None,
            "prior": [str(path.absolute()) for path in self.options.prior],
            "folders": [str(folder) for folder in self.folders],
            "cwd": str(self.cwd),
            "argv": sys.argv,
            "engine": self.options.engine,
            "function": self.options.train is not None,
            "host": socket.gethostname(),
            "job": self.environment.get("SLURM_JOB_ID"),
            "slots": slots,
            "resources": dict(demand),
        }


def _checkpoints(sweep: Sweep) -> tuple[int, ...] | None:
    """The iterations that checkpoints are needed of; None: all that a script has."""
    rule = sweep.early_terminate
    return rule.milestones if isinstance(rule, (Population, Replay)) else None


def timed(sweep: Sweep, options: RunOptions, past: Sequence[Mapping[str, Any]] = ()) -> Sweep:
    """The sweep with the time budget of this part of its run.

    That is what earlier parts have left of its own (a whole one once it was used up), or what its batch job
    has left where it has none.
    """
    seconds, own = options.time_left, sweep.hpo.time_budget
    if own is not None:
        seconds = own - _spent(past) % own
    return sweep.model_copy(update={"hpo": sweep.hpo.model_copy(update={"time_budget": seconds})})


def _spent(past: Sequence[Mapping[str, Any]]) -> float:
    """Seconds that a run has lasted, without the breaks between its parts."""
    spent = begun = last = 0.0
    for event in past:
        if event["event"] == "run":
            spent, begun = spent + last - begun, event["time"]
        last = event["time"]
    return spent + last - begun


def slots_for(run: Plan, cluster: Cluster) -> int:
    """How many trials at once: what fits, no more than asked for or than there are trials."""
    room = cluster.room(run.sweep.hpo.resources)
    wanted = run.options.concurrency or run.sweep.hpo.concurrency or room
    return max(1, min(room, wanted, run.count or room))
