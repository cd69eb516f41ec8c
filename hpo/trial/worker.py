"""The long-lived process of one slot that calls a function, or steps a class, for one trial after another.

Modules, their globals and loaded data stay; environment, working directory, log, arguments, signal handlers
and wandb's run are each trial's own. It is a child of the slot's supervisor (see hpo.trial.turn). They
talk over a socket, a JSON line a message:

    trial    {"env", "unset", "cwd"} and the log's descriptor -> {"over": exit code}
    stop     {"stop": true}: the running trial is to end

Nothing but the standard library, from Python 3.9 on: a class runs in the user's own interpreter.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # without signal's enumerations: a tenth of the time
import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Protocol

from hpo.trial import client
from hpo.trial.call import Function, attempt
from hpo.trial.environment import FUNCTION_FD
from hpo.trial.fresh import limit_gpu_memory
from hpo.trial.lines import Lines, pack
from hpo.trial.trainable import Trainable

CHUNK = 2**18
_C = ctypes.CDLL(None)


class Program(Protocol):
    """What runs trials."""

    @property
    def holds(self) -> bool:
        """Whether threads and processes belong to something that is kept for the next trial."""

    def prepare(self) -> None:
        """Import what runs it, before the user's own modules can be found."""

    def load(self) -> None:
        """Import it, once."""

    def __call__(self, config: dict[str, Any], stopping: Callable[[], bool]) -> None:
        """Run a trial."""

    def discard(self) -> None:
        """Let go of what is kept."""


class Orders:
    """The worker's end of the socket. One that is closed means: stop, and no more trials."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.set_inheritable(False)
        self._lines = Lines(limit=2**30)
        self._waiting: list[bytes] = []
        self._logs: list[int] = []
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def next(self) -> tuple[dict[str, Any], int] | None:
        """The next trial and its log's descriptor; None at the end. A stop that came too late is dropped."""
        while True:
            while self._waiting:
                order = json.loads(self._waiting.pop(0))
                if "env" in order:
                    return order, self._logs.pop(0)
            try:
                chunk, descriptors, _, _ = socket.recv_fds(self._socket, CHUNK, 4)
            except OSError:
                return None
            if not chunk:
                return None
            self._logs += descriptors
            self._waiting = self._lines.feed(chunk)

    def stopping(self) -> bool:
        """Whether the running trial is to end: nothing else is sent while it runs."""
        if self._waiting:
            return True
        ready = self._poll.poll(0)
        return bool(ready) and ready[0][1] != select.POLLNVAL  # that is: the trial has closed all descriptors

    def over(self, code: int) -> bool:
        """The trial has ended; whether that could be told, so that another one may come."""
        try:
            self._socket.sendall(pack({"over": code}))
        except OSError:
            return False
        return True


class _Environment:
    """os.environ, set for each trial from what it was at the start of this process."""

    def __init__(self) -> None:
        self._base = dict(os.environ)
        self._known, self._raw = self._base, self._as_bytes()

    def set(self, changed: Mapping[str, str], unset: Iterable[str]) -> None:
        """For a trial: the first environment, with changes."""
        wanted = {**self._base, **changed}
        for name in unset:
            wanted.pop(name, None)
        known = self._known if self._raw == self._as_bytes() else dict(os.environ)
        for name in known.keys() - wanted.keys():
            del os.environ[name]
        for name, value in wanted.items():
            if known.get(name) != value:
                os.environ[name] = value
        self._known, self._raw = wanted, self._as_bytes()

    def _as_bytes(self) -> dict[bytes, bytes]:
        """What it holds inside, which is compared fifty times as fast."""
        return dict(os.environ._data)  # type: ignore[attr-defined]


class Setting:
    """What is put back for each trial, as this process had it at its start."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._environment = _Environment()
        self._streams = sys.stdout, sys.stderr
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._handlers = [(int(number), _signal.getsignal(number)) for number in signal.valid_signals()]

    def begin(self, order: dict[str, Any], log: int) -> None:
        """The setting of a new trial. OSError where its working directory is gone."""
        self.flush()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        self._environment.set(order["env"], order["unset"])
        sys.argv = [self._name]
        os.chdir(order["cwd"])

    def end(self) -> None:
        """Take back what the trial has changed, as far as it acts by itself."""
        self.flush()
        sys.stdout, sys.stderr = self._streams = tuple(map(_reopened, self._streams, (1, 2)))
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._handlers:
            if _signal.getsignal(number) is not handler and handler is not None:
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def flush(self) -> None:
        """Everything printed so far into the log of now, C's output too."""
        for stream in (sys.stdout, sys.stderr, *self._streams):
            with contextlib.suppress(Exception):
                stream.flush()
        _C.fflush(None)


class Worker:
    """Runs trials until the supervisor closes the socket, or one leaves something running behind."""

    def __init__(self, orders: Orders, program: Program, name: str) -> None:
        self.orders, self.program = orders, program
        self._setting = Setting(name)
        self._pid = os.getpid()
        self._limited = False
        self._left_over: set[threading.Thread] = set()

    def run(self) -> int:
        """The exit code of this process.

        A trial that leaves behind what Python would wait for, or end, at its exit has this process exit as it
        would have by itself; the supervisor then starts another one.
        """
        while (got := self.orders.next()) is not None:
            of_function = isinstance(self.program, Function)
            client.begin(*((self._admit, self._check) if of_function else ()))
            code = attempt(partial(self._trial, *got))
            if os.getpid() != self._pid or self._leaves_something(code):
                return code  # in a child that the function has forked, and that returned from it, too
            attempt(partial(client.end, code))
            self._setting.end()
            self._left_over = _other_threads() if threading.active_count() > 1 else set()
            if not self.orders.over(code):
                self.program.discard()
                return code
        self.program.discard()
        return 0

    def _trial(self, order: dict[str, Any], log: int) -> None:
        self._setting.begin(order, log)
        self.program.load()
        if not self._limited and "torch.cuda" in sys.modules:
            self._limited = True
            limit_gpu_memory(os.environ)
        if not self.orders.stopping():
            self.program(client.configuration(), self.orders.stopping)

    def _leaves_something(self, code: int) -> bool:
        if self.program.holds:  # it may serve the next trial
            return False
        return _waited_for() or ((code != 0 or self.orders.stopping()) and _has_children())

    def _admit(self) -> None:
        """A thread that an earlier trial has left must not report into this one."""
        if self._left_over and threading.current_thread() in self._left_over:
            print("hpo: a thread of an earlier trial reported; it is ended", file=sys.stderr)
            raise SystemExit

    def _check(self) -> None:
        """End a function once it is to stop, by what threads take quietly."""
        if self.orders.stopping():
            raise SystemExit


def _reopened(stream: Any, descriptor: int) -> Any:
    """The stream, or another one in its place where the user has closed it."""
    if stream is not None and not stream.closed:
        return stream
    return open(descriptor, "w", buffering=1, closefd=False, errors="backslashreplace")


def _pool_threads() -> Any:
    """Threads of concurrent.futures, which wait for work and which Python ends at its exit."""
    futures = sys.modules.get("concurrent.futures.thread")
    return getattr(futures, "_threads_queues", ())


def _other_threads() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t is not threading.main_thread() and t not in _pool_threads()}


def _waited_for() -> bool:
    """Whether something runs that Python waits for at its exit, or a process that nobody refers to."""
    if threading.active_count() > 1 and any(not thread.daemon for thread in _other_threads()):
        return True
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None and any(not child.daemon for child in processes.active_children()):
        return True
    if getattr(subprocess, "_active", None):
        subprocess._cleanup()  # type: ignore[attr-defined]
        return bool(subprocess._active)  # type: ignore[attr-defined]
    return False


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except (AttributeError, ChildProcessError):  # macOS has it since Python 3.13
        return False
    return True


def main(descriptor: int, target: str) -> int:
    """Serve the supervisor at the other end of `descriptor` with the class `target` or the function."""
    orders = Orders(descriptor)
    program: Program = Trainable(target) if target else Function(int(os.environ.pop(FUNCTION_FD)))
    program.prepare()
    sys.path.insert(0, os.getcwd())  # only now: a tempfile.py in there is not what hpo itself needs
    return Worker(orders, program, target or "hpo").run()
