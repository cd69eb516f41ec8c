"""Starts supervisors, and is the slot's side of one: TrialSpecs in, events out."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any

from hpo.trial.farewell import clear
from hpo.trial.lines import Lines, pack, unpack
from hpo.trial.presence import remove
from hpo.trial.spec import TrialSpec

ROOT = str(Path(__file__).resolve().parents[2])
"""Where `import hpo` finds this package; a supervisor runs without site-packages, and starts faster so."""


class SupervisorDied(Exception):
    """The supervisor is gone, and its trial with it; not the trial's fault."""


def spawn(presence: str = "") -> Supervisor:
    """A new supervisor, detached from this process: it outlives it just long enough to end its trial.

    `presence` is the file that is there as long as it may run one.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        launcher = subprocess.Popen(
            [sys.executable, "-S", "-m", "hpo.trial.supervisor", str(theirs.fileno()), presence],
            env={**os.environ, "PYTHONPATH": ROOT},
            cwd="/",  # holds no directory of the user's, and no json.py of theirs is imported
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
        )
    return Supervisor(ours, launcher, presence)


class Supervisor:
    """A supervisor as its slot sees it. One thread may wait in `events` while others start and stop."""

    def __init__(
        self, connection: socket.socket, launcher: subprocess.Popen[bytes], presence: str = ""
    ) -> None:
        self._socket, self._launcher, self._presence = connection, launcher, presence
        self._sending, self._receiving = threading.Lock(), threading.Lock()
        self._lines = Lines(limit=2**30)
        self._dead = False
        self._directory: str | None = None
        self._trials: dict[int, str] = {}
        """Directories of those that it has not yet said to have ended."""
        self._function: tuple[bytes, IO[bytes]] | None = None

    def fileno(self) -> int:
        """Readable when there are events, for a selector."""
        return self._socket.fileno()

    def alive(self) -> bool:
        """Whether it still runs, as far as is known without waiting."""
        if not self._dead and self._receiving.acquire(blocking=False):
            try:
                peek = socket.MSG_PEEK | socket.MSG_DONTWAIT
                self._dead = self._socket.recv(1, peek) == b""
            except BlockingIOError:
                pass
            except OSError:
                self._dead = True
            finally:
                self._receiving.release()
        return not self._dead

    def start(self, spec: TrialSpec, function: bytes | None = None) -> None:
        """Start a trial once those before have ended. `function` is what cloudpickle.dumps gave.

        Trials of one and the same function share a process; another one must wait for their end.
        """
        self._launcher.poll()  # it has long handed over to the supervisor; leaves no zombie
        message = pack({"do": "start", "trial": spec.to_dict()})
        self._trials[spec.number] = spec.directory
        fds = []
        if function is not None and (self._function is None or self._function[0] is not function):
            self._function = (function, _nameless(function))
            fds = [self._function[1].fileno()]
        try:
            with self._sending:
                sent = socket.send_fds(self._socket, [message], fds)
                self._socket.sendall(message[sent:])
        except OSError as error:
            self._dead = True
            raise SupervisorDied(f"the supervisor is gone: {error}") from error

    def stop(self, reason: str, number: int | None = None) -> None:
        """End trial `number`, or the running one, as "stopped" or "interrupted"; else nothing happens."""
        with self._sending, contextlib.suppress(OSError):
            self._socket.sendall(pack({"do": "stop", "reason": reason, "trial": number}))

    def events(self, timeout: float | None = None, wake: int | None = None) -> list[dict[str, Any]]:
        """The events since the last call; waits for one, `timeout` seconds at most.

        It waits no longer once the descriptor `wake` can be read.

        Raises:
            SupervisorDied: it is gone, and all that it told has been returned before.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._receiving:
            while True:
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                if not self._readable(left, wake):
                    return []
                found = [event for line in self._receive() if (event := self._known(unpack(line)))]
                if found:
                    return found

    def close(self, timeout: float = 0.0) -> None:
        """Let it end its trial and itself; waits for that `timeout` seconds at most."""
        deadline = time.monotonic() + timeout
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(SupervisorDied):
            while (left := deadline - time.monotonic()) > 0:
                self.events(left)
        self._launcher.poll()
        if self._receiving.acquire(blocking=False):
            self._dead = True
            self._socket.close()
            self._receiving.release()
        if self._function:
            self._function[1].close()

    def _readable(self, timeout: float | None, wake: int | None) -> bool:
        if self._socket.fileno() < 0:
            raise SupervisorDied("the supervisor was closed")
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            if wake is not None:
                selector.register(wake, selectors.EVENT_READ)
            return any(key.fileobj is self._socket for key, _ in selector.select(timeout))

    def _receive(self) -> list[bytes]:
        try:
            chunk = self._socket.recv(2**18)
        except OSError:
            chunk = b""
        if not chunk:
            self._dead = True
            self._clean_up()
            raise SupervisorDied("the supervisor ended unexpectedly")
        return self._lines.feed(chunk)

    def _known(self, event: dict[str, Any] | None) -> dict[str, Any] | None:
        """Keep what is needed should it die; the rest is for the caller."""
        kind = event and event.get("event")
        if event and kind == "ready":
            self._directory = event["directory"]
            return None
        if event and kind in ("end", "lost"):
            self._trials.pop(event["trial"], None)
        return event

    def _clean_up(self) -> None:
        """A killed supervisor could not end its trial nor remove its directory: return once both are gone."""
        if self._directory is not None:
            clear(self._directory, self._trials.values())
        remove(self._presence)


def _nameless(content: bytes) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as its owner)
    file.write(content)
    file.flush()
    return file
