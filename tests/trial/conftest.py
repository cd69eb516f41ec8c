"""Real supervisors and trials for tests that need them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hpo.trial.environment import params_text, trial_environment
from hpo.trial.launch import Supervisor, spawn
from hpo.trial.spec import TrialEnd, TrialSpec
from tests.trial.loaded import Loaded
from tests.trial.warm_runner import Runner
from tests.trial.worker_slot import Slot

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


def _until_end(supervisor: Supervisor, timeout: float = 60.0) -> list[dict[str, Any]]:
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

    def wait(condition: Callable[[], object], timeout: float = 60.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    return wait


@dataclass(frozen=True)
class Played:
    """What a script told on the channel, without times, NaN as text; what it printed; how it ended."""

    told: list[dict[str, Any]]
    out: str
    err: str
    code: int

    @property
    def rows(self) -> list[tuple[int | None, dict[str, Any]]]:
        return [(message["step"], message["row"]) for message in self.told if "row" in message]


Play = Callable[..., Played]


class Listener:
    """The supervisor's end of a channel: keeps the lines of all processes that connect."""

    def __init__(self, path: str) -> None:
        self._lines: list[str] = []
        self._readers: list[threading.Thread] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen()
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._readers.append(threading.Thread(target=self._read, args=(connection,), daemon=True))
                self._readers[-1].start()

    def _read(self, connection: socket.socket) -> None:
        with connection, connection.makefile(encoding="utf-8") as file:
            self._lines += list(file)

    def messages(self) -> list[dict[str, Any]]:
        """All that was told by processes which have ended, but for that they do."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._acceptor.join(10)
        for reader in self._readers:
            reader.join(10)
        parsed = [json.loads(line, parse_constant=str) for line in self._lines]
        told = [one for one in parsed if "leaving" not in one]
        return [{key: value for key, value in one.items() if key != "time"} for one in told]


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter without any package: neither wandb nor hpo."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return str(folder / "bin/python")


SWEPT = {"lr": 0.1, "net": {"a": 3, "b": 4}}


def without_wandb() -> dict[str, str]:
    """This process's environment, whatever it says to wandb."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}


def played_environment(folder: Path, channel: str, mode: str, **more: Any) -> dict[str, str]:
    """The environment of a trial in `folder`; none of this process's own settings of wandb are in it."""
    wanted = {"config": SWEPT, "metric": "loss", "wandb": "off", **more.pop("trial", {})}
    return trial_environment(
        without_wandb() | {"WANDB_MODE": mode} | more,
        number=1,
        directory=str(folder),
        channel=channel,
        cwd=str(folder),
        sweep_id="sweep",
        run_id="run",
        project=None,
        entity=None,
        **wanted,
    )


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Loaded]]:
    """Makes processes that have imported some modules; `play` runs scripts in forks of them."""
    made: dict[tuple[str, ...], Loaded] = {}

    def make(*modules: str) -> Loaded:
        if modules not in made:
            env = played_environment(tmp_path_factory.mktemp("loaded"), "", "disabled")
            made[modules] = Loaded(modules, env)
        return made[modules]

    yield make
    for one in made.values():
        one.close()


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    """Runs a script, or code, as a trial with a channel → what it told and printed, and how it ended.

    The script runs in a process of its own, or in a fork of the process `fork`.
    """
    channels = tempfile.mkdtemp(prefix="hpo-test-", dir="/tmp")

    def run(
        script: Path | str,
        *arguments: str,
        python: str = sys.executable,
        fork: Loaded | None = None,
        mode: str = "disabled",
        config: Mapping[str, Any] = SWEPT,
        metric: str = "loss",
        wandb: str = "off",
        **variables: str,
    ) -> Played:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        if isinstance(script, str):
            (folder / "train.py").write_text(script)
            script = folder / "train.py"
        trial = {"config": config, "metric": metric, "wandb": wandb}
        env = played_environment(folder, f"{channels}/{folder.name}", mode, trial=trial, **variables)
        (folder / "params.yaml").write_text(params_text(config))
        listener = Listener(env["HPO_CHANNEL"])
        if fork is not None:
            code = fork.run(script, arguments, folder, env)
            out, err = (folder / "out").read_text(), (folder / "err").read_text()
            return Played(listener.messages(), out, err, code)
        command = [python, str(script), *arguments]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=90)
        return Played(listener.messages(), done.stdout, done.stderr, done.returncode)

    yield run
    shutil.rmtree(channels)


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[Slot]:
    """A supervisor's part: set its `target` or `function`, then run trials."""
    channels = tempfile.mkdtemp(prefix="hpo-test-", dir="/tmp")
    made = Slot(tmp_path, channels, without_wandb())
    yield made
    made.close()
    shutil.rmtree(channels)


@pytest.fixture
def calls(slot: Slot) -> Callable[[str], Slot]:
    """The slot, when its trials call the function `train` of this code."""

    def prepare(code: str) -> Slot:
        slot.call(code)
        return slot

    return prepare


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Callable[..., Runner]]:
    """Makes slots with a warm parent, by its settings."""
    made: list[Runner] = []

    def make(**settings: Any) -> Runner:
        made.append(Runner(tmp_path, **settings))
        return made[-1]

    yield make
    for runner in made:
        runner.supervisor.close(10)
