"""Names of modules → imported, each looked at afterwards: may this process still be forked?

Runs in the warm parent, in the user's own Python: nothing but the standard library, from 3.9 on.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import sysconfig
from collections.abc import Collection, Iterable, Iterator, Sequence

from hpo.trial.descriptions import unshareable
from hpo.trial.learning import Imports
from hpo.trial.own import Own

KNOWN_UNSAFE = {
    "ray": "its connections do not survive a fork",
    "grpc": "its threads do not survive a fork",
    "tensorflow": "its thread pools do not survive a fork",
    "jax": "it is multithreaded and warns of forks itself",
    "mpi4py": "MPI must start in the process that uses it",
    "horovod": "MPI must start in the process that uses it",
    "deepspeed": "it looks for GPUs when it is imported",
    "cupy": "it may start CUDA when it is imported",
    "pycuda": "it starts CUDA when it is imported",
    "pyspark": "its Java process does not survive a fork",
}
"""Top-level packages that are left to each trial, whatever a look at them finds, and why."""
DISPENSABLE = {b"jemalloc_bg_thd"}
"""Threads that nobody misses after a fork, by their names: that of the jemalloc in pyarrow gives memory back,
and jemalloc's own handler of forks sees to it that a child does without it."""
OWN = os.path.dirname(os.path.abspath(__file__))


class Unsafe(Exception):
    """Once this was imported the process may no longer be forked; `args`: names and reason.

    The last name is that of what did it; those before it import that one.
    """


def imported() -> list[str]:
    """The modules of this process that others may share: the standard library's and installed ones, in order.

    Modules of the user's own are left out: they may depend on the configuration, or change during a run.
    """
    homes = [os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib")]
    names = []
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if spec is None or name == "__main__" or spec.name != name:
            continue
        origin = spec.origin or ""
        installed = f"{os.sep}site-packages{os.sep}" in origin or f"{os.sep}dist-packages{os.sep}" in origin
        ours = origin.startswith(os.path.dirname(OWN) + os.sep)
        if installed or ours or origin in ("built-in", "frozen") or origin.startswith(tuple(homes)):
            names.append(name)
    return names


def preload(
    names: Sequence[str],
    *,
    learned: bool,
    without: Iterable[str],
    imports: Imports,
    own: Own,
) -> list[str]:
    """Import `names` in order, but numpy first; what could not be imported is returned as text.

    Learned names that do not import by themselves were made by some other module and are passed over. What
    numpy's generators are seeded with is only seen once numpy is there.

    Raises:
        Unsafe: A module did something that a fork cannot copy. The process is then of no use any more.
    """
    missing = []
    seen = set(unshareable())
    left_out = {**(KNOWN_UNSAFE if learned else {}), **dict.fromkeys(without, "")}
    first = [] if imports.sets else [*({"numpy.random"} & set(names))]
    with noted(imports) as nested:
        for at, name in enumerate([*first, *names]):
            top = name.partition(".")[0]
            if top in left_out or name in sys.modules:
                continue
            imports.importing(at)
            own.begin()
            try:
                importlib.import_module(name)
            except BaseException as error:  # a module may even call sys.exit
                if not learned:
                    missing.append(f"{name} ({type(error).__name__}: {error})")
            check(nested.tops or [top], seen)
            nested.tops = []  # they were gone again
            if found := own.imported():
                raise Unsafe([*dict.fromkeys([top, found[0] or top])], found[1])
    imports.over()
    return missing


@contextlib.contextmanager
def noted(imports: Imports) -> Iterator[_Nested]:
    """Inside, it is kept which packages are imported, and which variables these read."""
    with _Nested(imports) as nested, imports.noted():
        yield nested


class _Nested:
    """Stands first among Python's finders and finds nothing; sees what is imported as threads appear.

    So those who import the owner of the threads are known too, and not tried in vain.
    """

    def __init__(self, imports: Imports) -> None:
        self.imports = imports
        self.tops: list[str] = []

    def __enter__(self) -> _Nested:
        sys.meta_path.insert(0, self)
        return self

    def __exit__(self, *error: object) -> None:
        sys.meta_path.remove(self)

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """A module is looked for."""
        self.imports.nest(name.partition(".")[0])
        if not self.tops and threads() > 1 and _threads_after_fork() > 1:
            modules = list(sys.modules.items())
            begun = [n for n, m in modules if getattr(getattr(m, "__spec__", None), "_initializing", False)]
            self.tops = list(dict.fromkeys(one.partition(".")[0] for one in begun))


def check(names: list[str], before: Collection[str], when: str = "when it is imported") -> None:
    """Raise Unsafe where this process has threads, or anything that a fork cannot have for itself.

    `before` names what it had of that already.
    """
    found = {name: why for name, why in unshareable().items() if name not in before}
    if any(name.startswith("/dev/nvidia") for name in found) or _cuda_started():
        raise Unsafe(names, f"starts CUDA {when}")
    if found:
        raise Unsafe(names, f"{found[min(found)]} {when}")
    count = threads()
    if count > 1 and _threads_after_fork() > 1:
        raise Unsafe(names, f"starts {count - 1} thread{'s' if count > 2 else ''} {when}")


def threads() -> int:
    """Threads of this process that a fork would miss, also those that Python does not know."""
    try:
        found = os.listdir("/proc/self/task")
    except OSError:
        import threading

        return threading.active_count()
    return len(found) if len(found) == 1 else sum(not _is_dispensable(thread) for thread in found)


def _is_dispensable(thread: str) -> bool:
    try:
        with open(f"/proc/self/task/{thread}/comm", "rb") as file:
            return file.read().rstrip() in DISPENSABLE
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return True
    except OSError:
        return False


def _threads_after_fork() -> int:
    """Some libraries (OpenBLAS) end their threads for a fork and start them again when needed: try one."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return threads()


def _cuda_started() -> bool:
    cuda = sys.modules.get("torch.cuda")
    return bool(cuda is not None and cuda.is_initialized())
