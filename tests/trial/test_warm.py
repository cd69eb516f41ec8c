"""A trial forked from the warm parent behaves as one that `python script.py` starts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.trial.warm_runner import Runner


@pytest.fixture(scope="module")
def shared_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    runner = Runner(tmp_path_factory.mktemp("warm"))
    yield runner
    runner.supervisor.close(10)


@pytest.fixture
def runner(shared_runner: Runner) -> Runner:
    return shared_runner


SHOW = """
import json, os, signal, stat, sys, threading
main = sys.modules["__main__"]
print(json.dumps({
    "argv": sys.argv, "orig_argv": sys.orig_argv, "path": sys.path, "name": __name__, "cwd": os.getcwd(),
    "file": __file__, "main": {k: str(type(v)) for k, v in sorted(vars(main).items()) if k != "main"},
    "spec": str(main.__spec__ and main.__spec__.name), "package": __package__, "same": main.__dict__ is globals(),
    "env": {k: v for k, v in sorted(os.environ.items()) if not k.startswith(("HPO_", "WANDB_", "_"))},
    "flags": str(sys.flags), "executable": sys.executable, "prefix": sys.prefix, "umask": os.umask(0o22),
    "signals": {s.name: str(signal.getsignal(s)) for s in signal.valid_signals() if hasattr(s, "name")},
    "mask": [int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
    "threads": [t.name for t in threading.enumerate()], "main_thread": threading.current_thread().name,
    "leader": [os.getpid() == os.getsid(0), os.getpid() == os.getpgid(0)],
    "stdin": os.read(0, 1).decode(), "out": [sys.stdout.name, sys.stdout.encoding, sys.stdout.line_buffering],
    "err": [sys.stderr.name, sys.stderr.errors], "hooks": [str(sys.excepthook), str(sys.displayhook)],
    "fds": sorted(f"{n} {os.readlink('/proc/self/fd/' + n)}" for n in os.listdir("/proc/self/fd")
                  if os.path.exists("/proc/self/fd/" + n)),
    "native_threads": len(os.listdir("/proc/self/task")), "hpo": [m for m in sys.modules if m == "hpo.trial.fresh"],
}))
"""


def shown(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    found["fds"] = [re.sub(r"trial-\w+-\d+", "TRIAL", fd) for fd in found["fds"]]
    return found


@pytest.mark.parametrize(
    "words",
    [
        ["python", "show.py", "--lr=0.1", "x y"],
        ["/usr/bin/env", "python", "./deep/../show.py"],
        ["env", "EXTRA=1", "PATH_TO=x=y", "python", "-u", "-W", "ignore", "-X", "utf8", "deep/show.py"],
        ["python", "-O", "link.py"],
        ["python", "-um", "deep.show", "--lr=1"],
        ["python", "-m", "package"],
    ],
)
def test_a_script_finds_itself_and_the_world_as_usual(runner: Runner, words: list[str]) -> None:
    for name in ("show.py", "deep/show.py", "package/__main__.py", "package/__init__.py", "real/link.py"):
        runner.script(name, "" if name.endswith("__init__.py") else SHOW)
    if not (runner.folder / "link.py").exists():
        (runner.folder / "link.py").symlink_to("real/link.py")
    warm, cold = runner(*words), runner(*words, warm=False)
    assert shown(warm.log) == shown(cold.log)
    assert warm.end["state"] == "finished"


ENDS = {
    "a return": "print('x', end='')",
    "text without newline on both": "import sys; sys.stderr.write('e'); sys.stdout.write('o')",
    "an exception": "def f():\n    return 1 / 0\ntry:\n    f()\nexcept Exception as e:\n    raise KeyError('k') from e",
    "a group": "import sys\nif sys.version_info >= (3, 11):\n    raise ExceptionGroup('g', [ValueError(1)])",
    "exit": "import sys; sys.exit()",
    "exit 3": "import sys; sys.exit(3)",
    "exit 300": "import sys; sys.exit(300)",
    "exit with text": "import sys; sys.exit('no data')",
    "exit from a function": "exit(4)",
    "os._exit": "import os; print('lost?'); os._exit(5)",
    "Ctrl-C": "raise KeyboardInterrupt",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "abort": "import os; os.abort()",
    "bad syntax": "x = (1\nprint(",
    "excepthook": "import sys\nsys.excepthook = lambda *a: print('hook', a[0])\nraise ValueError",
    "atexit": "import atexit\nfor i in range(3): atexit.register(print, i)\nraise SystemExit(2)",
    "failing atexit": "import atexit\natexit.register(lambda: 1 / 0)",
    "an open file": "f = open('left.txt', 'w'); f.write('kept'); print('ok')",
    "a file in a list in a module": "import types, sys\nm = types.ModuleType('m')\nsys.modules['m'] = m\n"
    "m.files = [open('deep.txt', 'w')]\nm.files[0].write('kept')",
    "a destructor": "class A:\n    def __del__(self): print('gone')\na = A()\nb = A()\nb.me = b",
    "a thread": "import threading, time\nthreading.Thread(target=lambda: (time.sleep(.2), print('late'))).start()",
    "a thread that fails": "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='t')\nt.start()",
    "a daemon": "import threading, time\ndef f():\n    while True: time.sleep(.001); g()\ndef g(): pass\n"
    "threading.Thread(target=f, daemon=True).start(); time.sleep(.05)",
    "finalize": "import tempfile, os\nd = tempfile.TemporaryDirectory()\nimport atexit\n"
    "atexit.register(lambda p=d.name: print(os.path.exists(p)))",
    "a warning": "import warnings\nwarnings.warn('careful')",
    "recursion": "import sys\nsys.setrecursionlimit(60)\ndef f(): f()\ntry: f()\nexcept RecursionError: print('r')",
    "input": "try: input()\nexcept EOFError: print('eof')",
    "closed stdout": "import sys; sys.stdout.close()",
    "logging": "import logging\nlogging.basicConfig(level=20)\nlogging.info('here')",
    "a class to pickle": "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))).__module__)",
    "its own source": "import inspect\ndef f(): return 1\nprint(inspect.getsource(f))",
}


@pytest.mark.parametrize("name", ENDS)
def test_a_script_ends_as_usual(runner: Runner, name: str) -> None:
    script = runner.script("end.py", ENDS[name] + "\n")
    left = [runner.folder / "left.txt", runner.folder / "deep.txt"]
    found = []
    for warm in (True, False):
        for file in left:
            file.unlink(missing_ok=True)
        ended = runner("python", script, warm=warm, metric="")
        log = re.sub(r"0x[0-9a-f]+", "0x", ended.log)
        log = log.partition("hpo: it failed as a forked process")[0]
        kept = [file.read_text() if file.exists() else None for file in left]
        found.append((ended.end["state"], ended.end["exit_code"], ended.end["signal"], log, kept))
    assert found[0] == found[1]


PROGRAMS = {
    "multiprocessing": """
import multiprocessing as mp
def square(x): return x * x
if __name__ == "__main__":
    for kind in ("fork", "spawn", "forkserver"):
        with mp.get_context(kind).Pool(2) as pool:
            print(kind, pool.map(square, range(4)), mp.current_process().name, mp.parent_process())
""",
    "executors": """
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
def square(x): return x * x
if __name__ == "__main__":
    for kind in (ProcessPoolExecutor, ThreadPoolExecutor):
        with kind(2) as pool: print(list(pool.map(square, range(4))))
""",
    "a data loader": """
import torch
from torch.utils.data import DataLoader, Dataset
class Squares(Dataset):
    def __len__(self): return 8
    def __getitem__(self, i): return torch.tensor(i * i)
if __name__ == "__main__":
    for kind in ("fork", "spawn"):
        loader = DataLoader(Squares(), batch_size=4, num_workers=2, multiprocessing_context=kind)
        print(kind, [batch.tolist() for batch in loader])
""",
    "a subprocess": """
import subprocess, sys
print(subprocess.run([sys.executable, "-c", "print(__name__)"], capture_output=True, text=True).stdout)
""",
    "asyncio": """
import asyncio
async def main():
    process = await asyncio.create_subprocess_exec("true")
    print(await process.wait(), await asyncio.gather(asyncio.to_thread(lambda: 1)))
asyncio.run(main())
""",
    "seeded numbers": """
import random, numpy, torch
random.seed(1); numpy.random.seed(1); torch.manual_seed(1)
layer = torch.nn.Linear(64, 64)
x = torch.randn(256, 64)
for _ in range(3): x = torch.relu(layer(x))
print(random.random(), numpy.random.rand(), float(x.sum()), torch.get_num_threads())
a = numpy.random.rand(200, 200); print(float((a @ a).sum()))
""",
    "reports": """
import hpo
for i in range(5): hpo.report({"loss": i / 2, "lr": hpo.config()["lr"]})
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs_as_usual(runner: Runner, name: str) -> None:
    script = runner.script("program.py", PROGRAMS[name])
    metric = "loss" if "hpo" in PROGRAMS[name] else ""
    warm, cold = (runner("python", script, warm=warm, metric=metric) for warm in (True, False))
    assert warm.seen == cold.seen
    assert warm.end["state"] == "finished"


def test_unseeded_numbers_differ_from_trial_to_trial(runner: Runner) -> None:
    script = runner.script(
        "draw.py",
        "import random, numpy, torch, uuid\n"
        "print(random.random(), numpy.random.rand(), torch.rand(1).item(), uuid.uuid4())\n",
    )
    drawn = [runner("python", script).log.split() for _ in range(3)]
    assert all(len(set(column)) == 3 for column in zip(*drawn, strict=True))


def test_modules_are_there_at_once(runner: Runner) -> None:
    script = runner.script("imported.py", "import sys; print('torch' in sys.modules, 'numpy' in sys.modules)")
    assert runner("python", script).log == "True True\n"


def test_commands_that_are_no_python_run_as_plain_processes(runner: Runner) -> None:
    runner.script("imported.py", "import sys; print('torch' in sys.modules)")
    for words in (
        ["bash", "-c", "python imported.py"],
        ["python", "-c", "import sys; print('torch' in sys.modules)"],
    ):
        assert runner(*words).log == "False\n"


@pytest.mark.parametrize("warm", [True, False])
def test_torch_is_told_of_its_share_of_the_gpus_memory(runner: Runner, warm: bool) -> None:
    script = runner.script(
        "share.py",
        "import torch\n"
        "asked = []\n"
        "torch.cuda.set_per_process_memory_fraction = asked.append  # there is no GPU here\n"
        "for call, _ in torch.cuda._queued_calls: call() if 'limit_gpu' in str(call) else None\n"
        "print(asked, torch.cuda.is_initialized())\n",
    )
    env = {"HPO_GPU_MEMORY_FRACTION": "0.25"}
    assert runner("python", script, warm=warm, more_env=env).log == "[0.25] False\n"
    assert runner("python", script, warm=warm).log == "[] False\n"
