"""Real supervisors and trials for tests that need them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.trial.environment import params_text, trial_environment
from hpo.trial.launch import Supervisor, spawn
from hpo.trial.spec import TrialEnd, TrialSpec

SCRIPT = """
import json, os, socket, sys, time, signal
channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
channel.connect(os.environ["HPO_CHANNEL"])
def send(**message):
    channel.sendall(json.dumps(message).encode() + b"\\n")
def log(step=None, **row):
    send(row=row, step=step, time=time.time())
"""
Spec = Callable[..., TrialSpec]
Run = Callable[..., TrialEnd]
UntilEnd = Callable[[Supervisor], list[dict[str, Any]]]
WaitUntil = Callable[..., None]


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """A trial of Python code that has `log` and `send`, or of a command."""

    def make(code: str = "", **changes: Any) -> TrialSpec:
        number = changes.get("number", 1)
        config = changes.get("config", {"lr": 1e-05})
        directory = str(tmp_path / f"{number:04d}")
        env = trial_environment(
            os.environ,
            number=number,
            config=config,
            directory=directory,
            channel="",
            metric="loss",
            cwd=str(tmp_path),
            sweep_id="s",
            run_id="s-1",
            project=None,
            entity=None,
        )
        values: dict[str, Any] = {
            "number": number,
            "attempt": 1,
            "argv": [sys.executable, "-S", "-E", "-c", SCRIPT + code],
            "cwd": str(tmp_path),
            "env": env,
            "directory": directory,
            "params_text": params_text(config),
            "config": config,
            "metric": "loss",
            "goal": "minimize",
            "kill_grace": 10.0,
            "milestones": [],
            "heartbeat": 60.0,
        }
        return TrialSpec(**values | changes)

    return make


@pytest.fixture(scope="session")
def shared() -> Iterator[Supervisor]:
    supervisor = spawn()
    yield supervisor
    supervisor.close(5)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor = spawn()
    yield supervisor
    supervisor.close(5)


def _until_end(supervisor: Supervisor, timeout: float = 10.0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + timeout
    while not found or found[-1]["event"] != "end":
        assert time.monotonic() < deadline, found
        found += supervisor.events(1.0)
    return found


@pytest.fixture
def until_end() -> UntilEnd:
    """The events of the running trial up to its end."""
    return _until_end


@pytest.fixture
def run() -> Run:
    """Runs a trial: supervisor, spec and perhaps a function → its end."""

    def run_one(supervisor: Supervisor, spec: TrialSpec, function: bytes | None = None) -> TrialEnd:
        supervisor.start(spec, function)
        return TrialEnd.from_dict(_until_end(supervisor)[-1])

    return run_one


@pytest.fixture
def wait_until() -> WaitUntil:
    """Waits for a condition; fails after some seconds."""

    def wait(condition: Callable[[], object], timeout: float = 5.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    return wait
