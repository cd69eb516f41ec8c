"""A sweep and what it asks of Slurm → the script of a job."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hpo.sweepfile.slurm import SlurmSettings

LOG = "slurm-%j.log"
"""The job's own output, in the run directory."""


def scripts() -> Path:
    """The directory of submit.sh, start-head.sh and start-worker.sh, which all nodes have to see."""
    return Path(__file__).with_name("scripts").resolve()


@dataclass(frozen=True)
class Job:
    """One sweep as a Slurm job; directory and cwd are absolute, and seen by all nodes."""

    name: str
    sweep: Path
    directory: Path
    cwd: Path
    settings: SlurmSettings
    arguments: tuple[str, ...] = ()
    """What is passed on to submit.sh and `hpo run`, apart from sweep and --out."""
    modules: tuple[str, ...] = ()
    """Environment modules that are loaded where it is submitted."""
    path: tuple[Path, ...] = ()
    """Where Python finds modules where it is submitted, apart from what is installed: its PYTHONPATH."""

    @property
    def script(self) -> str:
        """The job's script: what the site sees, and at its end slurm/submit.sh."""
        lines = ["#!/usr/bin/env bash"]
        lines += [f"#SBATCH --{key}={_quoted(value)}" if value else f"#SBATCH --{key}" for key, value in self]
        lines += [""]
        if self.path:
            folders = shlex.quote(os.pathsep.join(map(str, self.path)))
            lines += [f"export PYTHONPATH={folders}${{PYTHONPATH:+:$PYTHONPATH}}"]
        if self.modules:
            lines += [shlex.join(["module", "load", *self.modules])]
        own = self.settings
        lines += own.prologue.rstrip().splitlines()
        lines += [f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"]
        lines += [f"export HPO_WARNING={own.grace:g} HPO_MAX_REQUEUES={own.max_requeues}"]
        command = ["bash", str(scripts() / "submit.sh"), str(self.sweep), "--out", str(self.directory)]
        lines += [f"exec {shlex.join([*command, *self.arguments])}", ""]
        return "\n".join(lines)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """The options of sbatch, each with its value; empty for one that has none."""
        own = self.settings
        asked = {
            "job-name": self.name,
            "nodes": str(own.nodes),
            "ntasks-per-node": "1",
            "cpus-per-task": str(own.cpus_per_task or ""),
            "gpus-per-node": own.gpus_per_node or "",
            "time": own.time or "",
            "partition": own.partition or "",
            "account": own.account or "",
            "chdir": str(self.cwd),
            "output": str(self.directory).replace("%", "%%") + f"/{LOG}",
            "open-mode": "append",
            "export": "NONE",
            "signal": f"B:USR1@{own.grace:.0f}",
        }
        further = {key: "" if value is True else str(value) for key, value in own.sbatch.items()}
        asked = {key: value for key, value in asked.items() if value and key not in further}
        yield from (asked | {"requeue": "", "no-kill": ""} | further).items()


def loaded_modules(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What `module load` has loaded here: a job begins without it."""
    return tuple(filter(None, environment.get("LOADEDMODULES", "").split(":")))


def _quoted(value: str) -> str:
    """sbatch splits its lines as a shell does, but for variables."""
    return (
        value
        if re.fullmatch(r"[\w.,:;@%+=/*\[\]-]+", value)
        else '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
    )
