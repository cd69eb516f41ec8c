"""The warm parent itself: what it imports and refuses, whom it serves, how it and its trials end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.trial.environment import SITE
from hpo.trial.warm import START
from tests.trial.warm_runner import Runner

New = Callable[..., Runner]
WaitUntil = Callable[..., None]


@pytest.fixture
def new(tmp_path: Path) -> Iterator[New]:
    made: list[Runner] = []

    def make(**settings: Any) -> Runner:
        made.append(Runner(tmp_path, **settings))
        return made[-1]

    yield make
    for runner in made:
        runner.supervisor.close(10)


LOADED = "import sys; print(*[name for name in ('numpy', 'wave', 'threaded') if name in sys.modules])"


def test_what_the_first_trial_imported_is_there_for_the_next(new: New) -> None:
    runner = new(modules=None)
    first = runner.script("first.py", "import numpy, wave, hpo; hpo.report({'loss': 1})")
    runner.script("own.py", "")
    assert runner("python", first, metric="loss").end["value"] == 1
    assert runner("python", runner.script("loaded.py", LOADED)).log == "numpy wave\n"


def test_modules_are_imported_in_the_environment_that_the_script_sets(new: New) -> None:
    runner = new(modules=None)
    runner.script("site-packages/reader.py", "import os; mode = os.environ.get('READER_MODE')")
    code = "import os; os.environ['READER_MODE'] = 'quick'\nimport sys, hpo\n"
    code += "print('reader' in sys.modules)\nimport reader; print(reader.mode); hpo.report({'loss': 1})"
    script = runner.script("sets.py", code)
    env = {"PYTHONPATH": os.pathsep.join([SITE, str(runner.folder / "site-packages")])}
    assert runner("python", script, metric="loss", more_env=env).log == "False\nquick\n"
    assert runner("python", script, metric="loss", more_env=env).log == "True\nquick\n"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
            "thread",
        ),
        ("import socket; s = socket.socket()", "socket"),
        ("import os; r = os.pipe()", "pipe"),
    ],
)
def test_a_module_that_cannot_be_forked_is_left_out_and_named(new: New, code: str, why: str) -> None:
    runner = new(modules=["threaded", "numpy"])
    runner.script("threaded.py", code)
    loaded = runner.script("loaded.py", LOADED)
    ended = runner("python", loaded)
    assert ended.log == "numpy\n"
    (note,) = ended.notes
    assert note.startswith("threaded is not preloaded: it ")
    assert why in note
    assert runner("python", loaded).notes == []


def test_who_imports_what_starts_threads_is_left_out_with_it_at_once(new: New) -> None:
    runner = new(modules=["outer", "threaded", "numpy"])
    runner.script("outer.py", "import threaded")
    code = "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    runner.script("threaded.py", f"{code}\nimport wave")
    ended = runner("python", runner.script("loaded.py", LOADED))
    assert ended.log == "numpy\n"
    assert ended.notes == [
        "outer and threaded are not preloaded: threaded starts 1 thread when it is imported"
    ]


def test_pyarrow_is_preloaded_although_its_allocator_has_a_thread(new: New) -> None:
    runner = new(modules=["pandas", "pyarrow"])
    code = "import sys\nprint('pyarrow' in sys.modules)\nimport pandas, pyarrow.compute\n"
    code += "frame = pandas.DataFrame({'x': range(100_000)})\n"
    code += "print(pyarrow.compute.sum(pyarrow.Table.from_pandas(frame)['x']).as_py())"
    ended = runner("python", runner.script("sums.py", code))
    assert (ended.log, ended.notes) == ("True\n4999950000\n", [])


def test_a_module_that_is_not_there_is_named(new: New) -> None:
    runner = new(modules=["nosuch.thing", "numpy"])
    ended = runner("python", runner.script("loaded.py", LOADED))
    assert ended.log == "numpy\n"
    assert "nosuch.thing (ModuleNotFoundError" in ended.notes[0]


def test_setup_runs_once_for_all_trials(new: New) -> None:
    runner = new(modules=None, setup="data:load")
    code = "import os, tempfile\ndef load():\n    open('calls', 'a').write('x')\n"
    runner.script(
        "data.py", code + "    return {'folder': tempfile.TemporaryDirectory(), 'pid': os.getpid()}\n"
    )
    use = "import hpo, os\nv = hpo.setup_value()\n"
    use += "print(v['pid'] == os.getppid(), os.path.exists(v['folder'].name))"
    script = runner.script("use.py", use)
    env = {"HPO_SETUP": "data:load"}
    assert [runner("python", script, more_env=env).log for _ in range(3)] == ["True True\n"] * 3
    assert (runner.folder / "calls").read_text() == "x"
    cold = runner("python", script, warm=False, more_env=env)
    assert (cold.log, (runner.folder / "calls").read_text()) == ("False True\n", "xx")


AT_EXIT = "atexit.register(lambda: print('bye', os.getpid(), file=open('ends', 'a')))\n"


def test_what_imports_and_setup_want_done_at_exit_is_done_once_by_the_parent(
    new: New, wait_until: WaitUntil
) -> None:
    runner = new(modules=["made"], setup="data:load")
    runner.script("made.py", "import tempfile\nfolder = tempfile.TemporaryDirectory()")
    runner.script("data.py", f"import atexit, os\ndef load():\n    {AT_EXIT}    return os.getpid()\n")
    use = "import hpo, made, os\nprint(hpo.setup_value() == os.getppid(), os.path.isdir(made.folder.name))"
    script = runner.script("use.py", use + "\nprint(made.folder.name, hpo.setup_value())")
    logs = {runner("python", script, more_env={"HPO_SETUP": "data:load"}).log for _ in range(3)}
    (log,) = logs
    assert log.startswith("True True\n")
    folder, parent = log.splitlines()[1].split()
    runner.supervisor.close()
    wait_until(lambda: not os.path.exists(folder) and not os.path.exists(f"/proc/{parent}"))
    assert (runner.folder / "ends").read_text() == f"bye {parent}\n"


def test_a_setup_that_fails_is_told_once_and_again_in_the_trial_that_asks(new: New) -> None:
    runner = new(modules=None, setup="data:load")
    runner.script("data.py", "def load():\n    raise OSError('no disk')")
    ended = runner("python", runner.script("fine.py", "print('fine')"))
    assert (ended.log, ended.end["state"]) == ("fine\n", "finished")
    assert ended.notes == ["trials start without preloading: data:load: OSError: no disk"]
    assert "no disk" in (runner.folder / "preload.log").read_text()
    asking = runner.script("use.py", "import hpo; hpo.setup_value()")
    failed = runner("python", asking, more_env={"HPO_SETUP": "data:load"})
    assert failed.end["reason"] == "exit code 1: OSError: no disk"


WHEN_FORKED = "import os; forked = b'boot.py' in open(f'/proc/{os.getppid()}/cmdline', 'rb').read()\n"


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


def test_slots_of_a_node_share_one_parent(new: New) -> None:
    first, second = new(), new()
    second.settings, second.number = first.settings, 100
    script = first.script("parent.py", "import os; print(os.getppid())")
    assert first("python", script).log == second("python", script).log
    first.supervisor.close(10)
    assert second("python", script).end["state"] == "finished"


SLOW = """
import os, time
if "HPO_CHANNEL" not in os.environ:  # no trial
    open("importing", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
"""
LATER = """
import os, time
while not os.path.exists("importing"):
    time.sleep(0.01)
os.environ["LARGE"] = "x" * int(os.environ["SIZE"])
import hpo
hpo.report({"loss": 2})
"""


@pytest.mark.parametrize("size", [10, 200_000])
def test_no_slot_is_held_up_while_modules_are_imported(new: New, size: int) -> None:
    first, second = new(modules=None), new(modules=None)
    second.settings, second.number = first.settings, 100
    first.script("site-packages/slow.py", SLOW)
    env = {"PYTHONPATH": os.pathsep.join([SITE, str(first.folder / "site-packages")]), "SIZE": str(size)}
    imports = first.script("first.py", "import slow, hpo; hpo.report({'loss': 1})")
    later = second.begin("python", second.script("later.py", LATER), more_env=env, metric="loss")
    began = time.monotonic()
    try:
        assert first("python", imports, more_env=env, metric="loss").end["value"] == 1
        assert second.end(later)["value"] == 2
        assert time.monotonic() - began < START  # then a supervisor that waits for the import gives up
        waits = second.begin("python", imports, more_env={**env, "LARGE": "x" * size}, metric="loss")
    finally:
        (first.folder / "go").touch()
    assert second.end(waits)["value"] == 1


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


def resources(supervisor: int) -> dict[str, Any]:
    """What a trial might leave behind."""
    mine = [pid for pid in os.listdir("/proc") if pid.isdigit() and _ppid(pid) == os.getpid()]
    return {
        "descriptors": len(os.listdir(f"/proc/{supervisor}/fd")),
        "zombies": sum(1 for pid in os.listdir("/proc") if pid.isdigit() and _is_zombie(pid, supervisor)),
        "children": len(mine),
        "shared memory": [n for n in os.listdir("/dev/shm") if n.startswith(("psm_", "torch_", "sem."))],
    }


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
    first = runner("python", script, metric="loss")
    parent = int(runner("python", script, metric="loss").log)
    time.sleep(0.5)  # it may just be closing what belonged to the last one
    before = [resources(parent), resources(_ppid(str(parent))), first.end["state"]]
    for _ in range(50):
        directories = [runner.begin("python", script, metric="loss") for _ in range(10)]
        ends = [runner.ended(directory).end["state"] for directory in directories]
        assert set(ends) == {"finished"}
    deadline = time.monotonic() + 5
    while (after := [resources(parent), resources(_ppid(str(parent))), ends[-1]]) != before:
        assert time.monotonic() < deadline, (before, after)
        time.sleep(0.01)
    assert os.listdir(runner.folder / "t") == []
    assert all(sorted(os.listdir(d)) == ["log.txt", "metrics.jsonl", "params.yaml"] for d in directories)
