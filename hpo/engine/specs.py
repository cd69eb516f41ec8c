"""A configuration → the TrialSpec that a slot starts: command line, environment, files."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpo.sweepfile.model import Sweep
from hpo.trial.command import expand, resolve_interpreter
from hpo.trial.environment import params_text, trial_environment
from hpo.trial.spec import TrialSpec

HEARTBEAT = 1.0
"""Seconds: a running trial's newest result reaches the driver at least this often."""


@dataclass(frozen=True)
class TrialSpecs:
    """Makes the specs of one run's trials; `function` says that trials call a function, not a program."""

    sweep: Sweep
    directory: Path
    cwd: Path
    inherited: Mapping[str, str]
    function: bool = False

    def build(self, number: int, attempt: int, config: dict[str, Any]) -> TrialSpec:
        """The spec of trial `number`, its `attempt`-th start (both from 1)."""
        sweep, metric = self.sweep, self.sweep.metric
        folder = self.directory / "trials" / f"{number:04d}"
        sweep_id = self.directory.name
        env = trial_environment(
            self.inherited,
            number=number,
            config=config,
            directory=str(folder),
            channel="",
            metric=metric.name if metric else "",
            cwd=str(self.cwd),
            sweep_id=sweep_id,
            run_id=f"{sweep_id}-{number:04d}",
            project=sweep.project,
            entity=sweep.entity,
        )
        if self.function:  # modules beside the driver's script, which the pickled function may name
            env["PYTHONPATH"] = os.pathsep.join([env["PYTHONPATH"], sys.path[0] or str(self.cwd)])
        rule = sweep.early_terminate
        return TrialSpec(
            number=number,
            attempt=attempt,
            argv=self.command(config, env, folder),
            cwd=str(self.cwd),
            env=env,
            directory=str(folder),
            params_text=params_text(config),
            config=config,
            metric=metric.name if metric else "",
            goal=sweep.goal,
            kill_grace=sweep.hpo.kill_grace,
            milestones=rule.rungs() if rule else [],
            heartbeat=HEARTBEAT,
            target=metric.target if metric else None,
            function=self.function,
        )

    def command(self, config: Mapping[str, Any], env: Mapping[str, str], folder: Path) -> list[str]:
        """The argv of a trial."""
        if self.function:
            return []  # the supervisor knows how to call it
        json_file = str(folder / "args.json")
        return resolve_interpreter(
            expand(self.sweep.command, self.sweep.program, config, env=env, json_file=json_file), env
        )
