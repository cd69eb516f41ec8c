"""The warm parent itself: whom it serves, how it and its trials end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.trial.warm_runner import WHEN_FORKED, Runner

New = Callable[..., Runner]
WaitUntil = Callable[..., None]


def test_a_fork_that_misbehaves_falls_back_to_plain_processes_loudly(new: New) -> None:
    runner = new()
    script = runner.script("odd.py", WHEN_FORKED + "print(forked)\nif forked: raise SystemExit(7)")
    ended = runner("python", script)
    assert (ended.end["state"], ended.log.splitlines()[-1]) == ("finished", "False")
    (note,) = ended.notes
    assert note.startswith("trials start without preloading from here on: trial 1 failed when forked (exit ")
    assert note.endswith("but not as a plain process")
    assert runner("python", script).log == "False\n"


def test_a_script_that_fails_by_itself_is_tried_twice_only_once(new: New) -> None:
    runner = new()
    script = runner.script("bad.py", WHEN_FORKED + "open('runs', 'a').write('wp'[not forked]); 1 / 0")
    ends = [runner("python", script) for _ in range(3)]
    assert {ended.end["reason"] for ended in ends} == {"exit code 1: ZeroDivisionError: division by zero"}
    assert (runner.folder / "runs").read_text() == "wpww"
    assert not any(ended.notes for ended in ends)


def test_a_fork_that_misbehaves_after_others_have_not_falls_back_too(new: New) -> None:
    runner = new()
    code = "import sys\nif forked and sys.argv[1:]: raise SystemExit(7)\nprint(forked)"
    script = runner.script("odd.py", WHEN_FORKED + code)
    assert [runner("python", script).log for _ in range(2)] == ["True\n"] * 2
    ended = runner("python", script, "bad")
    assert (ended.end["state"], ended.log.splitlines()[-1], len(ended.notes)) == ("finished", "False", 1)
    assert runner("python", script).log == "False\n"


WRAPPER = """#!/bin/sh
export PATH="/added:$PATH" LIBRARY_OF_{device}="$DEVICE" OWN=1
unset GIVEN
exec {python} "$@"
"""


def wrapped(runner: Runner, device: str) -> str:
    """An interpreter that is a script, as those of pyenv and of containers are."""
    runner.script("python", WRAPPER.format(python=sys.executable, device=device))
    (runner.folder / "python").chmod(0o755)
    return str(runner.folder / "python")


def test_what_a_wrapper_around_python_sets_is_set_in_forked_trials(new: New) -> None:
    runner = new()
    python = wrapped(runner, "NOTHING")
    code = (
        "import json\nprint(json.dumps([forked, {k: v for k, v in os.environ.items() if k[:4] != 'HPO_'}]))"
    )
    script = runner.script("shown.py", WHEN_FORKED + code)
    given = {"GIVEN": "1"}
    warm, cold = (json.loads(runner(python, script, warm=one, more_env=given).log) for one in (True, False))
    assert (warm[0], cold[0]) == (True, False)
    for one in (warm[1], cold[1]):
        assert one["PATH"].startswith("/added:")
        assert (one["OWN"], "GIVEN" in one) == ("1", False)
    assert warm[1] == cold[1]


def test_a_wrapper_that_goes_by_what_trials_differ_in_is_started_for_each(new: New) -> None:
    runner = new()
    python = wrapped(runner, "TRIALS")
    script = runner.script("shown.py", WHEN_FORKED + "print(forked, os.environ['LIBRARY_OF_TRIALS'])")
    ends = [runner(python, script, more_env={"DEVICE": f"gpu{i}"}) for i in (0, 0, 1)]
    assert [ended.log.splitlines()[-1] for ended in ends] == ["True gpu0", "True gpu0", "False gpu1"]


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o755, 0o777])
def test_no_trial_is_forked_through_a_directory_that_others_may_enter(new: New, mode: int) -> None:
    runner = new()
    directory = Path(runner.settings.directory)
    directory.mkdir()
    directory.chmod(mode)
    ended = runner("python", runner.script("odd.py", WHEN_FORKED + "print(forked)"))
    directory.rmdir()
    assert ended.log == "False\n"
    assert f"{directory} is not this user's own" in ended.notes[0]


def test_slots_of_a_node_share_one_parent(new: New) -> None:
    first, second = new(), new()
    second.settings, second.number = first.settings, 100
    script = first.script("parent.py", "import os; print(os.getppid())")
    assert first("python", script).log == second("python", script).log
    first.supervisor.close(10)
    assert second("python", script).end["state"] == "finished"


def test_a_killed_parent_loses_its_trial_and_is_replaced(new: New, wait_until: WaitUntil) -> None:
    runner = new(modules=None)
    script = runner.script(
        "parent.py", "import os, sys, time; print(os.getppid(), flush=True); time.sleep(60)"
    )
    directory = runner.begin("python", script)
    wait_until(lambda: (directory / "log.txt").exists() and (directory / "log.txt").read_text())
    trial_parent = int((directory / "log.txt").read_text())
    os.kill(trial_parent, signal.SIGKILL)
    lost = runner.ended(directory)
    assert (lost.end["event"], lost.end["reason"]) == ("lost", "the process that forks trials died")
    again = runner("python", runner.script("quick.py", WHEN_FORKED + "print(forked)"))
    assert (again.log, again.end["state"]) == ("True\n", "finished")


def test_a_killed_supervisor_takes_everything_with_it(new: New, wait_until: WaitUntil) -> None:
    runner = new()
    code = "import os, time; print(os.getpid(), os.getppid(), flush=True); time.sleep(600)"
    directory = runner.begin("python", runner.script("long.py", code))
    wait_until(lambda: (directory / "log.txt").exists() and (directory / "log.txt").read_text())
    pids = [int(word) for word in (directory / "log.txt").read_text().split()]
    runner.supervisor.close()
    wait_until(lambda: not any(alive(pid) for pid in pids))
    wait_until(lambda: not Path(runner.settings.directory).exists())


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_forked_trial_can_end_well_after_a_stop(new: New, wait_until: WaitUntil) -> None:
    runner = new()
    code = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *a: sys.exit(print('saved')))\n"
    directory = runner.begin(
        "python", runner.script("stop.py", code + "print('up', flush=True)\ntime.sleep(60)")
    )
    wait_until(lambda: (directory / "log.txt").exists() and "up" in (directory / "log.txt").read_text())
    runner.supervisor.stop("stopped")
    ended = runner.ended(directory)
    assert (ended.end["state"], ended.log) == ("stopped", "up\nsaved\n")


def test_a_stop_right_at_the_start_is_heeded(new: New) -> None:
    runner = new()
    directory = runner.begin("python", runner.script("slow.py", "import time; time.sleep(60)"))
    runner.supervisor.stop("stopped")
    assert runner.ended(directory).end["state"] == "stopped"


def test_a_trial_that_waits_for_the_setup_can_be_stopped(new: New) -> None:
    runner = new(modules=None, setup="data:load")
    runner.script("data.py", "import time\ndef load(): time.sleep(3); open('loaded', 'w')")
    script = runner.script("runs.py", "open('ran', 'a').write('x')")
    directory = runner.begin("python", script)
    time.sleep(0.5)
    runner.supervisor.stop("stopped")
    assert runner.ended(directory).end["state"] == "stopped"
    assert not (runner.folder / "loaded").exists()
    assert runner("python", script).end["state"] == "finished"
    assert (runner.folder / "ran").read_text() == "x"


def resources(*pids: int) -> set[tuple[str, str]]:
    """What trials might leave behind in these processes, in this one, and in shared memory."""
    numbers = [pid for pid in os.listdir("/proc") if pid.isdigit()]
    return {
        *(("descriptor", f"{pid}: {n}") for pid in pids for n in range(len(os.listdir(f"/proc/{pid}/fd")))),
        *(("zombie", one) for one in numbers for pid in pids if _is_zombie(one, pid)),
        *(("child", one) for one in numbers if _ppid(one) == os.getpid()),
        *(("memory", name) for name in _orphaned_memory()),
    }


def _orphaned_memory() -> set[str]:
    """Names of shared memory that no process uses: other tests' processes make some while these run."""
    found = [entry for entry in os.scandir("/dev/shm") if entry.name.startswith(("psm_", "torch_", "sem."))]
    used: set[str] = set()  # inodes: a semaphore is mapped under the name that it was made by
    for pid in filter(str.isdigit, os.listdir("/proc")) if found else ():
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
            used |= {line.split()[4] for line in lines if "/dev/shm/" in line}
    return {entry.name for entry in found if str(entry.inode()) not in used}


def _stat(pid: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["", "0"]


def _ppid(pid: str) -> int:
    return int(_stat(pid)[1])


def _is_zombie(pid: str, parent: int) -> bool:
    return _stat(pid)[0] == "Z" and _ppid(pid) == parent


def test_500_trials_leave_nothing_behind(new: New, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = new(modules=None)
    monkeypatch.setenv("TMPDIR", str(runner.folder / "t"))
    (runner.folder / "t").mkdir()
    script = runner.script(
        "trial.py",
        "import hpo, os, tempfile, multiprocessing.shared_memory as m\n"
        "f = tempfile.NamedTemporaryFile(); hpo.report({'loss': 1}); print(os.getppid())",
    )
    runner("python", script, metric="loss")
    parent = int(runner("python", script, metric="loss").log)
    time.sleep(0.5)  # it may just be closing what belonged to the last one
    ours = parent, _ppid(str(parent))
    before = resources(*ours)
    for _ in range(50):
        directories = [runner.begin("python", script, metric="loss") for _ in range(10)]
        ends = [runner.ended(directory).end["state"] for directory in directories]
        assert set(ends) == {"finished"}
    deadline = time.monotonic() + 5
    while left := resources(*ours) - before:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)
    assert os.listdir(runner.folder / "t") == []
    files = ["end.json", "log.txt", "metrics.jsonl", "params.yaml"]
    assert all(sorted(os.listdir(directory)) == files for directory in directories)
