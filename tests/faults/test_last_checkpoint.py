"""A run that is ended: what a script saves on SIGTERM is where its trial goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hpo.trial.files import METRICS, newest
from tests.command import hpo
from tests.engine.left_behind import events, rows
from tests.faults.whole import over, start, started, until, until_all_left, write_sweep

pytestmark = pytest.mark.ray

TRAINING = """
import signal, sys, time
import hpo

def train(config):
    step = begun = (hpo.get_checkpoint() or {"step": 0})["step"]
    masked = {signal.SIGTERM}

    def save(*_):
        hpo.report({}, checkpoint={"step": step})
        sys.exit()

    signal.signal(signal.SIGTERM, save)
    while step < (begun + 4 if begun else 10**6):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, masked)  # may be ended while it waits
        time.sleep(0.2)
        signal.pthread_sigmask(signal.SIG_BLOCK, masked)
        step += 1
        hpo.report({"loss": 1 / step, "step": step, "begun": begun})
"""
AS_SCRIPT = TRAINING + "\nif __name__ == '__main__':\n    train(hpo.config())\n"
AS_FUNCTION = """
import json, sys
import hpo
from train import train

word, address = sys.argv[1:]
if word == "run":
    print(hpo.run(json.load(open("sweep.yaml")), train, out="run", address=address).state)
else:
    print(hpo.resume("run", train, address=address).state)
"""
OWN = {"seed": 1, "concurrency": 2, "kill_grace": 20, "tensorboard": False, "report": False}


def begin(folder: Path, way: str, ray: str, steps: int = 2) -> subprocess.Popen[str]:
    """Start the run and return once both trials have made `steps` steps."""
    if way == "function":
        process = drive(folder, "run", ray)
    else:  # trials that are forked have a Ray of their run's own
        own = {} if way == "forked" else {"RAY_ADDRESS": ray}
        process = start(folder, "run", "sweep.yaml", "--out", "run", **own)
    until(lambda: all(has_rows(folder / "run", number, steps) for number in (1, 2)), process)
    return process


def drive(folder: Path, word: str, ray: str) -> subprocess.Popen[str]:
    """`run` or `resume` from Python, with the function."""
    (folder / "drive.py").write_text(AS_FUNCTION)
    return started([sys.executable, "drive.py", word, ray], str(folder), cwd=folder)


def resumed(folder: Path, way: str, ray: str) -> int:
    """Resume the run to its end; the exit code."""
    if way == "function":
        return over(drive(folder, "resume", ray))[0]
    return hpo("resume", "run", cwd=folder).returncode


def has_rows(run: Path, number: int, least: int) -> bool:
    path = Path(newest(str(run / "trials" / f"{number:04d}"), METRICS))
    return path.exists() and len(path.read_text().splitlines()) >= least


def check_goes_on(run: Path) -> list[int]:
    """Each trial has made every step once, the last four when it went on; where that began."""
    begun = []
    for number in (1, 2):
        found = rows(run, number)
        assert [row["step"] for row in found] == list(range(1, len(found) + 1))
        first, second = sorted({row["begun"] for row in found})
        assert first == 0
        last = [row["step"] for row in found if row["begun"] == second]
        assert last == list(range(second + 1, second + 5))
        begun.append(second)
    assert [event["state"] for event in events(run, "end")[-2:]] == ["finished"] * 2
    return begun


@pytest.mark.parametrize("way", ["forked", "plain", "function"])
def test_a_trial_goes_on_from_what_it_saved_on_sigterm(tmp_path: Path, way: str, ray_here: str) -> None:
    own: dict[str, Any] = OWN | ({"preload": "off"} if way == "plain" else {})
    program = {"program": None} if way == "function" else {}
    write_sweep(tmp_path, AS_SCRIPT, run_cap=2, hpo=own, **program)
    first, run = begin(tmp_path, way, ray_here), tmp_path / "run"
    if way == "forked":
        assert hpo("stop", "run", "--now", cwd=tmp_path).returncode == 0
    else:
        first.send_signal(signal.SIGTERM)
    code, _ = over(first)
    assert code == (0 if way == "function" else 130)
    until_all_left(str(tmp_path))
    stopped = [len(rows(run, number)) for number in (1, 2)]
    assert resumed(tmp_path, way, ray_here) == 0
    assert check_goes_on(run) == stopped


DEAF = """
import signal, time
import hpo

signal.signal(signal.SIGTERM, signal.SIG_IGN)
begun = (hpo.get_checkpoint() or {"step": 0})["step"]
for step in range(begun + 1, 9):
    time.sleep(0.2)
    row = {"loss": 1 / step, "step": step, "begun": begun}
    hpo.report(row, checkpoint={"step": step} if step % 4 == 0 else None)
    if step == 6 and not begun:
        time.sleep(600)
"""


def test_one_that_ignores_sigterm_is_killed_and_goes_on_from_its_last_checkpoint(
    tmp_path: Path, ray_here: str
) -> None:
    write_sweep(tmp_path, DEAF, run_cap=2, hpo=OWN | {"kill_grace": 1})
    first, run = begin(tmp_path, "shared", ray_here, 6), tmp_path / "run"
    assert hpo("stop", "run", "--now", cwd=tmp_path).returncode == 0
    assert over(first)[0] == 130
    reasons = {event["reason"] for event in events(run, "end")}
    assert reasons == {"killed: it did not end in time after SIGTERM"}
    until_all_left(str(tmp_path))
    assert resumed(tmp_path, "shared", ray_here) == 0
    assert check_goes_on(run) == [4, 4]


QUIET = """
import time
import hpo

def train(config):
    begun = (hpo.get_checkpoint() or {"step": 0})["step"]
    for step in range(begun + 1, begun + 5 if begun else 10**6):
        time.sleep(0.2)
        hpo.report({"loss": 1 / step, "step": step, "begun": begun}, checkpoint={"step": step})
"""


def test_a_function_without_a_handler_keeps_the_checkpoint_that_it_ends_with(
    tmp_path: Path, ray_here: str
) -> None:
    write_sweep(tmp_path, QUIET, run_cap=2, hpo=OWN, program=None)
    first, run = begin(tmp_path, "function", ray_here), tmp_path / "run"
    before = [len(rows(run, number)) for number in (1, 2)]
    first.send_signal(signal.SIGTERM)
    assert over(first)[0] == 0
    until_all_left(str(tmp_path))
    stopped = [len(rows(run, number)) for number in (1, 2)]
    assert all(now > then for now, then in zip(stopped, before, strict=True))
    assert resumed(tmp_path, "function", ray_here) == 0
    assert check_goes_on(run) == stopped
