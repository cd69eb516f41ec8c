"""A process just forked from the warm parent → one that has what `python script.py` would have, and its end.

Nothing but the standard library, from Python 3.9 on: the user's own interpreter runs this.
"""

from __future__ import annotations

import _io
import atexit
import contextlib
import ctypes
import gc
import io
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from types import CodeType, ModuleType
from typing import Any, NoReturn

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_wakeups: list[int] = []
Guard = Callable[[], contextlib.AbstractContextManager[Any]]
PYTHON_SIGNALS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGPIPE: signal.SIG_IGN,
}
"""Signals that a fresh Python does not leave to the system."""


def signals_as_bytes() -> socket.socket:
    """A socket that receives a byte for each SIGCHLD and SIGTERM; a terminal's Ctrl-C is left to others."""
    receiver, sender = socket.socketpair()
    receiver.setblocking(False)
    sender.setblocking(False)
    _wakeups.append(sender.detach())
    signal.set_wakeup_fd(_wakeups[-1], warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return receiver


def reset_signals() -> None:
    """In a fork: signals as a fresh Python has them."""
    signal.set_wakeup_fd(-1)
    while _wakeups:
        os.close(_wakeups.pop())
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    for number, handler in PYTHON_SIGNALS.items():
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def die_with(parent: int) -> None:
    """In a fork: the parent's death kills this process (Linux)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of descendants' orphans (Linux), to reap them."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def enter(request: Mapping[str, Any]) -> None:
    """Take the environment and the working directory of the trial of `request`."""
    env = request["env"]
    for name in os.environ.keys() - env.keys():
        del os.environ[name]
    for name, value in env.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    os.chdir(request["cwd"])
    sys.orig_argv = request["words"]


def run(
    request: Mapping[str, Any],
    code: CodeType | None,
    preloaded: frozenset[str],
    guarded: Guard = contextlib.nullcontext,
) -> NoReturn:
    """Be the trial of `request`, which was entered, to its end; signals and descriptors are seen to.

    What is registered to be done at exit is done inside `guarded`.
    """
    begin = getattr(sys.modules.get("hpo.trial.client"), "begin", None)
    if begin is not None:
        begin()
    elif "_hpo_writes" in sys.modules:
        sys.modules["_hpo_writes"].writes.begin()
    limit_gpu_memory(request["env"])
    status = _main(request, code)
    _leave(status, preloaded, guarded)


def _main(request: Mapping[str, Any], code: CodeType | None) -> int:
    """Run the program; its exit code, after all that Python prints of an exception."""
    try:
        if request["module"]:
            _run_module(request)
        else:
            _run_script(request, code)
    except SystemExit as error:
        return _exit_code(error)
    except BaseException:
        return _uncaught()
    return 0


def _run_script(request: Mapping[str, Any], code: CodeType | None) -> None:
    path = request["target"]
    full = os.path.join(request["cwd"], path)
    sys.argv = [path, *request["arguments"]]
    if not _safe_path():
        sys.path.insert(0, os.path.dirname(os.path.realpath(full)))
    main = _fresh_main()
    main.__file__ = full
    vars(main)["__cached__"] = None
    from importlib.machinery import SourceFileLoader

    main.__loader__ = SourceFileLoader("__main__", full)
    exec(code if code is not None else compiled(full), vars(main))  # noqa: S102 - it is the job


def _run_module(request: Mapping[str, Any]) -> None:
    sys.argv = ["-m", *request["arguments"]]
    if not _safe_path():
        sys.path.insert(0, os.getcwd())
    _fresh_main()
    import runpy

    runpy._run_module_as_main(request["target"])  # type: ignore[attr-defined]  # what `python -m` calls


def compiled(path: str) -> CodeType:
    """A script's code object. Raises SyntaxError, OSError."""
    with io.open_code(path) as file:
        return compile(file.read(), path, "exec", dont_inherit=True)


def _fresh_main() -> ModuleType:
    import builtins

    main = ModuleType("__main__")
    vars(main).update({"__builtins__": builtins, "__annotations__": {}})
    sys.modules["__main__"] = main
    return main


def _safe_path() -> bool:
    return bool(getattr(sys.flags, "safe_path", False) or sys.flags.isolated)


def limit_gpu_memory(env: Mapping[str, str]) -> None:
    """Let torch, where it is loaded, take no more than HPO_GPU_MEMORY_FRACTION of a GPU's memory.

    The limit waits for CUDA to be started by the script itself.
    """
    fraction = env.get("HPO_GPU_MEMORY_FRACTION")
    cuda = sys.modules.get("torch.cuda")
    if fraction and cuda is not None:
        cuda._lazy_call(lambda: cuda.set_per_process_memory_fraction(float(fraction)))


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def _uncaught() -> int:
    """Print the exception as Python does, without the frames that lie above the script's own."""
    kind, error, trace = sys.exc_info()
    assert kind is not None
    assert error is not None
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    error.__traceback__ = trace
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, trace
    with contextlib.suppress(BaseException):  # a hook of the user's that fails has nobody left to tell
        sys.excepthook(kind, error, trace)
    return -signal.SIGINT if issubclass(kind, KeyboardInterrupt) else 1


def _leave(status: int, preloaded: frozenset[str], guarded: Guard) -> NoReturn:
    """End as Python does: threads, atexit, destructors, files; what the parent shares is not torn down."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
    except BaseException:
        _uncaught()
    with guarded():
        atexit._run_exitfuncs()
    if not _flushed() and status == 0:
        status = 120  # as Python has it
    if threading.active_count() == 1:  # a daemon thread would stumble over names that are gone
        main = sys.modules.get("__main__")
        for name in [name for name in sys.modules if name not in preloaded]:
            del sys.modules[name]  # one that others still refer to lives on, as in Python's own end
        if isinstance(main, ModuleType):
            vars(main).clear()
        del main
        gc.collect()
    for file in gc.get_objects():
        if issubclass(type(file), _io._IOBase):  # io.IOBase asks its subclasses one by one
            _flush(file)
    _flushed()
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _flushed() -> bool:
    flushed = [_flush(file) for file in (sys.stdout, sys.stderr)]
    return all(flushed)


def _flush(file: Any) -> bool:
    try:
        if file is not None and not file.closed:
            file.flush()
    except Exception:
        return False
    return True
