"""A job's id → what Slurm says of it, in a few words."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass

PATIENCE = 10.0
"""Seconds for an answer; a status is not worth a longer wait."""
ACTIVE = (
    "PENDING",
    "CONFIGURING",
    "RUNNING",
    "SUSPENDED",
    "COMPLETING",
    "REQUEUED",
    "REQUEUE_HOLD",
    "STOPPED",
)
_NONE = ("", "N/A", "None", "Unknown", "(null)")


@dataclass(frozen=True)
class QueuedJob:
    """A job as Slurm sees it."""

    number: str
    state: str
    """PENDING, RUNNING, COMPLETED, …; empty where nobody knows it any more, or Slurm does not answer."""
    detail: str = ""
    """Why it waits and when it may start, or where it runs and how long it may."""

    @property
    def active(self) -> bool:
        """Whether it runs, or is still to run."""
        return self.state in ACTIVE

    def __str__(self) -> str:
        more = f": {self.detail}" if self.detail else ""
        return f"job {self.number} {self.state.lower() or 'is not known here'}{more}"


def queued(number: str) -> QueuedJob:
    """Ask Slurm for a job, which may have ended."""
    if shutil.which("scontrol") is None:
        return QueuedJob(number, "", "Slurm's commands are not on the PATH")
    try:
        done = subprocess.run(
            ["scontrol", "show", "job", "--oneliner", number],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return QueuedJob(number, "", f"Slurm has not answered within {PATIENCE:g} s")
    if done.returncode or "JobState=" not in done.stdout:
        return QueuedJob(number, "", "Slurm has forgotten it")
    return told(number, done.stdout.splitlines()[0])


def told(number: str, line: str) -> QueuedJob:
    """The job in one line of `scontrol show job --oneliner`."""
    facts = dict(word.split("=", 1) for word in line.split() if "=" in word)
    state = facts.get("JobState", "")
    details: list[str] = []
    if (restarts := facts.get("Restarts", "0")) not in ("0", *_NONE):
        details.append(f"requeued {restarts} times" if restarts != "1" else "requeued once")
    if state == "PENDING":
        details += [facts[key] for key in ("Reason",) if facts.get(key) not in _NONE]
        if facts.get("StartTime") not in (None, *_NONE):
            details.append(f"may start {_moment(facts['StartTime'])}")
    elif state in ("RUNNING", "COMPLETING", "SUSPENDED"):
        details.append(f"on {facts.get('NodeList', '?')}")
        if facts.get("TimeLimit") not in (None, "UNLIMITED", *_NONE):
            details.append(f"until {_moment(facts['EndTime'])}")
    elif facts.get("ExitCode") not in (None, "0:0"):
        details.append(f"exit code {facts['ExitCode'].split(':')[0]}")
    return QueuedJob(number, state, ", ".join(details))


def _moment(text: str) -> str:
    """Slurm's «2026-11-21T14:05:09», without the day where it is today."""
    return text.partition("T")[2] if text.startswith(time.strftime("%Y-%m-%d")) else text.replace("T", " ")
