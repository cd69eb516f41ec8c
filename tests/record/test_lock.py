"""The lock of a run directory: one driver at a time, wherever it runs and however the one before it ended."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpo.errors import Resumable, UserError
from hpo.record.holder import LOCK, Owner, Timing, heir, owner
from hpo.record.journal import JOURNAL, Journal
from hpo.record.lock import RunLock
from hpo.trial.identity import Process

HERE = Process.own()
ELSEWHERE = replace(HERE, host="node7")
SHORT = Timing(beat=0.05, silence=1.0, confirm=0.2)
PATIENT = Timing(beat=0.05, silence=60.0, confirm=0.2)
CONTENDERS = Path(__file__).with_name("contenders.py")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    directory = tmp_path / "run"
    directory.mkdir()
    return directory


def leave_lock(
    run: Path, process: Process, age: float = 0.0, *, name: str = LOCK, token: str = "dead"
) -> None:
    """The lock of a process that did not give it back."""
    content = {**vars(process), "token": token, "since": time.time(), "command": "hpo run"}
    (run / name).write_text(json.dumps(content))
    os.utime(run / name, (time.time() - age, time.time() - age))


def known(run: Path) -> Owner:
    found = owner(run)
    assert found is not None
    return found


@contextmanager
def touched(path: Path, times: Iterator[float]) -> Iterator[None]:
    """An owner on another machine, seen from here: its file's time changes."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(0.05):
            at = next(times)
            os.utime(path, (at, at))

    thread = threading.Thread(target=beat)
    thread.start()
    yield
    over.set()
    thread.join()


def test_a_lock_given_back_leaves_nothing_behind(run: Path) -> None:
    with RunLock.acquire(run) as lock:
        assert (run / LOCK).exists()
        lock.check()
    descriptors = os.listdir("/proc/self/fd")
    lock.release()
    assert os.listdir("/proc/self/fd") == descriptors  # a second time closes nothing: not stdout either
    assert list(run.iterdir()) == []
    RunLock.acquire(run).release()


def test_a_second_driver_is_told_who_drives_and_how_to_end_it(run: Path) -> None:
    with RunLock.acquire(run):
        with pytest.raises(UserError) as caught:
            RunLock.acquire(run)
        since = time.strftime("%H:%M", time.localtime(known(run).since))
        assert str(caught.value) == (
            f"{run} is being run by process {HERE.pid} on {HERE.host} since {since}; "
            f"end it with `hpo stop {run}`"
        )
        assert UserError.exit_code == 1


@pytest.mark.process
@pytest.mark.parametrize("kind", ["dead", "elsewhere"])
def test_of_many_who_want_a_dead_owners_lock_exactly_one_gets_it(kind: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(CONTENDERS), kind, str(tmp_path)], capture_output=True, text=True, timeout=300
    )
    rounds = json.loads(done.stdout)
    assert rounds == [{"won": 1, "refused": 9, "codes": 0, "left": 0}] * 20, done.stderr


@pytest.mark.process
def test_killed_anywhere_they_never_hold_it_both_and_it_is_never_stuck(run: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(CONTENDERS), "churn", str(run)], capture_output=True, text=True, timeout=300
    )
    seen = json.loads(done.stdout)
    assert (seen["both"], seen["broken"]) == (0, 0), done.stderr
    assert seen["won"] > seen["killed"] / 4 > 10
    assert not (run / LOCK).exists()


@pytest.mark.process
def test_a_killed_driver_is_followed_at_once(run: Path) -> None:
    script = (
        "import os, signal, sys; from hpo.record.lock import RunLock\n"
        "RunLock.acquire(sys.argv[1]); os.kill(os.getpid(), signal.SIGKILL)"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(run)])
    while not os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
        time.sleep(0.01)
    for what in ("a zombie", "gone"):
        assert not known(run).alive, what
        child.wait(timeout=60)
    with RunLock.acquire(run, Timing(silence=1e6, confirm=1e6)) as lock:
        lock.check()


def test_a_later_process_of_the_same_pid_is_another(run: Path) -> None:
    leave_lock(run, replace(HERE, started=HERE.started - 1))
    assert not known(run).alive
    RunLock.acquire(run, Timing(silence=1e6, confirm=1e6)).release()


@pytest.mark.parametrize("other", [{"host": "node7"}, {"boot": "another boot"}, {"space": "pid:[4]"}])
def test_a_pid_says_nothing_about_another_machine_boot_or_container(
    other: dict[str, Any], run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    process = replace(HERE, pid=2**22 - 1, **other)  # no such process here
    leave_lock(run, process, age=SHORT.silence - 0.5)
    assert known(run).alive
    began = time.monotonic()
    RunLock.acquire(run, SHORT).release()
    assert time.monotonic() - began > 0.3
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert f"{run}: held by process {process.pid} on {process.host}, last seen" in said[0]


def test_an_owner_elsewhere_that_gives_signs_of_life_is_left_alone(run: Path) -> None:
    with RunLock.acquire(run, SHORT, ELSEWHERE) as lock:
        began = time.monotonic()
        with pytest.raises(UserError, match=f"process {HERE.pid} on node7"):
            RunLock.acquire(run, PATIENT)
        assert time.monotonic() - began < PATIENT.silence / 2
        lock.check()


@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
def test_signs_of_life_count_whatever_clock_they_are_dated_by(skew: float, run: Path) -> None:
    leave_lock(run, ELSEWHERE, age=-skew)
    times = (time.time() + skew + n for n in range(10**6))
    with touched(run / LOCK, times), pytest.raises(UserError, match="is being run by"):
        RunLock.acquire(run, Timing(0.05, 1.0, 5.0))


def test_a_clock_ahead_does_not_keep_a_dead_owner_alive(run: Path) -> None:
    leave_lock(run, ELSEWHERE, age=-3600.0)
    RunLock.acquire(run, SHORT).release()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"pid": "x"}', "null", '{"pid": -1, "host": "a"}', "\0" * 99]
)
@pytest.mark.parametrize("age", [0.0, 3600.0])
def test_a_lock_that_cannot_be_read_is_dead_when_it_is_old(text: str, age: float, run: Path) -> None:
    (run / LOCK).write_text(text)
    os.utime(run / LOCK, (time.time() - age, time.time() - age))
    assert owner(run) is None
    with RunLock.acquire(run, Timing(0.05, 0.4, 0.1)) as lock:
        lock.check()
    assert list(run.iterdir()) == []


def taken_over(run: Path) -> tuple[RunLock, RunLock]:
    """A driver elsewhere that gave no sign of life, and who followed it."""
    first = RunLock.acquire(run, Timing(beat=1e6), ELSEWHERE)
    os.utime(run / LOCK, (1e9, 1e9))
    return first, RunLock.acquire(run, SHORT)


def test_who_was_taken_over_is_told_and_leaves_the_new_owners_lock_alone(run: Path) -> None:
    first, second = taken_over(run)
    with pytest.raises(Resumable, match=f"taken over by process {HERE.pid} on {HERE.host}"):
        first.check()
    first.release()
    second.check()
    assert known(run).token == second.token
    second.release()
    assert list(run.iterdir()) == []


def test_who_was_taken_over_may_not_write_the_journal(run: Path) -> None:
    suspended = Journal.create(run)
    suspended.append({"event": "run"})
    suspended.commit()
    following = Journal.reopen(run)
    following.append({"event": "note"})
    following.commit()
    suspended.append({"event": "late"})
    with pytest.raises(Resumable, match="another process has written"):
        suspended.commit()
    following.append({"event": "done"})
    following.close()
    assert [json.loads(line)["event"] for line in (run / JOURNAL).open()] == ["run", "note", "done"]


@pytest.mark.process
def test_a_driver_suspended_for_long_notices_when_it_wakes(run: Path) -> None:
    script = """
import signal, sys, time
from dataclasses import replace
from hpo.record.lock import *
lock = RunLock.acquire(sys.argv[1], Timing(0.05, 1.0, 0.2), replace(Process.own(), host="node7"))
print("holds", flush=True)
while True:
    time.sleep(0.05)
    try:
        lock.check()
    except Exception as error:
        print(type(error).__name__, flush=True)
        lock.release()
        break
"""
    command = [sys.executable, "-c", script, str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "holds\n"
        with pytest.raises(UserError):
            RunLock.acquire(run, PATIENT)
        child.send_signal(19)  # SIGSTOP
        with RunLock.acquire(run, SHORT) as lock:
            child.send_signal(18)  # SIGCONT
            assert child.stdout.readline() == "Resumable\n"
            child.wait(timeout=60)
            lock.check()


def test_where_there_are_no_hard_links_it_works_too(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*paths: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    leave_lock(run, replace(HERE, pid=2**22 - 1))
    with RunLock.acquire(run) as lock:
        with pytest.raises(UserError, match="is being run by"):
            RunLock.acquire(run)
        lock.check()
    assert list(run.iterdir()) == []


def test_what_dead_contenders_left_is_swept_and_what_is_in_use_is_not(run: Path) -> None:
    for name, at in ((".driver.part-old", 1e9), (".driver.part-new", time.time())):
        (run / name).write_text("")
        os.utime(run / name, (at, at))
    RunLock.acquire(run).release()
    assert [path.name for path in run.iterdir()] == [".driver.part-new"]


def test_a_lock_that_this_process_could_not_give_back_is_free(run: Path) -> None:
    lock = RunLock.acquire(run)
    text = (run / LOCK).read_text()
    lock.release()
    (run / LOCK).write_text(text)
    RunLock.acquire(run).release()


@pytest.mark.process
def test_a_fork_of_the_owner_gives_nothing_back(run: Path) -> None:
    with RunLock.acquire(run) as lock:
        child = os.fork()
        if not child:
            lock.release()
            os._exit(0)
        os.waitpid(child, 0)
        lock.check()


def test_the_owner_is_known_to_everybody(run: Path) -> None:
    assert owner(run) is None
    with RunLock.acquire(run, SHORT, ELSEWHERE):
        time.sleep(0.2)
        found = known(run)
        assert (found.host, found.pid, found.alive) == ("node7", HERE.pid, True)
        assert 0 <= found.seen < 30
        assert found.name == f"process {HERE.pid} on node7"
        os.utime(run / LOCK, (1e9, 1e9))


def test_who_follows_a_dead_owner_is_the_one_that_is_known(run: Path) -> None:
    """Before it has moved its file to the place of the lock, too: `hpo stop` asks by its token."""
    leave_lock(run, replace(HERE, started=HERE.started - 1), age=3600.0)
    leave_lock(run, HERE, name=heir(run, "dead").name, token="heir")
    found = known(run)
    assert (found.token, found.alive) == ("heir", True)
    assert found.seen < 3600.0


def test_a_part_that_was_swept_while_its_process_was_suspended_is_written_once_more(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(part: Path, path: Path) -> None:
        monkeypatch.undo()
        part.unlink()
        os.link(part, path)

    monkeypatch.setattr(os, "link", link)
    with RunLock.acquire(run) as lock:
        lock.check()
    assert list(run.iterdir()) == []
