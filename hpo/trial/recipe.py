"""What all trials of a run share, sent once to each slot; with a configuration → the TrialSpec of one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpo.trial.checkpoint import ATTEMPT, DEMAND, DONE, NAN, START
from hpo.trial.command import DEFAULT_COMMAND, args_macros, expand, resolve_interpreter
from hpo.trial.environment import SETUP, UNREAD, continued, params_text, thread_counts, trial_environment
from hpo.trial.media import LOGS, MEDIA, PLACE, name_of
from hpo.trial.spec import Goal, Resume, TrialSpec, WarmStart

HEARTBEAT = 1.0
"""Seconds: a running trial's newest result reaches the driver at least this often."""


@dataclass(frozen=True)
class Recipe:
    """How to make a run's trials."""

    directory: str
    """The run's; a trial's is trials/NUMBER in it."""
    cwd: str
    inherited: Mapping[str, str]
    """Environment that trials start from."""
    program: str | None = None
    command: tuple[Any, ...] | None = None
    project: str | None = None
    entity: str | None = None
    wandb: str = "off"
    """What trials log with the real wandb beside hpo: off, offline or online."""
    metric: str = ""
    goal: Goal = "minimize"
    beside: tuple[str, ...] = ()
    """Names of further objectives, whose last values count."""
    target: float | None = None
    kill_grace: float = 30.0
    timeout: float | None = None
    """Seconds that one attempt may run."""
    milestones: tuple[int, ...] | None = ()
    nan_counts: bool = False
    """Whether a row whose objective is NaN is an iteration."""
    cpus: float = 1.0
    """Cores of one trial: its libraries start so many threads."""
    gpu_memory: float | None = None
    """Share of a GPU's memory that torch may take; None: all."""
    function: bool = False
    takes_config: bool = False
    """Whether the function is called with the configuration."""
    trainable: str = ""
    """`module:Class` that trials step instead of running a program."""
    max_iterations: int | None = None
    """Steps of a class that does not say by itself when it is done."""
    warm: WarmStart | None = None
    setup: str | None = None
    lean: bool = False
    tensorboard: bool = False
    """Whether pictures and histograms go into the run's log directory of TensorBoard."""
    checkpoint_at: tuple[int, ...] | None = None
    """Iterations that a checkpoint is needed after; None: whenever the script has one."""

    def build(
        self, number: int, attempt: int, config: dict[str, Any], resume: Resume | None = None
    ) -> TrialSpec:
        """The spec of trial `number`, its `attempt`-th start (both from 1)."""
        folder = os.path.join(self.directory, "trials", f"{number:04d}")
        env = self._environment(number, config, folder) | {ATTEMPT: str(attempt)}
        if resume is not None:
            env |= {START: resume.checkpoint, DONE: str(resume.iterations)}
            env |= continued(env, resume.iterations)
        return TrialSpec(
            number=number,
            attempt=attempt,
            argv=self.argv(config, env, folder),
            cwd=self.cwd,
            env=env,
            directory=folder,
            params_text=params_text(config),
            config=config,
            metric=self.metric,
            goal=self.goal,
            kill_grace=self.kill_grace,
            timeout=self.timeout,
            milestones=None if self.milestones is None else list(self.milestones),
            nan_counts=self.nan_counts,
            heartbeat=HEARTBEAT,
            target=self.target,
            function=self.function,
            trainable=self.trainable,
            warm=self.warm,
            lean=self.lean,
            resume=resume,
            beside=list(self.beside),
        )

    def argv(self, config: Mapping[str, Any], env: Mapping[str, str], folder: str) -> list[str]:
        """The command line of a trial; empty where it is none."""
        if self.function or self.trainable:
            return []
        json_file = os.path.join(folder, "args.json")
        return resolve_interpreter(
            expand(self.command, self.program, config, env=env, json_file=json_file), env
        )

    @property
    def _only_by_asking(self) -> bool:
        """Whether parameters are passed neither by command line nor as an argument."""
        if self.trainable:
            return False
        return not (self.takes_config if self.function else args_macros(self.command or DEFAULT_COMMAND))

    def _environment(self, number: int, config: Mapping[str, Any], folder: str) -> dict[str, str]:
        sweep_id = os.path.basename(self.directory)
        env = trial_environment(
            self.inherited,
            number=number,
            config=config,
            directory=folder,
            channel="",
            metric=self.metric,
            cwd=self.cwd,
            sweep_id=sweep_id,
            run_id=f"{sweep_id}-{number:04d}",
            project=self.project,
            entity=self.entity,
            wandb=self.wandb,
        )
        env |= {name: value for name, value in thread_counts(self.cpus).items() if name not in env}
        env["HPO_CPUS"] = f"{self.cpus:g}"
        if self._only_by_asking and config:
            env[UNREAD] = "1"
        if self.setup:
            env[SETUP] = self.setup
        if self.tensorboard:
            env[PLACE] = os.path.join(self.directory, LOGS, name_of(number), MEDIA)
        if self.trainable and self.max_iterations is not None:
            env["HPO_MAX_ITERATIONS"] = str(self.max_iterations)
        if self.checkpoint_at:
            env[DEMAND] = ",".join(map(str, self.checkpoint_at))
            env |= {NAN: "1"} if self.nan_counts else {}
        if self.gpu_memory is not None:
            env["HPO_GPU_MEMORY_FRACTION"] = f"{self.gpu_memory:g}"
        return env
