"""Runs Python code as trials of one slot, forked from a warm parent or afresh."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpo.trial.environment import params_text, trial_environment
from hpo.trial.launch import Supervisor, spawn
from hpo.trial.spec import TrialSpec, WarmStart
from hpo.trial.warm import warm_directory

MODULES = ["numpy", "multiprocessing", "threading", "tempfile", "hpo.trial.client"]

PYTEST_VARIABLE = "PYTEST_CURRENT_TEST"
"""Differs from test to test, and torch reads it when it is imported."""
WHEN_FORKED = "import os; forked = b'boot.py' in open(f'/proc/{os.getppid()}/cmdline', 'rb').read()\n"
"""Begins a script that asks whether it was forked from a warm parent."""


@dataclass
class Ended:
    """What came of a trial."""

    end: dict[str, Any]
    log: str
    notes: list[str]
    directory: Path

    @property
    def seen(self) -> tuple[Any, ...]:
        """What a user sees, which must not depend on how it was started."""
        end = self.end
        return (
            end["state"],
            end["exit_code"],
            end["signal"],
            end["reason"],
            end["value"],
            end["rows"],
            self.log,
        )


class Runner:
    """Runs Python code or commands as trials of one slot, forked or afresh."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder, self.number = folder, 0
        self.warm = True
        self.ends: dict[int, dict[str, Any]] = {}
        self.notes: list[str] = []
        self.supervisor: Supervisor = spawn()
        settings = {"modules": MODULES} | settings
        self.settings = WarmStart(warm_directory(), str(folder / "preload.log"), **settings)

    def __call__(self, *argv: str, warm: bool | None = None, **changes: Any) -> Ended:
        """Run a trial to its end."""
        return self.ended(self.begin(*argv, warm=warm, **changes))

    def begin(self, *argv: str, warm: bool | None = None, **changes: Any) -> Path:
        """Start a trial; its directory."""
        self.number += 1
        warm = self.warm if warm is None else warm
        directory = self.folder / f"trial-{'warm' if warm else 'cold'}-{self.number}"
        config = changes.setdefault("config", {"lr": 0.1})
        env = trial_environment(
            {name: value for name, value in os.environ.items() if name != PYTEST_VARIABLE},
            number=1,
            config=config,
            directory=str(directory),
            channel="",
            metric="loss",
            cwd=str(self.folder),
            sweep_id="s",
            run_id="s-1",
            project=None,
            entity=None,
        )
        values: dict[str, Any] = {
            "number": self.number,
            "attempt": 1,
            "argv": list(argv),
            "cwd": str(self.folder),
            "env": env | changes.pop("more_env", {}),
            "directory": str(directory),
            "params_text": params_text(config),
            "metric": "",
            "milestones": [],
            "warm": self.settings if warm else None,
        }
        self.supervisor.start(TrialSpec(**values | changes))
        return directory

    def ended(self, directory: Path) -> Ended:
        """The end of a trial that was begun, with its log."""
        end = self.end(directory)
        notes, self.notes = self.notes, []
        log = (directory / "log.txt").read_text(errors="replace").replace(str(directory), "TRIAL")
        return Ended(end, log, notes, directory)

    def end(self, directory: Path) -> dict[str, Any]:
        """The event of a trial's end."""
        number = int(directory.name.rpartition("-")[2])
        while number not in self.ends:
            for event in self.supervisor.events(60):
                if event["event"] == "note":
                    self.notes.append(event["text"])
                elif event["event"] in ("end", "lost"):
                    self.ends[event["trial"]] = event
        return self.ends.pop(number)

    def script(self, name: str, code: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
        return name
