from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.trial.launch import Supervisor, SupervisorDied, spawn
from hpo.trial.spec import TrialEnd, TrialSpec

Spec = Callable[..., TrialSpec]
Run = Callable[..., TrialEnd]
UntilEnd = Callable[[Supervisor], list[dict[str, Any]]]
WaitUntil = Callable[..., None]


def log_of(spec: TrialSpec) -> str:
    path = Path(spec.directory) / "log.txt"
    return path.read_text() if path.exists() else ""


def running(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def trial_pid(slot: Supervisor) -> int:
    """The leader of the running trial's group, which was started afresh."""
    mark = f"HPO_CHANNEL={slot._directory}/".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        pid = int(path.parent.name)
        with contextlib.suppress(OSError):
            if mark in path.read_bytes() and os.getsid(pid) == pid:
                return pid
    raise AssertionError("no trial runs")


def start_and_wait(slot: Supervisor, spec: TrialSpec) -> tuple[int, int]:
    """Process ids of the supervisor and of the trial, once this has reported."""
    slot.start(spec)
    while not slot.events(5):
        pass
    trial = trial_pid(slot)
    return int(Path(f"/proc/{trial}/stat").read_text().rpartition(")")[2].split()[1]), trial


def test_the_supervisor_is_nobodys_child_and_in_its_own_session(supervisor: Supervisor, spec: Spec) -> None:
    pid, trial = start_and_wait(supervisor, spec("log(loss=1); time.sleep(60)", milestones=None))
    assert int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) != os.getpid()
    assert os.getsid(pid) not in (os.getsid(0), os.getsid(trial))
    assert os.getpgid(trial) == trial


def test_when_the_slot_goes_the_trial_goes_too(
    supervisor: Supervisor, spec: Spec, wait_until: WaitUntil
) -> None:
    code = "signal.signal(15, lambda *_: (print('in time'), sys.exit(0))); log(loss=1); time.sleep(60)"
    it = spec(code, milestones=None)
    pid, trial = start_and_wait(supervisor, it)
    directory = supervisor._directory
    assert directory
    assert os.path.isdir(directory)
    supervisor._socket.close()
    wait_until(lambda: not running(pid))
    assert not running(trial)
    assert not os.path.exists(directory)
    assert log_of(it) == "in time\n"


def test_when_the_supervisor_is_killed_nothing_is_left(
    supervisor: Supervisor, spec: Spec, run: Run, wait_until: WaitUntil
) -> None:
    code = "import subprocess; subprocess.Popen(['sleep', '600']); log(loss=1); time.sleep(600)"
    pid, trial = start_and_wait(supervisor, spec(code, milestones=None))
    directory = supervisor._directory
    assert directory
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not running(trial))  # before anyone asks: the kernel did it
    with pytest.raises(SupervisorDied):
        supervisor.events(5)
    assert not supervisor.alive()
    assert not os.path.exists(directory)
    others = subprocess.run(["pgrep", "-g", str(trial), "-r", "R,S,D"], capture_output=True, text=True)
    assert others.stdout == ""
    with pytest.raises(SupervisorDied):
        supervisor.start(spec())
    supervisor.stop("stopped")


def test_a_supervisor_that_died_with_an_order_unread_is_known_to_be_dead(
    supervisor: Supervisor, spec: Spec, wait_until: WaitUntil
) -> None:
    pid, _ = start_and_wait(supervisor, spec("log(loss=1); time.sleep(60)", milestones=None))
    os.kill(pid, signal.SIGSTOP)
    supervisor.stop("stopped")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not running(pid))
    assert not supervisor.alive()  # the kernel says so in another way than where all was read


def test_sigterm_ends_the_supervisor_and_its_trial(
    supervisor: Supervisor, spec: Spec, until_end: UntilEnd
) -> None:
    pid, trial = start_and_wait(supervisor, spec("log(loss=1); time.sleep(60)", milestones=None))
    os.kill(pid, signal.SIGTERM)
    assert until_end(supervisor)[-1]["state"] == "interrupted"
    with pytest.raises(SupervisorDied):
        supervisor.events(5)
    assert not running(trial)


def test_an_end_and_a_stop_at_the_same_moment(
    supervisor: Supervisor, spec: Spec, until_end: UntilEnd, wait_until: WaitUntil
) -> None:
    it = spec("log(loss=1)\nwhile not os.path.exists('go'): time.sleep(0.01)", milestones=None)
    pid, trial = start_and_wait(supervisor, it)
    os.kill(pid, signal.SIGSTOP)  # it sees both when it goes on
    Path(it.cwd, "go").touch()
    wait_until(lambda: not running(trial))
    supervisor.stop("stopped")
    os.kill(pid, signal.SIGCONT)
    assert until_end(supervisor)[-1]["state"] == "finished"


def test_waiting_and_closing_in_different_threads(spec: Spec, wait_until: WaitUntil) -> None:
    slot = spawn()
    found: list[Any] = []

    def wait() -> None:
        try:
            while True:
                found.extend(slot.events(None))
        except SupervisorDied as error:
            found.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    slot.start(spec("log(loss=1); time.sleep(60)", milestones=None))
    wait_until(lambda: found)
    assert slot.alive()
    slot.close()
    thread.join(5)
    assert [e["event"] for e in found[:-1]] == ["result", "end"]
    assert isinstance(found[-1], SupervisorDied)
