"""The supervisor's side of its node's warm parent (hpo.trial.forkserver): starts it, has it fork trials."""

from __future__ import annotations

import binascii
import contextlib
import fcntl
import json
import os
import selectors
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from hpo.trial.environment import OURS, SETUP, WANDB
from hpo.trial.forked import ForkedProcess
from hpo.trial.interpreter import PythonCall
from hpo.trial.lines import Lines, pack
from hpo.trial.spec import WarmStart

BOOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "boot.py")
START = 30.0
"""Seconds for a bare Python to start and listen."""
QUEUED = 2**14
"""Bytes of a request that wait for a warm parent that imports or sets up; larger ones go in a file."""
DEATHS = 3
"""Trials lost with a warm parent after which this slot has none any more."""


class NoWarmParent(Exception):
    """None could be started or reached; the message says why."""


@dataclass
class WarmParent:
    """One supervisor's view of the node's warm parent; `note` takes what the user should know."""

    settings: WarmStart
    selector: selectors.BaseSelector
    note: Callable[[str], None]
    off: bool = False
    deaths: int = 0
    started: set[int] = field(default_factory=set)
    """Processes that this supervisor has started for all slots."""
    _interpreter: tuple[str, ...] = ()
    _membership: socket.socket | None = None
    _launcher: subprocess.Popen[bytes] | None = None

    def fork(
        self,
        call: PythonCall,
        env: Mapping[str, str],
        cwd: str,
        log: int,
        over: Callable[[int], None],
        lost: Callable[[str], None],
    ) -> ForkedProcess:
        """Ask for a trial's process. Raises NoWarmParent."""
        request = {
            "words": call.words,
            "target": call.target,
            "module": call.module,
            "arguments": call.arguments,
            "env": {**env, **call.env},
            "cwd": cwd,
        }
        try:
            self._join(call, env, cwd)
            link = self._send(request, [log])
        except NoWarmParent:  # it may have ended since: once more
            self._join(call, env, cwd)
            link = self._send(request, [log])
        return ForkedProcess(link, self.selector, over, lost)

    def learn(self, modules: list[str], sets: list[Any]) -> None:
        """Tell it what a trial has imported, and which variables it had set; it heeds the first to say so."""
        if self.settings.modules is None and self._membership is not None:
            with contextlib.suppress(NoWarmParent):
                self._send({"learn": modules, "sets": sets}, []).close()

    def lost(self, reason: str) -> None:
        """A trial was lost with it; after some of those this slot goes on without."""
        self.deaths += 1
        if self.deaths >= DEATHS and not self.off:
            self.give_up(f"{reason} {DEATHS} times")

    def give_up(self, reason: str) -> None:
        """From here on trials start as plain processes, and the user is told."""
        self.off = True
        self.note(f"trials start without preloading from here on: {reason}")
        self.close()

    def close(self) -> None:
        """Leave it; the last to leave ends it."""
        if self._membership is not None:
            self.selector.unregister(self._membership)
            self._membership.close()
            self._membership = None
            with contextlib.suppress(OSError):
                os.rmdir(self.settings.directory)

    def _path(self) -> str:
        name = f"{binascii.crc32(os.fsencode(chr(0).join(self._interpreter))):08x}"
        return os.path.join(self.settings.directory, name)

    def _send(self, request: Mapping[str, Any], descriptors: list[int]) -> socket.socket:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(START)
        try:
            link.connect(self._path())
            data = pack(request)
            with contextlib.ExitStack() as stack:
                if len(data) > QUEUED and (body := self._file(data)):
                    stack.enter_context(body)
                    data = pack({"body": len(descriptors)})
                    descriptors = [*descriptors, body.fileno()]
                sent = socket.send_fds(link, [data], descriptors)
            link.sendall(data[sent:])
        except OSError as error:
            link.close()
            self._left()
            raise NoWarmParent(str(error)) from error
        link.setblocking(False)
        return link

    def _file(self, data: bytes) -> BinaryIO | None:
        """A file without a name that holds data, to be read from its beginning; None where none fits."""
        path = os.path.join(self.settings.directory, os.urandom(6).hex())
        try:
            with open(path, "x+b", buffering=0) as file:
                os.unlink(path)
                if file.write(data) < len(data):
                    return None
                file.seek(0)
                return os.fdopen(os.dup(file.fileno()), "rb")
        except OSError:
            return None

    def _join(self, call: PythonCall, env: Mapping[str, str], cwd: str) -> None:
        """Be a member of the warm parent of this interpreter; where there is none, start it."""
        if self._membership is not None and self._interpreter == call.interpreter:
            return
        self.close()
        self._interpreter = call.interpreter
        try:
            _private(self.settings.directory)
            deadline = time.monotonic() + START
            while not (self._enter() or self._start(call, env, cwd)):
                if time.monotonic() > deadline:
                    raise NoWarmParent(f"the process that forks trials does not answer on {self._path()}")
                time.sleep(0.01)  # another slot is starting it
        except OSError as error:
            raise NoWarmParent(str(error)) from error

    def _enter(self) -> bool:
        member = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            member.connect(self._path() + ".roll")
        except OSError:
            member.close()
            return False
        self._belong(member)
        return True

    def _start(self, call: PythonCall, env: Mapping[str, str], cwd: str) -> bool:
        """Start it, unless another slot holds the lock, which the warm parent then keeps."""
        with open(self._path() + ".lock", "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
            for stale in (self._path(), self._path() + ".roll"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(stale)
            ours, theirs = socket.socketpair()
            lock_number = lock.fileno()
            with theirs, open(self.settings.log, "a") as printed:
                words = [*call.interpreter, BOOT, str(theirs.fileno()), call.target]
                inherited = {k: v for k, v in env.items() if k not in {*OURS, *WANDB} - {SETUP}}
                given = {**inherited, **call.env}
                self._launcher = subprocess.Popen(
                    words,
                    env=given,
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=printed,
                    start_new_session=True,
                    pass_fds=(theirs.fileno(), lock.fileno()),
                )
        self.started.add(self._launcher.pid)
        ours.sendall(pack({**self._order(call, cwd), "lock": lock_number, "environment": given}))
        ours.settimeout(START)
        if not ours.recv(1, socket.MSG_PEEK):
            raise NoWarmParent(f"{words[0]} did not start (Python 3.9 or newer is needed)")
        self._belong(ours)
        return True

    def _order(self, call: PythonCall, cwd: str) -> dict[str, Any]:
        script = os.path.join(cwd, call.target)
        folder = cwd if call.module else os.path.dirname(os.path.realpath(script))
        settings = self.settings
        return {
            "socket": self._path(),
            "log": settings.log,
            "target": call.target,
            "folder": folder,
            "modules": settings.modules,
            "learned": settings.modules is None,
            "setup": settings.setup,
            "without": [],
            "sets": [],
        }

    def _belong(self, member: socket.socket) -> None:
        self._membership = member
        member.setblocking(False)
        lines = Lines()
        self.selector.register(member, selectors.EVENT_READ, lambda: self._hear(member, lines))

    def _hear(self, member: socket.socket, lines: Lines) -> None:
        try:
            chunk = member.recv(2**16)
        except OSError:
            chunk = b""
        for line in lines.feed(chunk):
            text = json.loads(line)["note"]
            if text:
                self.note(text)
        if not chunk:
            self._left()

    def _left(self) -> None:
        """It is gone; the next trial starts another."""
        self.close()
        if self._launcher is not None:
            self._launcher.poll()


def _private(directory: str) -> None:
    """Make a directory that only this user can enter; raises OSError where someone else's is in its place."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, 0o700)
    found = os.lstat(directory)
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{directory} is not this user's own")


def warm_directory() -> str:
    """The name of a directory that no other run has, short enough for sockets in it."""
    import tempfile  # the driver asks, and not a supervisor

    parent = tempfile.gettempdir()
    parent = parent if len(os.fsencode(parent)) < 60 else "/tmp"  # noqa: S108 (made with mode 0700)
    return os.path.join(parent, f"hpo-warm-{os.urandom(6).hex()}")
