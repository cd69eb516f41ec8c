"""A supervisor's part in tests of the worker."""

from __future__ import annotations

import os
import selectors
import tempfile
import textwrap
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from hpo.trial.channel import Channel
from hpo.trial.environment import params_text, trial_environment
from hpo.trial.spec import TrialSpec
from hpo.trial.turn import Turn, Worker


@dataclass(frozen=True)
class Turned:
    """A trial in a worker: the rows that it reported, what it printed, and how it ended."""

    rows: list[dict[str, Any]]
    log: str
    code: int | None
    pid: int


class Slot:
    """Plays a supervisor that has one worker after another and gives them trials."""

    def __init__(self, folder: Path, channels: str, environment: dict[str, str]) -> None:
        self.folder, self.channels, self.environment = folder, channels, environment
        self.selector = selectors.DefaultSelector()
        self.worker: Worker | None = None
        self.target: str | None = None
        self.function: int | None = None
        self.number = 0

    def start(self, config: Mapping[str, Any] | None = None, **variables: str) -> Turn:
        """Begin a trial, in the worker that is there or in a new one."""
        self.number += 1
        directory = self.folder / f"{self.number:04d}"
        directory.mkdir()
        (directory / "params.yaml").write_text(params_text(config or {}))
        env = trial_environment(
            self.environment,
            number=self.number,
            config=config or {},
            directory=str(directory),
            channel=f"{self.channels}/{self.number}",
            metric="loss",
            cwd=str(self.folder),
            sweep_id="sweep",
            run_id=f"run-{self.number}",
            project=None,
            entity=None,
        )
        env |= variables
        self.rows: list[dict[str, Any]] = []
        self.channel = Channel(env["HPO_CHANNEL"], self.selector, self._receive, pytest.fail)
        self.log_path = directory / "log.txt"
        log = os.open(self.log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        spec = TrialSpec(self.number, 1, [], str(self.folder), env, str(directory), "", dict(config or {}))
        if self.worker is None or not self.worker.alive:
            self.worker = Worker(
                self.selector,
                env=env,
                cwd=spec.cwd,
                log=log,
                target=self.target,
                function=self.function,
                ended=self._over,
            )
        self.turn = self.worker.start(spec, env, log)
        os.close(log)
        return self.turn

    def until(self, condition: Callable[[], object], timeout: float = 60.0) -> None:
        """Do a supervisor's work until something holds."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, self.log_path.read_text()
            for key, _ in self.selector.select(0.01):
                key.data()
            assert self.worker is not None
            if self.worker._process.status is None:
                pid, status = os.waitpid(self.worker.pid, os.WNOHANG)
                if pid:
                    self.worker.dead(status)
                    self._over(status)
            self.turn.tick(time.monotonic())

    def end(self, timeout: float = 20.0) -> Turned:
        """Wait for the trial's end."""
        self.until(lambda: self.turn.gone, timeout)
        self.channel.accept()
        self.until(lambda: self.channel.drained)
        self.channel.close()
        return Turned(self.rows, self.log_path.read_text(), self.turn.status, self.turn.pid)

    def run(self, config: Mapping[str, Any] | None = None, **variables: str) -> Turned:
        """A whole trial."""
        self.start(config, **variables)
        return self.end()

    def call(self, code: str) -> None:
        """Trials are to call the function `train` of this code."""
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(textwrap.dedent(code), names)  # as in a user's script: pickled by value
        with tempfile.TemporaryFile() as file:
            file.write(cloudpickle.dumps(names["train"]))
            file.flush()
            self.function = os.dup(file.fileno())

    def close(self) -> None:
        if self.worker is not None:
            alive = self.worker._process.status is None
            self.worker.close()
            if alive:
                os.waitpid(self.worker.pid, 0)
        if self.function is not None:
            os.close(self.function)
        self.selector.close()

    def _receive(self, message: dict[str, Any]) -> None:
        if "row" in message:
            self.rows.append(message["row"])

    def _over(self, status: int) -> None:
        if self.turn.status is None:
            self.turn.exited(status, time.monotonic(), 1.0)
