"""Whose fault is it that something could not be written: that of the disk, full or broken, or the script's?

Nothing but the standard library, from Python 3.9 on: a script's own process asks, too.
"""

from __future__ import annotations

import contextlib
import errno
import os

FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
"""What a disk says that is full, whose quota is used up, or that has become read-only or broken."""
PROBE = 2**16
"""Bytes that a look writes."""


def at_fault(error: OSError) -> bool:
    """Whether the disk is to blame, so that the same may go well later."""
    return error.errno in FAULTS


def fault(directory: str) -> str:
    """What the disk of a folder says to something that is written there; empty where it takes it."""
    path = os.path.join(directory, f".probe-{os.getpid()}")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            left = PROBE
            while left:
                left -= os.write(descriptor, bytes(left))
            os.fsync(descriptor)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(path)
            os.close(descriptor)
    except OSError as error:
        return os.strerror(error.errno) if error.errno and at_fault(error) else ""
    return ""
