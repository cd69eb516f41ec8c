"""What a command says, where what is below stdout or stderr takes nothing more."""

from __future__ import annotations

import subprocess
import sys


def test_a_result_that_cannot_be_written_is_an_error() -> None:
    for words in (["schema"], ["--version"]):  # more than a buffer holds, and less
        with open("/dev/full", "w") as full:
            command = [sys.executable, "-m", "hpo", *words]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 1
        assert done.stderr == "hpo: cannot write the result to stdout: No space left on device\n"


def test_talk_that_cannot_be_written_changes_no_exit_code() -> None:
    for words, code in ((["best", "/nowhere"], 1), (["check"], 2), (["--version"], 0)):
        with open("/dev/full", "w") as full:
            command = [sys.executable, "-m", "hpo", *words]
            done = subprocess.run(command, stderr=full, stdout=subprocess.DEVNULL, timeout=60)
        assert done.returncode == code


def test_closed_streams_harm_nothing() -> None:
    for closed in (">&-", "2>&-"):
        command = f"{sys.executable} -m hpo --version {closed}"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
