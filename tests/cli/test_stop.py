"""`hpo stop` with a driver in a process of its own, and with none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpo.record.holder import LOCK
from hpo.record.journal import Journal
from hpo.record.stop_request import REQUEST
from tests.command import hpo

DRIVER = """
import sys, time
from hpo.record.journal import Journal
from hpo.record.lock import RunLock
from hpo.record.stop_request import StopRequests
run, deaf = sys.argv[1:]
with RunLock.acquire(run) as lock:
    journal = Journal.create(run)
    journal.append({"event": "run", "method": "random", "sweep": {}})
    journal.commit()
    print("drives", flush=True)
    stops = StopRequests(run, lock.token)
    while deaf == "deaf" or not (mode := stops.take()):
        lock.check()
        time.sleep(0.05)
    print(mode, flush=True)
    journal.append({"event": "done", "state": "interrupted", "reason": f"stop {mode}"})
    journal.close()
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    directory = tmp_path / "run"
    directory.mkdir()
    return directory


@pytest.fixture
def driver(run: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", DRIVER, str(run), getattr(request, "param", "")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "drives\n"
        yield child
        child.kill()


@pytest.mark.parametrize(
    ("options", "mode", "then"),
    [((), "finish", "running trials finish"), (("--now",), "now", "running trials are ended; `hpo resume")],
)
def test_the_driver_takes_note_and_it_is_said(
    options: tuple[str, ...], mode: str, then: str, run: Path, driver: subprocess.Popen[str]
) -> None:
    done = hpo("stop", run, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"process {driver.pid} on ")
    assert f"has taken note: no new trials, {then}" in done.stdout
    assert driver.stdout is not None
    assert driver.stdout.readline() == f"{mode}\n"
    assert driver.wait(timeout=60) == 0
    assert [path.name for path in run.iterdir()] == ["journal.jsonl"]
    again = hpo("stop", run)
    assert again.returncode == 1
    assert again.stderr == f"hpo: {run} has ended already: interrupted, stop {mode}\n"


@pytest.mark.parametrize("driver", ["deaf"], indirect=True)
def test_a_driver_that_does_not_look_is_named_and_finds_the_request_later(
    run: Path, driver: subprocess.Popen[str]
) -> None:
    done = hpo("stop", run)
    assert done.returncode == 0
    assert f"process {driver.pid} on" in done.stdout
    assert "has not taken note yet" in done.stdout
    assert "within 60 s" in done.stdout
    assert (run / REQUEST).exists()


def test_a_driver_that_died_cannot_be_stopped(run: Path, driver: subprocess.Popen[str]) -> None:
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait(timeout=60)
    done = hpo("stop", run)
    assert done.returncode == 1
    assert done.stderr == f"hpo: nobody drives {run}: its driver died; `hpo resume {run}` goes on\n"
    assert not (run / REQUEST).exists()


def test_a_run_that_ended_is_told_with_its_state(run: Path) -> None:
    journal = Journal.create(run)
    journal.append({"event": "run"})
    journal.append({"event": "done", "state": "complete", "reason": ""})
    journal.close()
    done = hpo("stop", run)
    assert (done.returncode, done.stderr) == (1, f"hpo: {run} has ended already: complete\n")


def test_where_there_is_no_run_there_is_a_message(tmp_path: Path) -> None:
    done = hpo("stop", tmp_path / "missing")
    assert done.returncode == 1
    assert f"{tmp_path / 'missing'}: no such directory" in done.stderr


def test_status_tells_a_driver_that_lives_from_one_that_died(
    run: Path, driver: subprocess.Popen[str]
) -> None:
    host = json.loads((run / LOCK).read_text())["host"]
    assert f"running: process {driver.pid} on {host} " in hpo("status", run).stdout
    told = json.loads(hpo("status", run, "--json").stdout)
    assert told["state"] == "running"
    seen = told["driver"].pop("seen")
    assert told["driver"] == {"host": host, "pid": driver.pid, "alive": True}
    assert seen >= 0
    driver.kill()
    driver.wait(timeout=60)
    panel = hpo("status", run).stdout
    assert f"died: process {driver.pid} on {host}, last seen " in panel
    assert f"`hporesume{run}`goeson" in "".join(panel.split())
    told = json.loads(hpo("status", run, "--json").stdout)
    assert (told["state"], told["driver"]["alive"]) == ("died", False)
    assert told["reason"] == f"its driver died; `hpo resume {run}` goes on"
