"""Python programs that a forked trial must run as a fresh process does."""

SHOW = """
import json, os, signal, stat, sys, threading
main = sys.modules["__main__"]
print(json.dumps({
    "argv": sys.argv, "orig_argv": sys.orig_argv, "path": sys.path, "name": __name__, "cwd": os.getcwd(),
    "file": __file__, "main": {k: str(type(v)) for k, v in sorted(vars(main).items()) if k != "main"},
    "spec": str(main.__spec__ and main.__spec__.name), "package": __package__,
    "same": main.__dict__ is globals(),
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
    "native_threads": len(os.listdir("/proc/self/task")),
    "hpo": [m for m in sys.modules if m == "hpo.trial.fresh"],
}))
"""

ENDS = {
    "a return": "print('x', end='')",
    "text without newline on both": "import sys; sys.stderr.write('e'); sys.stdout.write('o')",
    "an exception": "def f():\n    return 1 / 0\n"
    "try:\n    f()\nexcept Exception as e:\n    raise KeyError('k') from e",
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
    "a thread": "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(.2), print('late'))).start()",
    "a thread that fails": "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='t')\n"
    "t.start()",
    "a daemon": "import threading, time\ndef f():\n    while True: time.sleep(.001); g()\ndef g(): pass\n"
    "threading.Thread(target=f, daemon=True).start(); time.sleep(.05)",
    "finalize": "import tempfile, os\nd = tempfile.TemporaryDirectory()\nimport atexit\n"
    "atexit.register(lambda p=d.name: print(os.path.exists(p)))",
    "a warning": "import warnings\nwarnings.warn('careful')",
    "recursion": "import sys\nsys.setrecursionlimit(60)\n"
    "def f(): f()\ntry: f()\nexcept RecursionError: print('r')",
    "input": "try: input()\nexcept EOFError: print('eof')",
    "closed stdout": "import sys; sys.stdout.close()",
    "logging": "import logging\nlogging.basicConfig(level=20)\nlogging.info('here')",
    "a class to pickle": "import pickle\nclass A: pass\n"
    "print(type(pickle.loads(pickle.dumps(A()))).__module__)",
    "its own source": "import inspect\ndef f(): return 1\nprint(inspect.getsource(f))",
}

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
        workers = 2 if kind == "fork" else 1  # each that is spawned loads torch
        loader = DataLoader(Squares(), batch_size=4, num_workers=workers, multiprocessing_context=kind)
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
print("a limit of GPU memory:", "limit_gpu" in str(torch.cuda._queued_calls))
a = numpy.random.rand(200, 200); print(float((a @ a).sum()))
""",
    "reports": """
import hpo
for i in range(5): hpo.report({"loss": i / 2, "lr": hpo.config()["lr"]})
""",
}
