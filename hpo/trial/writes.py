"""Which files of the working directory a trial writes, told to the driver: another trial may write them too.

Python's own `open`, `os.mkdir` and `os.replace` notice it; what a library opens in C stays unseen. Audit
hooks would see a little more, but they double the time of what raises many events, such as copy.deepcopy.
Runs in every Python process of a trial: nothing but what the interpreter has loaded.
"""

from __future__ import annotations

import builtins
import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MOST = 100
"""Names that a process tells of one trial."""
SHARED = (".lock", ".db", ".sqlite", ".sqlite3", "-journal", "-wal", "-shm", ".pyc")
"""Ends of names of files that are made for several to write them."""


class Writes:
    """What this process has written below its working directory since the last time it was asked."""

    def __init__(self) -> None:
        self.on = False
        self._inside = self._outside = ""
        self._new: list[str] = []
        self._seen: set[str] = set()

    def begin(self) -> None:
        """A trial begins in this process, in its working directory; outside of one nothing is noticed."""
        self.on = bool(os.environ.get("HPO_CHANNEL"))
        self._new, self._seen = [], set()
        self._inside = os.path.join(os.getcwd(), "")
        runs = os.path.dirname(os.path.dirname(os.environ.get("HPO_TRIAL_DIR", "")))
        self._outside = os.path.join(runs or "/dev", "")

    def take(self) -> list[str]:
        """Absolute paths that are new; that of a folder ends with a slash."""
        new, self._new = self._new, []
        return new

    def opened(self, name: Any, mode: Any) -> None:
        """A file was opened. Lines that are added are meant to meet, but for those of a log."""
        if "w" in mode or "x" in mode or ("a" in mode and str(name).endswith(".log")):
            self._note(name, folder=False)

    def moved(self, name: Any) -> None:
        """Something was moved to this place."""
        self._note(name, folder=False)

    def made(self, name: Any) -> None:
        """A folder was made, or was there."""
        self._note(name, folder=True)

    def _note(self, name: Any, folder: bool) -> None:
        if not self.on or isinstance(name, int) or len(self._seen) >= MOST:
            return
        try:
            self._keep(name, folder)
        except Exception:  # an odd name, or no working directory any more: between the script and Python
            return

    def _keep(self, name: Any, folder: bool) -> None:
        path = os.path.abspath(os.fsdecode(name))
        if not path.startswith(self._inside) or path.startswith(self._outside):
            return
        parts = path[len(self._inside) :].split(os.sep)
        if any((part.startswith(".") and part != ".hydra") or part == "__pycache__" for part in parts):
            return
        if folder:
            above = os.path.join(os.path.dirname(path), "")
            if above in self._new:  # what is written goes below it, perhaps into one of the trial's own
                self._new.remove(above)
            path = os.path.join(path, "") if _numbered(parts[-1]) else ""
        if path and path not in self._seen and not path.endswith(SHARED):
            self._seen.add(path)
            self._new.append(path)


def _numbered(name: str) -> bool:
    """Whether a folder is named by the second, or by a number that is counted up."""
    import re

    times = r"(?<!\d)\d\d[-_.:h]\d\d[-_.:m]\d\d(?!\d)|(?<!\d)(\d{8})?\d{6}(?!\d)|^version_\d+$"
    return re.search(times, name) is not None


writes = Writes()


class _Noticed:
    """In place of one of Python's own functions; like these no method, wherever a class keeps it."""

    def __init__(self, original: Callable[..., Any], module: str, notice: Callable[..., None]) -> None:
        self.__module__, self.__name__, self.__qualname__ = module, original.__name__, original.__name__
        self.__doc__, self.__wrapped__, self._notice = original.__doc__, original, notice
        for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if original in able:
                able.add(self)

    def __call__(self, *args: Any, **options: Any) -> Any:
        result = self.__wrapped__(*args, **options)
        self._notice(*args, **options)
        return result

    def __reduce__(self) -> str:
        return self.__name__

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


def begin() -> None:
    """Notice from here on what this process writes."""

    def opened(file: Any, mode: str = "r", *args: Any, **options: Any) -> None:
        if mode != "r":
            writes.opened(file, mode)

    def moved(src: Any, dst: Any, **options: Any) -> None:
        writes.moved(dst)

    def made(path: Any, *args: Any, **options: Any) -> None:
        writes.made(path)

    for module, name, kind, notice in (
        (io, "open", _Noticed, opened),
        (os, "mkdir", _Made, made),
        (os, "replace", _Noticed, moved),
        (os, "rename", _Noticed, moved),
    ):
        _replace(module, name, kind(getattr(module, name), module.__name__, notice))
    builtins.open = io.open
    writes.begin()


def _replace(module: Any, name: str, noticed: _Noticed) -> None:
    """Put it in place of a module's function, and of the copy that pathlib keeps up to Python 3.10.

    An editable install imports pathlib before a trial begins.
    """
    accessor = getattr(sys.modules.get("pathlib"), "_NormalAccessor", None)
    if accessor is not None and vars(accessor).get(name) is noticed.__wrapped__:
        setattr(accessor, name, noticed)
    setattr(module, name, noticed)


class _Made(_Noticed):
    """Also a folder that is there already, which the process may take for its own, is noticed."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        self._notice(*args, **options)
        return self.__wrapped__(*args, **options)
