"""TCP connections of another process, cut as a failing network cuts them."""

from __future__ import annotations

import ctypes
import os
import socket
from contextlib import suppress
from pathlib import Path

_PIDFD_GETFD = 438
_LIBC = ctypes.CDLL(None, use_errno=True)


def cut(pid: int, peer: int) -> int:
    """Cut all TCP connections between two processes of this machine; how many there were.

    Through a copy of the descriptor: what `ss -K` does needs a kernel that was built for it.
    """
    ends = _inodes(peer)
    ours = _table()
    theirs = {_reversed(ours[inode]) for inode in ends if inode in ours}
    found = 0
    for descriptor, inode in _descriptors(pid):
        if ours.get(inode) in theirs:
            found += _shut(pid, descriptor)
    return found


def _shut(pid: int, descriptor: int) -> bool:
    process = os.pidfd_open(pid)
    try:
        copy = _LIBC.syscall(_PIDFD_GETFD, process, descriptor, 0)
        if copy < 0:
            return False
        with socket.socket(fileno=copy) as connection, suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
            return True
        return False
    finally:
        os.close(process)


def _table() -> dict[str, tuple[str, str]]:
    """The two ends of each established connection by its socket's inode."""
    found = {}
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "01":
                found[fields[9]] = _plain(fields[1]), _plain(fields[2])
    return found


def _plain(end: str) -> str:
    """An address in the form that both tables share."""
    address, _, port = end.partition(":")
    return f"{address[-8:]}:{port}"


def _reversed(ends: tuple[str, str]) -> tuple[str, str]:
    return ends[1], ends[0]


def _inodes(pid: int) -> set[str]:
    return {inode for _, inode in _descriptors(pid)}


def _descriptors(pid: int) -> list[tuple[int, str]]:
    found = []
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                target = os.readlink(path)
                if target.startswith("socket:["):
                    found.append((int(path.name), target[8:-1]))
    return found
