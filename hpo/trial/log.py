"""A trial's log: its processes write it, it is kept to a size that no disk minds, and read for its end."""

from __future__ import annotations

import contextlib
import os
import re

LIMIT = 64 * 2**20
"""Bytes that a log may have. Beyond them its head and its newest lines stay, and between them a line says
how much was cut: a script that prints without end must not fill the disk that all trials write to."""
HEAD = TAIL = LIMIT // 4
CHUNK = 2**20
SOON, LATER = 0.1, 1.0
"""Seconds between looks at the size: of a log that grows fast, and of any other."""
TAIL_BYTES = 2**15

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B])")
"""Colours, cursors, links (which rich ends otherwise than xterm) and character sets."""
_CUT = re.compile(rb"\nhpo: +([\d,]+) bytes were cut here")


class Log:
    """One attempt's log, open to be appended to by several processes; it may exist from attempts before."""

    def __init__(self, path: str, now: float) -> None:
        """Raises OSError where it cannot be opened. `now` is of time.monotonic."""
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        self._start = self._size = os.fstat(self.fd).st_size
        self._pause = SOON
        self.due = now + SOON
        """When to call `tick`."""

    def tick(self, now: float) -> None:
        """Look at its size, if it is time."""
        if now < self.due:
            return
        size = os.fstat(self.fd).st_size
        self._pause = SOON if size - self._size > LIMIT / 16 else min(2 * self._pause, LATER)
        self._size, self.due = size, now + self._pause
        self.trim()

    def trim(self) -> None:
        """Cut it where it is too long. What is printed in that very moment may be lost."""
        if os.fstat(self.fd).st_size > LIMIT:
            with contextlib.suppress(OSError):
                self._cut()
                self._size = os.fstat(self.fd).st_size

    def warn(self, text: str) -> None:
        """A line of ours."""
        with contextlib.suppress(OSError):
            os.write(self.fd, f"hpo: {text}\n".encode())

    def tail(self) -> list[str]:
        """This attempt's last lines; no colours, and of a progress bar its last state."""
        end = os.fstat(self.fd).st_size
        start = max(self._start, end - TAIL_BYTES)
        lines = _ANSI.sub("", os.pread(self.fd, end - start, start).decode(errors="replace")).split("\n")
        return [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in lines if line.strip()]

    def close(self) -> None:
        """Close it."""
        os.close(self.fd)

    def _cut(self) -> None:
        """Copy the end to behind the head: piece by piece, and at last what was printed meanwhile."""
        size = os.fstat(self.fd).st_size
        found = _CUT.match(os.pread(self.fd, 100, HEAD))
        before = int(found[1].replace(b",", b"")) if found else 0
        copy = os.open(f"/proc/self/fd/{self.fd}", os.O_WRONLY)  # without O_APPEND, even if it was removed
        try:
            start = at = HEAD + len(_mark(0))
            read = size - TAIL
            while read < size + TAIL and (chunk := os.pread(self.fd, CHUNK, read)):
                at += os.pwrite(copy, chunk, at)
                read += len(chunk)
            kept = HEAD + at - start
            os.pwrite(copy, _mark(os.fstat(self.fd).st_size - kept + before), HEAD)
            os.ftruncate(self.fd, at)
        finally:
            os.close(copy)
        self._start = self._start if self._start < HEAD else max(start, self._start - (read - at))


def _mark(cut: int) -> bytes:
    """The line that stands for what was cut; always of the same length."""
    return f"\nhpo: {cut:>19,} bytes were cut here; a log is kept to {LIMIT >> 20} MiB\n".encode()


def say(path: str, text: str) -> None:
    """A line of ours in a log that is closed."""
    with contextlib.suppress(OSError), open(path, "a") as log:
        log.write(f"hpo: {text}\n")
