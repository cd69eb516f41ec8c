"""Who is disturbed: how each begins and resumes the same study, and what its record says of the trials."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from hpo.errors import UserError
from hpo.record.journal import iterate_journal
from tests.faults.family import NAMES
from tests.faults.objective import FOLDER, PART

ROOT = Path(__file__).parents[2]
FOREIGN = ("RAY_", "TUNE_", "WANDB_", "HPO_")
"""What a caller's environment could change a run with."""
SCRIPT = """
import signal, sys, hpo
from tests.faults.objective import descend
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that its end is in the log
descend(hpo.config()["x"], lambda loss: hpo.report({"loss": loss}))
"""
RULE = {"type": "asha", "min_iter": 1, "max_iter": 9, "eta": 3}
SWEEPS: dict[str, dict[str, Any]] = {
    "ASHA": {"method": "random", "early_terminate": RULE},
    "TPE": {"method": "tpe"},
}
RECORD = "record.json"
"""What Ray Tune's driver writes at its end."""


class Contender(Protocol):
    """A tool that runs a study in a folder of its own, and resumes it."""

    title: str
    pace: float
    """Seconds from one trial's end to about the next one's."""
    missing: Mapping[str, str]
    """Targets that it does not have → why."""
    names: Mapping[str, str]
    """Kind of process → what its command line holds."""

    def prepare(self, folder: Path, sweep: str, count: int) -> None:
        """Write what a run needs."""

    def command(self, sweep: str, count: int, resumed: bool) -> list[str]:
        """What begins the study, or goes on with it."""

    def recorded(self, folder: Path) -> dict[float, str]:
        """Configuration → its state in the tool's own record: finished, failed, or neither."""

    def repeated(self, folder: Path) -> set[float]:
        """Configurations that by the tool's own record were begun again after they had finished."""


class Hpo:
    """`hpo run`, then `hpo resume`: a trial is a script in a process of its own."""

    title = "hpo"
    pace = 0.2
    missing: Mapping[str, str] = {}
    names: Mapping[str, str] = NAMES

    def prepare(self, folder: Path, sweep: str, count: int) -> None:
        """The sweep file and its script."""
        (folder / "train.py").write_text(SCRIPT)
        whole = {
            "program": "train.py",
            "metric": {"name": "loss"},
            "parameters": {"x": {"min": 0.0, "max": 1.0}},
            "run_cap": count,
            "hpo": {"kill_grace": 2, "seed": 1, "concurrency": 2},
        }
        (folder / "sweep.yaml").write_text(json.dumps(whole | SWEEPS[sweep]))

    def command(self, sweep: str, count: int, resumed: bool) -> list[str]:
        """The run directory is `run`."""
        rest = ["resume", "run"] if resumed else ["run", "sweep.yaml", "--out", "run"]
        return [sys.executable, "-m", "hpo", *rest]

    def recorded(self, folder: Path) -> dict[float, str]:
        """By the journal; a trial that early stopping has ended is finished."""
        return self._read(folder)[0]

    def repeated(self, folder: Path) -> set[float]:
        """By the journal too."""
        return self._read(folder)[1]

    def _read(self, folder: Path) -> tuple[dict[float, str], set[float]]:
        values: dict[int, float] = {}
        states: dict[float, str] = {}
        repeated: set[float] = set()
        with suppress(UserError):  # it has not begun
            for event in iterate_journal(folder / "run"):
                match event["event"]:
                    case "trial":
                        values[event["trial"]] = event["config"]["x"]
                        states[event["config"]["x"]] = "open"
                    case "start" if states[values[event["trial"]]] == "finished":
                        repeated.add(values[event["trial"]])
                    case "end":
                        state = event["state"]
                        states[values[event["trial"]]] = "finished" if state == "stopped" else state
        return states, repeated


class Tune:
    """`Tuner.fit`, then `Tuner.restore(…).fit()`, all at defaults: a trial is a function in an actor."""

    title = "Ray Tune"
    pace = 1.0
    missing: Mapping[str, str] = {
        "supervisor": "there is none",
        "parent": "there is none",
        "trial": "its trial is the actor: see there",
    }
    names: Mapping[str, str] = {"actor": "ray::ImplicitFunc", "raylet": NAMES["raylet"]}

    def prepare(self, folder: Path, sweep: str, count: int) -> None:
        """Nothing: its driver is a module."""

    def command(self, sweep: str, count: int, resumed: bool) -> list[str]:
        """The driver."""
        rest = ["restore"] if resumed else []
        return [sys.executable, "-m", "tests.faults.tune_driver", sweep, str(count), *rest]

    def recorded(self, folder: Path) -> dict[float, str]:
        """By the result of `fit`, thus nothing before its end."""
        path = folder / RECORD
        found = json.loads(path.read_text()) if path.exists() else []
        named = {"TERMINATED": "finished", "ERROR": "failed"}
        return {trial["x"]: named.get(trial["status"], "open") for trial in found}

    def repeated(self, folder: Path) -> set[float]:
        """It keeps no record of that."""
        return set()


CONTENDERS: dict[str, Contender] = {"hpo": Hpo(), "tune": Tune()}


def environment(folder: Path, part: int) -> dict[str, str]:
    """For all that runs in a case: its own Ray session and temporary files, nothing from outside."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "RAY_TMPDIR": str(folder),
        "TMPDIR": str(folder),
        "RAY_USAGE_STATS_ENABLED": "0",
        FOLDER: str(folder),
        PART: str(part),
    }
