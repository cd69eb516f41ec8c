"""Two drivers of one run: the second is refused and told who the first one is, which goes on."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path

import pytest

from tests.command import hpo
from tests.faults.whole import check_whole, over, start, until_ended, write_sweep

pytestmark = pytest.mark.ray


def test_a_second_driver_is_refused_and_harms_nothing(tmp_path: Path, ray_here: str) -> None:
    write_sweep(tmp_path)
    first = start(tmp_path, "run", "sweep.yaml", "--out", "run", RAY_ADDRESS=ray_here)
    until_ended(tmp_path / "run", 1, first)
    os.kill(first.pid, signal.SIGSTOP)  # it must not have ended by then; suspended, it is still the driver
    held = f"is being run by process {first.pid} on {socket.gethostname()} since "
    again = ["run", "sweep.yaml", "--out", "run"]
    for words in (["resume", "run"], [*again, "--resume-or-start"]):
        done = hpo(*words, cwd=tmp_path)
        assert done.returncode == 1
        said = done.stderr.splitlines()[-1]
        assert said.startswith(f"hpo: {tmp_path / 'run'} {held}")
        assert said.endswith(f"; end it with `hpo stop {tmp_path / 'run'}`")
    done = hpo(*again, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"hpo: {tmp_path / 'run'} holds a run already; `hpo resume {tmp_path / 'run'}` goes on with it"
    ]
    os.kill(first.pid, signal.SIGCONT)
    assert over(first)[0] == 0
    check_whole(tmp_path / "run")


def test_of_two_that_start_at_once_one_runs(tmp_path: Path, ray_here: str) -> None:
    write_sweep(tmp_path)
    words = ("run", "sweep.yaml", "--out", "run")
    both = [start(tmp_path, *words, RAY_ADDRESS=ray_here) for _ in range(2)]
    ended = {process.pid: over(process) for process in both}
    (winner,) = (pid for pid, (code, _) in ended.items() if code == 0)
    (refused,) = (said[-1] for code, said in ended.values() if code == 1)
    assert re.search(rf"is being run by process {winner} on |holds a run already", refused)
    check_whole(tmp_path / "run")
