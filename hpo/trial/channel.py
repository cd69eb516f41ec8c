"""What a trial's processes write into a local socket → messages, each a JSON object a line."""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any

from hpo.trial.lines import LIMIT, Lines, unpack

CHUNK = 2**18
HASTE, PAUSE = 8, 0.001
"""After so many reads that came less than so many seconds after the one before, rows are left to gather for
that long: a sender that has to wake a reader for each row takes twice the time for it."""
PATH_LIMIT = 100
"""Bytes of a socket's path; Linux allows 107, macOS 103."""


class Channel:
    """The supervisor's side of a trial's channel; `receive` gets each message, in order within a connection.

    Any number of the trial's processes may connect. What is no JSON object is dropped, with a first warning.
    """

    def __init__(
        self,
        path: str,
        selector: selectors.BaseSelector,
        receive: Callable[[dict[str, Any]], None],
        warn: Callable[[str], None],
        limit: int = LIMIT,
    ) -> None:
        self.path, self.selector, self.receive, self.warn, self.limit = path, selector, receive, warn, limit
        self._connections: dict[socket.socket, Lines] = {}
        self._speaking: socket.socket | None = None
        """Whose message is being received."""
        self._counted: set[socket.socket] = set()
        self._warned: set[str] = set()
        self._read_at, self._haste = 0.0, 0
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.setblocking(False)
        self._listener.bind(path)
        self._listener.listen(128)
        selector.register(self._listener, selectors.EVENT_READ, self.accept)

    @property
    def drained(self) -> bool:
        """Whether every process that connected has closed its end and all of it was read."""
        return not self._connections

    def beside(self) -> bool:
        """Note, while a message is received, that its sender brings results; whether another one does, too.

        That is one that still lives, and not the one before: they may well follow each other.
        """
        if self._speaking is not None:
            self._counted.add(self._speaking)
        return any(one is not self._speaking and _is_open(one) for one in self._counted)

    def accept(self) -> None:
        """Take in all processes that wait to be connected."""
        with contextlib.suppress(OSError):  # none is left, or it has gone again
            while True:
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                self._connections[connection] = Lines(self.limit)
                self.selector.register(connection, selectors.EVENT_READ, lambda c=connection: self._read(c))

    def close(self) -> None:
        """Close everything and remove the socket from the file system; what is unread is lost."""
        for connection in list(self._connections):
            self._drop(connection)
        self.selector.unregister(self._listener)
        self._listener.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)

    def _read(self, connection: socket.socket) -> None:
        try:
            chunk = connection.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        self._speaking, lines = connection, self._connections[connection]
        dropped = lines.dropped
        for line in lines.feed(chunk) if chunk else [lines.rest()]:
            self._message(line, torn=not chunk)
        if lines.dropped > dropped:
            self._warn_once(f"a reported row of more than {self.limit} bytes was dropped")
        if chunk:
            self._gather()
        else:
            self._drop(connection)

    def _gather(self) -> None:
        now = time.monotonic()
        self._haste = self._haste + 1 if now - self._read_at < 2 * PAUSE else 0
        if self._haste >= HASTE:
            time.sleep(PAUSE)
        self._read_at = now

    def _message(self, line: bytes, torn: bool) -> None:
        message = unpack(line) if line.strip() else None
        if message is not None:
            self.receive(message)
        elif line.strip() and not torn:  # the last line of a killed process may be half a line
            self._warn_once("a report that is no JSON object was dropped")

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self.warn(text)

    def _drop(self, connection: socket.socket) -> None:
        self.selector.unregister(connection)
        del self._connections[connection]
        self._counted.discard(connection)
        connection.close()


def _is_open(connection: socket.socket) -> bool:
    """Whether the other end is still held, by a process that lives, whatever of it is unread."""
    poll = select.poll()
    poll.register(connection, 0)
    return not poll.poll(0)  # POLLHUP and POLLERR are always told


def private_directory() -> str:
    """A new directory that only this user can enter, with a path short enough for sockets in it."""
    for parent in (os.environ.get("TMPDIR", ""), "/tmp", "/var/tmp", "/dev/shm"):  # noqa: S108 (mode 0700)
        path = os.path.join(parent, f"hpo-{os.urandom(6).hex()}")
        if parent and len(os.fsencode(path)) < PATH_LIMIT - 20:
            with contextlib.suppress(OSError):
                os.mkdir(path, 0o700)
                return path
    raise OSError("no temporary directory can be made in $TMPDIR, /tmp, /var/tmp or /dev/shm")
