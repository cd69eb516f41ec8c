"""A command → what it took and when its trials began and ended; no process and no file of it is left."""

from __future__ import annotations

import ctypes
import functools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
PYTHON = sys.executable
EVENTS, FIGURES = "BENCH_EVENTS", "BENCH_FIGURES"
"""Environment variables that name the files in which trials note their times, and drivers their figures."""
GRACE = 5.0
"""Seconds that what a command left behind has to end by itself."""
FOREIGN = ("RAY_", "TUNE_", "WANDB_", "HPO_", "BENCH_", "PYTHONDONTWRITEBYTECODE")
"""What a caller's environment could change a measurement with."""
SHARED = "BENCH_RAY"
"""Environment variable with the address of a Ray for all commands, where their figures are not judged."""


class RunFailed(Exception):
    """A command ended badly; the message ends with its last words."""


@dataclass(frozen=True)
class Trial:
    """One trial as its own script saw it: Unix seconds, and its number where hpo ran it."""

    began: float
    ended: float
    number: int | None = None


@dataclass(frozen=True)
class Run:
    """One finished command: Unix time of its start, seconds to its exit, its trials in the order of ends."""

    began: float
    seconds: float
    trials: tuple[Trial, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    memory: float = 0.0
    """Bytes that it and all its descendants took at the most (proportional set size), where asked for."""

    @functools.cached_property
    def first(self) -> float:
        """Unix time at which the first trial began."""
        return min(trial.began for trial in self.trials)

    @property
    def whole(self) -> float:
        """Trials a second from the command's start to its exit."""
        return len(self.trials) / self.seconds

    @property
    def steady(self) -> float:
        """Trials a second from the first trial's start to the last one's end, without the first quarter."""
        left_out = len(self.trials) // 4
        since = self.trials[left_out - 1].ended if left_out else self.first
        return (len(self.trials) - left_out) / (self.trials[-1].ended - since)


def run(
    argv: Sequence[str],
    *,
    files: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 1800,
    memory: bool = False,
) -> Run:
    """Run a command in a fresh folder that holds `files`; RunFailed unless it exits with 0 in time."""
    _adopt_orphans()
    folder = Path(tempfile.mkdtemp(prefix="", dir=_folder().name))
    for file, text in (files or {}).items():
        (folder / file).write_text(text)
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        began = time.time()
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=_environment(folder, env or {}),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        try:
            took = _follow(process, timeout, memory)
            seconds = time.time() - began
        finally:
            process.kill()
            process.wait()
            end_leftovers(GRACE)
    if process.returncode:
        raise RunFailed(_last_words(process.returncode, folder))
    return Run(began, seconds, _trials(folder), _figures(folder), took)


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where all commands run. It is removed at the very end: ext4 passes over what was freed in the last
    seconds one by one, so that a command that follows a removal takes up to 60 times longer for a file."""
    return tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)


def _environment(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    """Offline, one thread a trial, all files in the folder, this copy of hpo, the running Python."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    if SHARED in os.environ:
        kept |= {key: value for key, value in os.environ.items() if key.startswith("RAY_AUTH_")}
        kept |= {"RAY_ADDRESS": os.environ[SHARED]}
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(PYTHON).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "RAY_TMPDIR": str(folder),
        "TMPDIR": str(folder),
        "RAY_USAGE_STATS_ENABLED": "0",
        "WANDB_MODE": "disabled",
        "WANDB_SILENT": "true",
        EVENTS: str(folder / "events"),
        FIGURES: str(folder / "figures"),
        **more,
    }


def _follow(process: subprocess.Popen[bytes], timeout: float, memory: bool) -> float:
    """Wait for the end; the most memory that was seen, where that is asked for."""
    most, deadline = 0.0, time.monotonic() + timeout
    try:
        while memory and process.poll() is None and time.monotonic() < deadline:
            most = max(most, sum(map(_memory, _descendants(os.getpid()))))
            time.sleep(0.2)
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise RunFailed(f"not done after {timeout:g} s") from None
    return most


def _trials(folder: Path) -> tuple[Trial, ...]:
    path = folder / "events"
    words = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    found = [Trial(float(w[0]), float(w[1]), int(w[2]) if len(w) > 2 else None) for w in words]
    return tuple(sorted(found, key=lambda trial: trial.ended))


def _figures(folder: Path) -> dict[str, Any]:
    path = folder / "figures"
    found: dict[str, Any] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        found |= json.loads(line)
    return found


def _last_words(code: int, folder: Path) -> str:
    text = "".join((folder / name).read_text(errors="replace") for name in ("stdout", "stderr"))
    return f"exit code {code}\n" + "\n".join(text.splitlines()[-15:])


def note(**figures: Any) -> None:
    """Called in a driver: hand figures over to the benchmark."""
    with open(os.environ[FIGURES], "a") as file:
        file.write(json.dumps(figures) + "\n")


def _adopt_orphans() -> None:
    """Whatever a command leaves becomes our child (Linux), so that it can be found and ended."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def end_leftovers(grace: float) -> None:
    """Wait for all our children to end, and kill them after `grace` seconds."""
    deadline = time.monotonic() + grace
    while children := [pid for pid, parent in _parents().items() if parent == os.getpid()]:
        for pid in children:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.01)


def _descendants(pid: int) -> list[int]:
    """All processes below `pid`; what has left its family is an adopted child of ours."""
    parents, found = _parents(), [pid]
    for above in found:
        found += [child for child, parent in parents.items() if parent == above]
    return found[1:]


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _read(entry / "stat")):
            found[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    return found


def _memory(pid: int) -> float:
    lines = _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return 1024.0 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended meanwhile
        return ""


def median(runs: Iterable[Run], figure: Callable[[Run], float]) -> float | None:
    """The median of a figure over runs, None where there is none."""
    values = [figure(one) for one in runs]
    return statistics.median(values) if values else None
