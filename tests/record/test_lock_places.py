"""Where a run directory is not, may not be written, or goes away under its driver."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from hpo.errors import Resumable, UserError
from hpo.record import lock as lock_module
from hpo.record.holder import LOCK, Timing
from hpo.record.journal import JOURNAL, Journal
from hpo.record.lock import RunLock


def test_a_vanished_directory_lock_or_journal_ends_the_driver(tmp_path: Path) -> None:
    for number, (what, says) in enumerate(
        [("", "the run directory has vanished"), (LOCK, "may start"), (JOURNAL, f"{JOURNAL} has vanished")]
    ):
        run = tmp_path / str(number)
        run.mkdir()
        with RunLock.acquire(run) as lock:
            Journal.create(run).close()
            lock.check()
            (run / what).unlink() if what else shutil.rmtree(run)
            lock.check()  # looks once a second only
            time.sleep(1.0)
            with pytest.raises(UserError, match=says):
                lock.check()


def test_a_directory_moved_away_has_vanished(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with RunLock.acquire(run) as lock:
        run.rename(run.with_name("elsewhere"))
        with pytest.raises(UserError, match="the run directory has vanished"):
            lock.check()


def test_a_lock_that_cannot_be_read_for_long_ends_the_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one may have taken over by then; a file server that comes back sooner costs nothing."""
    with RunLock.acquire(tmp_path, Timing(beat=1e6, silence=60.0)) as lock:
        text, seconds = (tmp_path / LOCK).read_text(), lock_module._seconds
        (tmp_path / LOCK).unlink()
        (tmp_path / LOCK).symlink_to(LOCK)
        monkeypatch.setattr(lock_module, "_seconds", lambda: seconds() + 50.0)
        lock.check(at_once=True)
        monkeypatch.setattr(lock_module, "_seconds", lambda: seconds() + 61.0)
        with pytest.raises(Resumable, match=f"cannot read .*{LOCK}: Too many levels of symbolic links"):
            lock.check(at_once=True)
        (tmp_path / LOCK).unlink()
        (tmp_path / LOCK).write_text(text)
        lock.check(at_once=True)


@pytest.mark.parametrize("name", ["missing", "file", "file/run"])
def test_where_no_directory_is_it_is_said(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"a run directory holds sweep\.yaml"):
        RunLock.acquire(tmp_path / name)


@pytest.mark.process
def test_a_directory_of_another_users_is_refused_with_the_reason() -> None:
    script = """
import os, sys
from hpo.errors import UserError
from hpo.record.holder import owner
from hpo.record.lock import RunLock
if os.getuid() == 0:  # as root of a client is nobody on the server
    os.setgid(65534), os.setuid(65534)
else:
    os.chmod(sys.argv[1], 0o555)
try:
    RunLock.acquire(sys.argv[1])
except UserError as error:
    print(owner(sys.argv[1]), error)
"""
    directory = tempfile.mkdtemp()
    os.chmod(directory, 0o755)
    try:
        command = [sys.executable, "-c", script, directory]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    finally:
        shutil.rmtree(directory)
    assert done.stdout.startswith(
        f"None cannot take {directory}/{LOCK}: Permission denied; a driver needs to"
    )
