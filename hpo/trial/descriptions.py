"""Files and memory that an import or a setup leaves open → each trial's own, or a reason not to fork.

A forked process shares the offset of each open file with its parent and all other forks: who reads on there
gets what another one has sought. Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

import fcntl
import os
import stat
import sys
from collections.abc import Iterable

from hpo.trial.strays import children

ALONE = ("socket:", "pipe:", "anon_inode:", "/dev/nvidia")
"""What a forked process cannot use on its own, by what /proc says of a descriptor."""
MAPPERS = ("mmap", "_multiprocessing", "_posixshmem")
"""Modules without which Python code maps no memory that several processes write."""


def unshareable() -> dict[str, str]:
    """What this process has open or mapped that a fork could not have for itself: its name, and why not."""
    found = _shared_memory() if any(name in sys.modules for name in MAPPERS) else {}
    found |= {f"process {pid}": "starts a process" for pid in children()}
    for descriptor, target in _descriptors():
        if target.startswith(ALONE):
            kind = "a GPU" if target.startswith("/dev/") else f"a {target.partition(':')[0]}"
            found[target] = f"opens {kind}"
        elif _is_file(descriptor) and not _is_reopenable(descriptor):
            found[f"{descriptor} {target}"] = f"opens {target} to write"
        elif _is_locked(descriptor):
            found[f"{descriptor} {target}"] = f"keeps a lock on {target}"
    return found


def files() -> set[int]:
    """Descriptors of files and folders."""
    return {descriptor for descriptor, _ in _descriptors() if _is_file(descriptor)}


def reopen(descriptors: Iterable[int]) -> None:
    """In a fork: open them anew, each at the place where it stands, under the same number. Raises OSError."""
    for descriptor in descriptors:
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        own = os.open(f"/proc/self/fd/{descriptor}", flags & ~(os.O_CREAT | os.O_EXCL | os.O_TRUNC))
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.lseek(own, os.lseek(descriptor, 0, os.SEEK_CUR), os.SEEK_SET)
        os.dup2(own, descriptor, os.get_inheritable(descriptor))
        os.close(own)


def _descriptors() -> list[tuple[int, str]]:
    found = []
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return []
    for name in names:
        try:
            found.append((int(name), os.readlink(f"/proc/self/fd/{name}")))
        except OSError:  # it was open for this list
            continue
    return found


def _is_file(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _is_reopenable(descriptor: int) -> bool:
    """Whether it is only read, or only added to: then another opening of the file does as well."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    if flags & os.O_ACCMODE != os.O_RDONLY and not flags & os.O_APPEND:
        return False
    return os.access(
        f"/proc/self/fd/{descriptor}", os.R_OK if flags & os.O_ACCMODE == os.O_RDONLY else os.W_OK
    )


def _is_locked(descriptor: int) -> bool:
    """Whether this process holds a lock on a file: no other opening of it would have that."""
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", "rb") as file:
            return b"\nlock:" in file.read()
    except OSError:  # it was open for the list of descriptors
        return False


def _shared_memory() -> dict[str, str]:
    """Mappings that several processes may write: what one trial changed there, all others would see."""
    found = {}
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
            for line in file:
                place, mode, *_ = fields = line.split(maxsplit=5)
                if mode.startswith("rw") and mode.endswith("s") and "/dev/nvidia" not in line:
                    what = fields[5].strip() if len(fields) > 5 else ""
                    lock = "/sem." in what
                    found[f"{place} {what}"] = (
                        "makes a lock for several processes" if lock else "shares memory"
                    )
    except OSError:
        pass
    return found
