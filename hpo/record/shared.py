"""Files in a folder that several machines share, NFS above all: made whole at once, and seen as they are."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from hpo.errors import Resumable

NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What link(2) says on file systems that have no hard links."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What a disk says that takes no more."""
PREFIX = ".driver."
"""Files that exist for moments only begin with this; what is left of them belonged to processes that died."""
LEFT_BEHIND = 600.0
"""Seconds after which such a file has no owner any more."""


def publish(path: Path, text: str) -> None:
    """Make a new file with this content. Of all who try one succeeds; raises FileExistsError for the others.

    With link(2) nobody sees the file half-written; where there is none, it is empty for a moment.
    """
    part = _written(path, text)
    try:
        os.link(part, path)
    except FileExistsError:
        if os.stat(part).st_nlink < 2:  # else NFS has repeated a request whose answer was lost
            raise
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _write(path, text)
    finally:
        with suppress(OSError):
            os.unlink(part)


def replace(path: Path, text: str) -> None:
    """Give a file this content, in place of what it held; nobody sees it half-written. Raises OSError."""
    part = _written(path, text)
    try:
        os.replace(part, path)
    except OSError:
        with suppress(OSError):
            os.unlink(part)
        raise


def no_room(directory: Path, error: OSError) -> Resumable:
    """What to raise where a run cannot begin, or go on, because its disk is full."""
    return Resumable(f"cannot write in {directory}: {error.strerror}; free some space first")


def revalidate(directory: Path) -> None:
    """Have what other machines did in a folder be seen by the next look at its files; raises OSError.

    NFS keeps for up to a minute what it knows of names, absent ones too; to open the folder ends that.
    """
    os.close(os.open(directory, os.O_RDONLY | os.O_DIRECTORY))


def now(directory: Path) -> float:
    """The time by the folder's own clock, so that clocks of machines need not agree (unix seconds).

    It is this machine's where nothing can be written there.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f"{PREFIX}probe-", dir=directory)
    except OSError:
        return time.time()
    try:
        os.utime(descriptor)
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
        with suppress(OSError):
            os.unlink(name)


def sweep(directory: Path, keep: Path) -> None:
    """Remove what processes that died have left behind; `keep` stays."""
    with suppress(OSError):
        limit = now(directory) - LEFT_BEHIND
        for path in directory.glob(f"{PREFIX}*"):
            if path != keep and path.stat().st_mtime < limit:
                path.unlink()


def _written(path: Path, text: str) -> Path:
    part = path.with_name(f"{PREFIX}part-{uuid4().hex}")
    _write(part, text)
    return part


def _write(path: Path, text: str) -> None:
    """Make a new file; nothing of it is left where that fails."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.unlink(path)
        raise
