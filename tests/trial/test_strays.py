from __future__ import annotations

import signal
import subprocess
import sys

from hpo.trial.launch import ROOT
from hpo.trial.strays import Sweeper

CODE = """
import os, subprocess, sys
from hpo.trial import strays
print(strays.children())
child = subprocess.Popen(["sleep", "60"], start_new_session=True)
kept = subprocess.Popen(["sleep", "60"], start_new_session=True)
ended = subprocess.Popen(["true"])
os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
both = sorted([child.pid, kept.pid])
print(sorted(strays.children()) == both)
strays.open = lambda path, *mode: open(path if not path.endswith("/children") else "/nowhere", *mode)
print(sorted(strays.children()) == both)  # what it goes by where the kernel lists no children
strays.finish({kept.pid})
print(strays.children() == [kept.pid])
kept.kill()
"""


def test_a_stray_has_time_to_heed_sigterm_and_is_killed_after_that() -> None:
    sweeper = Sweeper()
    heeding, deaf = strays = [
        subprocess.Popen(
            ["sh", "-c", f"{trap}; echo up; read line"],  # no process of its own that may miss the signal
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        for trap in ("trap 'sleep 0.2; exit 7' TERM", "trap '' TERM")
    ]
    assert [stray.stdout.readline() for stray in strays if stray.stdout] == [b"up\n", b"up\n"]
    sweeper.ended(2**30, now=100.0)
    sweeper.sweep((), now=100.0)
    assert heeding.wait(30) == 7
    sweeper.sweep((), now=101.0)
    assert deaf.poll() is None
    sweeper.sweep((), now=102.0)
    assert deaf.wait(30) == -signal.SIGKILL


def test_children_are_found_and_ended_but_for_those_that_are_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", CODE],
        env={"PYTHONPATH": ROOT, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout.split("\n")[:4] == ["[]", "True", "True", "True"]
