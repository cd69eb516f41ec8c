"""What the warm parent imports and sets up for all trials, what it leaves to them, and who waits for it."""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Callable
from typing import Any

import pytest

from hpo.trial.environment import SITE
from hpo.trial.warm import START
from tests.trial.warm_runner import Runner

New = Callable[..., Runner]
WaitUntil = Callable[..., None]


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


READER = "import os; mode = os.environ.get('READER_MODE')"
SETS = """
import os, sys
import before
if sys.argv[1:]:
    os.environ["READER_MODE"] = sys.argv[1]
early = "reader" in sys.modules
import reader
import hpo
print(early, before.mode, reader.mode)
hpo.report({"loss": 1})
"""


def reading(runner: Runner) -> dict[str, str]:
    """Installed packages `before` and `reader`, and the environment that finds them."""
    for name in ("before", "reader"):
        runner.script(f"site-packages/{name}.py", READER)
    return {"PYTHONPATH": os.pathsep.join([SITE, str(runner.folder / "site-packages")])}


def test_a_trial_that_sets_another_value_before_an_import_starts_afresh_loudly(new: New) -> None:
    """`os.environ["KERAS_BACKEND"] = args.backend; import keras`: never under the first trial's backend."""
    runner = new(modules=None)
    env = reading(runner)
    script = runner.script("sets.py", SETS)

    def run(*words: str) -> tuple[str, list[str]]:
        ended = runner("python", script, *words, metric="loss", more_env=env)
        assert (ended.end["state"], ended.end["rows"]) == ("finished", 1)
        return ended.log.splitlines()[-1], ended.notes

    assert run("quick") == ("False None quick", [])
    assert run("quick") == ("True None quick", [])
    seen, notes = run("slow")
    assert seen == "False None slow"
    why = "trial 3 sets READER_MODE to another value before it imports reader"
    assert notes == [f"trials start without preloading from here on: {why}"]
    assert run("other") == ("False None other", [])


def test_so_does_one_that_sets_another_than_the_setup_has_imported_with(new: New) -> None:
    runner = new(modules=None, setup="data:load")
    env = reading(runner) | {"HPO_SETUP": "data:load"}
    runner.script("data.py", "import reader\ndef load(): return 1\n")
    script = runner.script("sets.py", SETS)
    seen = [runner("python", script, *one, metric="loss", more_env=env) for one in ([], ["slow"], [])]
    assert [one.log.splitlines()[-1].split()[-1] for one in seen] == ["None", "slow", "None"]


@pytest.mark.parametrize("imported", ["importlib.import_module('reader')", "from reader.part import x"])
def test_however_it_is_imported(new: New, imported: str) -> None:
    runner = new(modules=["reader", "reader.part"])
    env = reading(runner)
    (runner.folder / "site-packages/reader.py").unlink()
    runner.script("site-packages/reader/__init__.py", READER)
    runner.script("site-packages/reader/part.py", "x = 1")
    code = f"import importlib, os, sys\nos.environ['READER_MODE'] = 'quick'\n{imported}\n"
    script = runner.script("sets.py", code + "print(sys.modules['reader'].mode)")
    assert [runner("python", script, more_env=env).log.splitlines()[-1] for _ in range(2)] == ["quick"] * 2


def test_what_an_import_raises_is_told_as_ever(new: New) -> None:
    runner = new(modules=["before", "reader"])
    env = reading(runner)
    runner.script("broken.py", "import before, reader\n1 / 0")
    script = runner.script("use.py", "import broken")
    warm, cold = (runner("python", script, warm=warm, more_env=env).log for warm in (True, False))
    assert warm.partition("hpo: it failed as a forked process")[0] == cold
    assert "ZeroDivisionError" in cold


@pytest.mark.parametrize("modules", [None, ["before", "reader"]], ids=["learnt", "named"])
def test_so_does_one_that_alone_sets_a_variable_or_alone_does_not(new: New, modules: Any) -> None:
    runner = new(modules=modules)
    env = reading(runner)
    script = runner.script("sets.py", SETS)
    words: list[list[str]] = [[], [], ["quick"]] if modules else [["quick"], ["quick"], []]
    seen = [runner("python", script, *one, metric="loss", more_env=env).log.split()[-1] for one in words]
    assert seen == [one[0] if one else "None" for one in words]


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


@pytest.mark.torch
def test_torch_is_preloaded_with_all_that_an_optimizer_imports(new: New) -> None:
    runner = new(modules=None)
    code = """
        import sys
        print("torch._dynamo" in sys.modules)
        import hpo, torch
        torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1).step()
        hpo.report({"loss": 1})
        """
    script = runner.script("train.py", textwrap.dedent(code))
    ended = [runner("python", script, metric="loss") for _ in range(2)]
    assert [(one.log, one.notes) for one in ended] == [("False\n", []), ("True\n", [])]


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
    made = "import atexit, tempfile\nfolder = tempfile.TemporaryDirectory()\n"
    runner.script("made.py", made + "atexit.register(folder.cleanup)")  # as wandb does with its media
    runner.script("data.py", f"import atexit, os\ndef load():\n    {AT_EXIT}    return os.getpid()\n")
    use = "import hpo, made, os\nprint(hpo.setup_value() == os.getppid(), os.path.isdir(made.folder.name))"
    script = runner.script("use.py", use + "\nprint(made.folder.name, hpo.setup_value())")
    logs = [runner("python", script, more_env={"HPO_SETUP": "data:load"}).log for _ in range(3)]
    assert all(log.startswith("True True\n") for log in logs)
    folders, (parent, *same) = zip(*(log.splitlines()[1].split() for log in logs), strict=True)
    assert same == [parent, parent]
    runner.supervisor.close()
    wait_until(lambda: not any(map(os.path.exists, [*folders, f"/proc/{parent}"])))
    assert (runner.folder / "ends").read_text() == f"bye {parent}\n"


MAKES = """
import atexit, os, shutil, tempfile
held = tempfile.TemporaryDirectory()
open(os.path.join(held.name, "first"), "w").close()
plain = tempfile.mkdtemp()
atexit.register(shutil.rmtree, plain, ignore_errors=True)
atexit.register(lambda: print("bye"))
"""


def test_a_trial_s_exit_handlers_remove_only_what_is_its_own(new: New, wait_until: WaitUntil) -> None:
    """What an import makes in a temporary folder is each trial's own, or stays for the others."""
    runner = new(modules=["made"])
    runner.script("made.py", MAKES)
    use = """
        import made, os, tempfile
        print(os.listdir(made.held.name), os.path.isdir(made.plain))
        open(os.path.join(made.held.name, "more"), "w").close()
        print("PATH", made.held.name, tempfile.mkdtemp() and made.plain)
        """
    script = runner.script("use.py", textwrap.dedent(use))
    seen = [runner("python", script).log.splitlines() for _ in range(3)]
    assert [lines[0] for lines in seen] == ["['first'] True"] * 3
    assert [lines[-1] for lines in seen] == ["bye"] * 3
    held, plain = zip(*[lines[1].split()[1:] for lines in seen], strict=True)
    assert len(set(held)) == 3
    assert not any(map(os.path.exists, held))
    runner.supervisor.close()
    wait_until(lambda: not any(map(os.path.exists, plain)))


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


SLOW = """
import os, time
if "HPO_CHANNEL" not in os.environ:  # no trial
    open("importing", "w").close()
    for _ in range(6000):
        if os.path.exists("go"):
            break
        time.sleep(0.01)
"""
LATER = """
import os, time
open("begun", "w").close()
for _ in range(6000):
    if os.path.exists("importing"):
        break
    time.sleep(0.01)
os.environ["LARGE"] = "x" * int(os.environ["SIZE"])
import hpo
hpo.report({"loss": 2})
"""


@pytest.mark.parametrize("size", [10, 200_000])
def test_no_slot_is_held_up_while_modules_are_imported(new: New, size: int, wait_until: WaitUntil) -> None:
    first, second = new(modules=None), new(modules=None)
    second.settings, second.number = first.settings, 100
    first.script("site-packages/slow.py", SLOW)
    env = {"PYTHONPATH": os.pathsep.join([SITE, str(first.folder / "site-packages")]), "SIZE": str(size)}
    imports = first.script("first.py", "import slow, hpo; hpo.report({'loss': 1})")
    later = second.begin("python", second.script("later.py", LATER), more_env=env, metric="loss")
    wait_until((first.folder / "begun").exists)  # a trial that is not there yet waits for the import
    began = time.monotonic()
    try:
        assert first("python", imports, more_env=env, metric="loss").end["value"] == 1
        assert second.end(later)["value"] == 2
        assert time.monotonic() - began < START  # then a supervisor that waits for the import gives up
        waits = second.begin("python", imports, more_env={**env, "LARGE": "x" * size}, metric="loss")
    finally:
        (first.folder / "go").touch()
    assert second.end(waits)["value"] == 1
