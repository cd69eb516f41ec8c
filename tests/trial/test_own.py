"""What an import or a setup goes by that each trial has of its own, or changes for the whole process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest

from hpo.trial.environment import SITE
from tests.trial.warm_runner import WHEN_FORKED, Ended, Runner

New = Callable[..., Runner]
USE = "import sys\nearly = 'reader' in sys.modules\nimport reader\nprint(reader.x)\n"
REPORT = "import hpo\nhpo.report({'loss': 1})\n"
SAY_FORKED = WHEN_FORKED + "print(forked)\n"
C_GETENV = """
import ctypes
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
x = getenv(b"READER_MODE")
"""


def environment(runner: Runner, **packages: str) -> dict[str, str]:
    """That in which these installed packages are found."""
    for name, code in packages.items():
        runner.script(f"site-packages/{name.replace('__', '/')}.py", code)
    found = [SITE, str(runner.folder / "site-packages"), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(found)}


def trial(runner: Runner, script: str, *words: str, env: dict[str, str]) -> Ended:
    """Run one that reports; what is printed is its log but for hpo's own lines."""
    ended = runner(sys.executable, script, *words, metric="loss", more_env=env)
    assert (ended.end["state"], ended.end["rows"]) == ("finished", 1), ended.log
    ended.log = "".join(f"{line}\n" for line in ended.log.splitlines() if not line.startswith("hpo: "))
    return ended


OWN = {
    "parse_known_args": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('w')\nx = p.parse_known_args()[0].w",
        "reads the command line",
    ),
    "a look at sys.argv": ("import sys\nx = 'a' in sys.argv, sys.argv[-1]", "reads the command line"),
    "argv kept": (
        "from sys import argv\nclass X:\n    def __str__(self): return argv[1]\nx = X()",
        "reads the command line",
    ),
    "a variable": (
        "import os\nx = os.environ.get('HPO_TRIAL_DIR')",
        "reads HPO_TRIAL_DIR, which each trial has",
    ),
    "its configuration": (
        "import hpo\nx = hpo.config()",
        "reads HPO_CONFIG, which each trial has of its own,",
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_a_package_that_goes_by_what_is_each_trial_s_own_is_left_to_it(new: New, name: str) -> None:
    runner = new(modules=None)
    code, why = OWN[name]
    env, script = environment(runner, reader=code), runner.script("use.py", USE + REPORT)
    ended = [
        runner(sys.executable, script, word, metric="loss", more_env=env, config={"lr": at})
        for at, word in enumerate("abc")
    ]
    seen = {one.log.replace("TRIAL", one.directory.name) for one in ended}
    assert len(seen) == 3
    (note,) = [note for one in ended for note in one.notes]
    assert note.startswith(f"reader is not preloaded: it {why}")


@pytest.mark.parametrize("name", OWN)
def test_so_is_a_setup(new: New, name: str) -> None:
    """Each trial calls it by itself, whether its module does so when it is imported, or it when called."""
    code, why = OWN[name]
    for at, body in enumerate((f"{code}\ndef load(): return str(x)", in_function(code))):
        runner = new(modules=None, setup=f"data{at}:load")
        env = environment(runner) | {"HPO_SETUP": f"data{at}:load"}
        runner.script(f"data{at}.py", body)
        script = runner.script("use.py", "import hpo\nprint(hpo.setup_value())\n" + REPORT)
        ended = [
            runner(sys.executable, script, word, metric="loss", more_env=env, config={"lr": number})
            for number, word in enumerate("abc")
        ]
        assert len({one.log.replace("TRIAL", one.directory.name) for one in ended}) == 3
        (note,) = [note for one in ended for note in one.notes]
        assert note.startswith(f"each trial calls data{at}:load by itself, since that {why}")


def in_function(code: str) -> str:
    return "def load():\n" + "".join(f"    {line}\n" for line in code.splitlines()) + "    return str(x)\n"


CHANGES = {
    "signal handlers": (
        "import signal\nsignal.signal(signal.SIGTERM, lambda *a: None)",
        "signal.getsignal(15) == 0",
    ),
    "a timer": ("import signal\nsignal.setitimer(signal.ITIMER_VIRTUAL, 1000)", "signal.getitimer(1)[0] > 0"),
    "the working directory": ("import os\nos.chdir('/')", "os.getcwd()"),
    "the umask": ("import os\nos.umask(0o77)", "os.umask(0)"),
    "limits of the process": (
        "import resource as r\nr.setrlimit(r.RLIMIT_NOFILE, (500, r.getrlimit(r.RLIMIT_NOFILE)[1]))",
        "resource.getrlimit(resource.RLIMIT_NOFILE)[0]",
    ),
    "limits of the interpreter": ("import sys\nsys.setrecursionlimit(5000)", "sys.getrecursionlimit()"),
    "the precision of decimals": (
        "import decimal\ndecimal.getcontext().prec = 50",
        "decimal.getcontext().prec",
    ),
    "sys.path": ("import sys\nsys.path.insert(0, '/first')", "sys.path[0] == '/first'"),
    "hooks of sys": ("import sys\nsys.excepthook = print", "sys.excepthook"),
    "numpy's treatment of errors": ("import numpy\nnumpy.seterr(all='raise')", "numpy.geterr()['over']"),
    "multiprocessing's start method": (
        "import multiprocessing\nmultiprocessing.set_start_method('spawn')",
        "multiprocessing.get_start_method()",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_an_import_changes_in_the_whole_process_holds_where_it_is_imported_alone(
    new: New, what: str
) -> None:
    """In a trial that imports it, and in none that does not."""
    runner = new(modules=None)
    code, shown = CHANGES[what]
    env = environment(runner, reader=f"{code}\nx = 1")
    used = "import os, signal, sys, resource, decimal, multiprocessing, numpy\n"
    body = "if sys.argv[1:]: import reader\nprint({})\nif 'spawn' not in {!r}: pass\n"
    script = runner.script("use.py", used + REPORT + body.format(shown, code))
    words = [["x"], ["x"], []]
    warm = [trial(runner, script, *one, env=env) for one in words]
    runner.warm = False
    cold = [trial(runner, script, *one, env=env) for one in words]
    assert [one.log for one in warm] == [one.log for one in cold]
    assert cold[1].log != cold[2].log


SETS = "import os, sys\nif sys.argv[1:]: os.environ['READER_MODE'] = sys.argv[1]\n"


def test_a_variable_that_code_in_c_may_have_read_starts_a_trial_afresh(new: New) -> None:
    runner = new(modules=None)
    env, script = environment(runner, reader=C_GETENV), runner.script("use.py", SETS + USE + REPORT)
    seen = [trial(runner, script, *words, env=env).log for words in ([], [], ["slow"], ["quick"])]
    assert seen == ["None\n", "None\n", "b'slow'\n", "b'quick'\n"]


def test_a_module_that_is_imported_later_goes_by_what_is_set_by_then(new: New) -> None:
    runner = new(modules=None)
    part = "import os\nx = os.environ.get('READER_MODE')"
    env = environment(runner, reader____init__="x = 1", reader__part=part)
    code = f"import reader, hpo\n{SETS}import reader.part\nprint(reader.part.x)\n"
    script = runner.script("use.py", code + REPORT)
    assert [trial(runner, script, word, env=env).log for word in "aaba"] == ["a\n", "a\n", "b\n", "a\n"]


def test_a_variable_with_which_a_trial_begins_counts_too(new: New) -> None:
    runner = new(modules=None)
    env = environment(runner, reader="import os\nx = os.environ.get('READER_MODE')")
    script = runner.script("use.py", USE + REPORT)
    seen = [trial(runner, script, env=env | {"READER_MODE": word}).log for word in "aab"]
    assert seen == ["a\n", "a\n", "b\n"]


def test_a_variable_that_a_call_of_a_package_sets_starts_no_trial_afresh(new: New) -> None:
    """`seed_everything(args.seed)` sets one, before more is imported."""
    runner = new(modules=None)
    seeding = "import os\ndef seed(x): os.environ['READER_SEED'] = x\n"
    env = environment(runner, seeding=seeding, reader="x = 1")
    code = f"import seeding, sys\nseeding.seed(sys.argv[1])\n{USE}print(early)\n"
    ended = [trial(runner, runner.script("use.py", code + REPORT), word, env=env) for word in "abc"]
    assert [one.log for one in ended] == ["1\nFalse\n", "1\nTrue\n", "1\nTrue\n"]
    assert [note for one in ended for note in one.notes] == []


def test_variables_that_an_import_or_a_setup_sets_are_set_when_a_trial_comes_to_it(new: New) -> None:
    runner = new(modules=None, setup="data:load")
    inner = "import os\nos.environ.setdefault('READER_MODE', 'set')\n"
    env = environment(runner, inner=inner, reader="import inner\nx = 1") | {"HPO_SETUP": "data:load"}
    runner.script("data.py", "import os\ndef load():\n    os.environ['LOADED'] = 'yes'\n    return 1\n")
    show = "print(os.environ.get('READER_MODE'), os.environ.get('LOADED'), os.environb.get(b'READER_MODE'))\n"
    code = f"import os, hpo\n{show}{USE}{show}hpo.setup_value()\n{show}"
    script = runner.script("use.py", code + "print(early)\n" + REPORT)
    ended = [trial(runner, script, env=env) for _ in range(3)]
    seen = "None None None\n1\nset None b'set'\nset yes b'set'\n"
    assert [one.log for one in ended] == [f"{seen}{early}\n" for early in (False, True, True)]


DRAWN = {
    "a number": "import random\nx = random.random()",
    "numpy's": "import numpy\nx = numpy.random.uniform()",
    "one generator's": "import random\nx = random.Random().random()",
    "numpy's generator's": "import numpy\nx = numpy.random.default_rng().random()",
    "seeded by the clock": "import random, time\nr = random.Random(time.time())\nx = r.random()",
    "seeded by the number": "import os, random\nrandom.seed(os.getpid())\nx = random.random()",
}


@pytest.mark.parametrize("code", DRAWN.values(), ids=DRAWN)
def test_numbers_that_a_package_draws_when_it_is_imported_differ(new: New, code: str) -> None:
    runner = new(modules=None)
    env, script = environment(runner, reader=code), runner.script("use.py", USE + REPORT)
    ended = [trial(runner, script, env=env) for _ in range(3)]
    assert len({one.log for one in ended}) == 3
    (note,) = [note for one in ended for note in one.notes]
    assert note.startswith("reader is not preloaded: it ")
    assert "random numbers" in note


@pytest.mark.torch
def test_torch_s_numbers_differ_too(new: New) -> None:
    runner = new(modules=None)
    kept = "import torch\nx = torch.Generator()\nx.seed()\nfixed = torch.Generator()\n"
    env = environment(runner, drawing="import torch\nx = torch.rand(1)", reader=kept)
    code = "import sys, reader, drawing, torch\n"
    code += "print('reader' in sys.modules, *[torch.rand(1, generator=one).item()"
    code += " for one in (reader.x, torch.default_generator, reader.fixed)], drawing.x.item())\n"
    script = runner.script("use.py", code + REPORT)
    ended = [trial(runner, script, env=env) for _ in range(3)]
    kept_ones, own, fixed, drawn = list(zip(*(one.log.split() for one in ended), strict=True))[1:]
    assert [len(set(one)) for one in (kept_ones, own, fixed, drawn)] == [3, 3, 1, 3]
    notes = [note for one in ended for note in one.notes]
    assert notes == ["drawing is not preloaded: it draws random numbers when it is imported"]


def test_a_package_is_imported_with_what_the_one_that_imports_it_has_set(new: New) -> None:
    runner = new(modules=None)
    outer = "import os\nos.environ['READER_MODE'] = 'fast'\nimport reader\nx = reader.x\n"
    env = environment(runner, outer=outer, reader=C_GETENV)
    code = "import sys\nif sys.argv[1:]: import outer\nimport reader\nprint(reader.x)\n" + SAY_FORKED + REPORT
    script = runner.script("use.py", code)
    words = ["outer", "outer", "outer", ""]
    ended = [trial(runner, script, *filter(None, [word]), env=env) for word in words]
    assert [one.log for one in ended] == ["b'fast'\nTrue\n"] * 3 + ["None\nFalse\n"]
    notes = [note for one in ended for note in one.notes]
    assert [note.partition(": ")[2] for note in notes] == [
        "trial 4 sets READER_MODE to another value before it imports reader"
    ]


def test_a_trial_that_would_be_learnt_from_too_late_is_forked_all_the_same(new: New) -> None:
    first, second = new(modules=None), new(modules=None)
    second.settings, second.number = first.settings, 100
    env = environment(first, reader=C_GETENV)
    script = first.script("use.py", REPORT + "import reader\nprint(reader.x)\n" + SAY_FORKED)
    ended = [trial(one, str(first.folder / script), env=env) for one in (first, first, second, second)]
    assert [one.log for one in ended] == ["None\nTrue\n"] * 4


def test_what_goes_by_a_variable_of_a_package_that_is_left_out_is_left_out_too(new: New) -> None:
    runner = new(modules=None, setup="data:load")
    threaded = "import os, threading\nos.environ['READER_MODE'] = 'fast'\nimport reader\nx = reader.x\n"
    threaded += "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    parts = {"threaded": threaded, "reader": C_GETENV}
    env = environment(runner, **parts) | {"HPO_SETUP": "data:load"}
    runner.script("data.py", "def load(): return 1\n")
    script = runner.script("use.py", "import sys, threaded\nprint(threaded.x)\n" + SAY_FORKED + REPORT)
    ended = [trial(runner, script, env=env) for _ in range(3)]
    assert [one.log for one in ended] == ["b'fast'\nTrue\n"] * 3
    notes = [note for one in ended for note in one.notes]
    assert notes == ["threaded is not preloaded: it starts 1 thread when it is imported"]


def test_so_does_an_id_that_a_setup_s_module_has_of_its_own(new: New) -> None:
    runner = new(modules=None, setup="data:load")
    env = environment(runner) | {"HPO_SETUP": "data:load"}
    runner.script("data.py", "import uuid\nx = uuid.uuid4()\ndef load(): return x\n")
    script = runner.script("use.py", "import hpo\nprint(hpo.setup_value())\n" + REPORT)
    assert len({trial(runner, script, env=env).log for _ in range(3)}) == 3


def test_an_id_of_an_installed_package_has_no_setup_called_anew(new: New) -> None:
    runner = new(modules=None, setup="data:load")
    env = environment(runner, drawing="import uuid\nx = uuid.uuid4()") | {"HPO_SETUP": "data:load"}
    runner.script("data.py", "import drawing, os\ndef load(): return os.getpid()\n")
    script = runner.script("use.py", "import hpo, os\nprint(hpo.setup_value() == os.getpid())\n" + REPORT)
    assert [trial(runner, script, env=env).log for _ in range(2)] == ["False\n"] * 2


def test_times_and_process_numbers_that_a_package_keeps_are_the_trial_s(new: New) -> None:
    runner = new(modules=None)
    kept = "import datetime, os, time\na, b = time.time(), time.perf_counter()\nc = datetime.datetime.now()\n"
    env = environment(runner, reader=kept + "x = f'run-{os.getpid()}'\nd = time.time_ns()\ne = 57000\n")
    code = f"{USE}import datetime, os, time\nprint(early, time.time() - reader.a < 1, reader.e, "
    code += (
        "time.perf_counter() - reader.b < 1, datetime.datetime.now().timestamp() - reader.c.timestamp() < 1, "
    )
    code += "time.time_ns() - reader.d < 10 ** 9, reader.x == f'run-{os.getpid()}')\ntime.sleep(1.2)\n"
    script = runner.script("use.py", code + REPORT)
    seen = [trial(runner, script, env=env).log.splitlines()[1] for _ in range(3)]
    assert seen == [f"{early} True 57000 True True True True" for early in (False, True, True)]


@pytest.mark.parametrize("form", ["%Y%m%d-%H%M%S", "%Y-%m-%dT%H:%M:%SZ", "%H_%M_%S", "%d.%m.%Y %H:%M"])
def test_a_package_that_keeps_a_name_with_the_time_in_it_is_left_to_each_trial(new: New, form: str) -> None:
    runner = new(modules=["reader"])
    env = environment(runner, reader=f"import time\nx = time.strftime({form!r})")
    ended = [trial(runner, runner.script("use.py", USE + REPORT + "print(early)"), env=env) for _ in range(2)]
    assert [one.log.splitlines()[-1] for one in ended] == ["False"] * 2
    notes = [note for one in ended for note in one.notes]
    assert notes == ["reader is not preloaded: it keeps the time at which it is imported (reader)"]
