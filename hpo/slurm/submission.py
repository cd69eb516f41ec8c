"""A job's script → sbatch → the job's id, which is kept in the run directory."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from hpo.errors import UserError, visible
from hpo.slurm.job import Job
from hpo.slurm.queue import queued

SCRIPT = "submit.sh"
SUBMITTED = "submitted.json"
PATIENCE = 60.0
"""Seconds for one of Slurm's commands: a busy controller is slow."""


def submit(job: Job, sweep_text: str) -> str:
    """Make the run directory with the sweep and the job's script, submit it, and return its id.

    Raises:
        UserError: The directory cannot be made or has a job already, or Slurm refuses the job; nothing is
            left of it then.
    """
    new = not job.directory.exists()
    if (earlier := job_of(job.directory)) and (there := queued(earlier)).active:
        how = f"scancel {earlier} first, or name another --out"
        raise UserError(f"{job.directory} is submitted already, as {there}; {how}")
    try:
        job.directory.mkdir(parents=True, exist_ok=True)
        job.sweep.write_text(sweep_text, encoding="utf-8")
        script = job.directory / SCRIPT
        script.write_text(job.script, encoding="utf-8")
        script.chmod(0o755)
        number = _sbatch(script)
        (job.directory / SUBMITTED).write_text(json.dumps({"job": number}) + "\n")
    except (OSError, UserError) as error:
        if new:
            shutil.rmtree(job.directory, ignore_errors=True)
        if isinstance(error, UserError):
            raise
        raise UserError(f"cannot write to {job.directory}: {error.strerror}; name another --out") from error
    return number


def job_of(run_dir: Path) -> str | None:
    """The job that a run directory was submitted with."""
    try:
        told = json.loads((run_dir / SUBMITTED).read_text())
        return str(told["job"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _sbatch(script: Path) -> str:
    if shutil.which("sbatch") is None:
        raise UserError("sbatch is not on the PATH: submit where Slurm is, or look at it by --dry-run")
    try:
        done = subprocess.run(
            ["sbatch", "--parsable", str(script)],
            env=outside_of_jobs(os.environ),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired as error:
        how = "look with `squeue --me` whether the job is there before you try again"
        raise UserError(f"sbatch has not answered within {PATIENCE:g} s; {how}") from error
    number = done.stdout.strip().split(";")[0]
    if done.returncode or not re.fullmatch(r"\d+", number):
        lines = (done.stderr or done.stdout).splitlines()
        said = "; ".join(
            re.sub(r"^sbatch: ((error|fatal): )?", "", visible(line)) for line in lines if line.strip()
        )
        raise UserError(f"Slurm refuses the job: {said or f'exit code {done.returncode}'}")
    return number


def outside_of_jobs(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what a job has of its own, which would be taken for options of the next one."""
    kept = ("SLURM_CONF", "SLURM_CLUSTERS")
    return {
        name: value
        for name, value in environment.items()
        if name in kept or not name.startswith(("SLURM_", "SBATCH_", "PMI", "PMIX_", "OMPI_"))
    }
