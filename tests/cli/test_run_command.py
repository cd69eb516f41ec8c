"""`hpo run` as a user types it: real processes, real signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hpo.record.trials import load_run
from tests import command

pytestmark = pytest.mark.ray

SCRIPT = """
import sys, time, wandb
wandb.init()
for step in range(wandb.config.steps):
    wandb.log({"loss": wandb.config.lr / (step + 1)})
    time.sleep(wandb.config.pause)
"""
PLAIN = """
import time, hpo
config = hpo.config()
for step in range(config["steps"]):
    hpo.report({"loss": config["lr"] / (step + 1)})
    time.sleep(config["pause"])
"""
SWEEP = """\
program: train.py
method: random
metric: {name: loss}
parameters:
  lr: {min: 0.0, max: 1.0}
  steps: {value: 3}
  pause: {value: 0.01}
hpo: {kill_grace: 2, seed: 1}
"""
LEAN = ("--set", "hpo.concurrency=1", "--set", "hpo.tensorboard=false", "--set", "hpo.report=false")
"""One slot and nothing beside it, where these are not what is asked about."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(PLAIN)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path


def start(folder: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """`hpo` in a process of its own; `more` of its environment."""
    words, pipe = [sys.executable, "-m", "hpo", *arguments], subprocess.PIPE
    return subprocess.Popen(
        words, cwd=folder, env={**os.environ, **more}, stdout=pipe, stderr=pipe, text=True
    )


def hpo(folder: Path, *arguments: str) -> tuple[int, str, str]:
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def processes_with(text: str, where: str = "environ") -> list[int]:
    """Processes whose environment (or `cmdline`) holds `text`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and text.encode() in (entry / where).read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


def trials_of(folder: Path) -> list[int]:
    """Processes that print into the log of one of the run's trials, forked ones too."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "fd/1").startswith(f"{folder}/run/trials/"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def rows(folder: Path) -> list[Path]:
    return [path for path in folder.glob("run/trials/*/metrics.jsonl") if path.stat().st_size]


def test_one_command_gives_the_best_trial(folder: Path) -> None:
    (folder / "train.py").write_text(SCRIPT)
    code, out, err = hpo(folder, "run", "sweep.yaml", "--count", "4", "--out", "run")
    assert code == 0, err
    assert "loss" in out
    done = command.hpo("best", "run", "--json", cwd=folder)
    best = json.loads(done.stdout)
    assert done.returncode == 0
    assert (best["metric"], best["goal"], best["trials"]) == ("loss", "minimize", 4)
    assert best["states"]["finished"] == 4
    top = best["best"][0]
    assert top["value"] == pytest.approx(min(t.config["lr"] for t in load_run(folder / "run").trials) / 3)
    assert set(top) == {"trial", "value", "last", "iterations", "state", "config"}
    done = command.hpo("status", "run", cwd=folder)
    assert done.returncode == 0
    assert "complete" in done.stdout


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def cluster() -> Iterator[str]:
    """A Ray cluster of three CPUs that `ray start` made; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    folder = tempfile.mkdtemp(prefix="hpo-ray-")
    options = ["--num-cpus=3", "--include-dashboard=false", f"--temp-dir={folder}", "--block"]
    words = [str(Path(sys.executable).with_name("ray")), "start", "--head", f"--port={port}", *options]
    head = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: listens(port))  # the driver waits for the first node
        yield f"127.0.0.1:{port}"
    finally:
        head.terminate()
        head.wait(30)
        for pid in processes_with(folder, "cmdline"):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_cluster_that_stands_is_used(folder: Path, cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    lean = LEAN[2:]  # as many slots as there is room for
    words = ("run", "sweep.yaml", "--count", "6", "--address", cluster, "--out", "run")
    code, _, err = hpo(folder, *words, *lean)
    assert code == 0, err
    run = load_run(folder / "run")
    assert run.slots == 3
    assert {trial.state for trial in run.trials} == {"finished"}


def test_a_sweep_without_an_end_asks_for_one(folder: Path) -> None:
    done = command.hpo("run", "sweep.yaml", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--count" in done.stderr
    assert "run_cap" in done.stderr
    assert not (folder / "runs").exists()


def test_a_broken_sweep_starts_nothing(folder: Path) -> None:
    (folder / "sweep.yaml").write_text(SWEEP.replace("random", "rnd"))
    done = command.hpo("run", "sweep.yaml", "--count", "1", cwd=folder)
    assert done.returncode == 1
    assert done.stderr.startswith("sweep.yaml:2:1: method:")


@pytest.mark.usefixtures("ray_here")
def test_set_changes_keys(folder: Path) -> None:
    arguments = ("--set", "parameters.steps.value=2", "--set", "run_cap=1", "--out", "run", *LEAN)
    done = command.hpo("run", "sweep.yaml", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert [t.iterations for t in load_run(folder / "run").trials] == [2]


def test_one_interrupt_lets_running_trials_end(folder: Path, ray_here: str) -> None:
    arguments = ("--set", "parameters.pause.value=1", "--count", "50", "--out", "run", *LEAN)
    process = start(folder, "run", "sweep.yaml", *arguments, RAY_ADDRESS=ray_here)
    wait_for(lambda: rows(folder))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    run = load_run(folder / "run")
    assert run.state == "interrupted"
    assert {t.state for t in run.trials} == {"finished"}


def test_two_interrupts_end_running_trials(folder: Path, ray_here: str) -> None:
    arguments = ("--set", "parameters.pause.value=600", "--count", "50", "--out", "run", *LEAN)
    process = start(folder, "run", "sweep.yaml", *arguments, RAY_ADDRESS=ray_here)
    wait_for(lambda: rows(folder))
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert {t.state for t in load_run(folder / "run").trials} == {"interrupted"}
    wait_for(lambda: not trials_of(folder), 20)


def test_a_killed_actor_or_driver_leaves_no_trial_behind(folder: Path, ray_here: str) -> None:
    arguments = ("--set", "parameters.pause.value=600", "--count", "1", "--out", "run", *LEAN)
    wait_for(lambda: not slots_of(os.getpid()))
    process = start(folder, "run", "sweep.yaml", *arguments, RAY_ADDRESS=ray_here)
    wait_for(lambda: rows(folder))
    first = trials_of(folder)
    assert first
    (actor,) = slots_of(os.getpid())
    os.kill(actor, signal.SIGKILL)
    wait_for(lambda: not set(first) & set(trials_of(folder)), 40)
    wait_for(lambda: set(trials_of(folder)) - set(first))  # not the trial's fault: it runs again
    process.kill()
    process.communicate(timeout=60)
    wait_for(lambda: not trials_of(folder), 40)


def slots_of(starter: int) -> list[int]:
    """The processes of the slots' actors under the Ray that a process has started."""
    return [pid for pid in processes_with("ray::Slot", "cmdline") if starter in ancestors(pid)]


def ancestors(pid: int) -> list[int]:
    """The parents of a process, nearest first."""
    found = []
    with suppress(OSError):  # it may end meanwhile
        while pid > 1:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            found.append(pid)
    return found
