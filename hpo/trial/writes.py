"""Which files of the working directory a trial writes, told to the driver: another trial may write them too.

Python itself says what is opened, moved and made, to whom it has been told to (PEP 578); what a library opens
in C stays unseen. Runs in every Python process of a trial: nothing but what the interpreter has loaded.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 100
"""Names that a process tells of one trial."""
EVENTS = frozenset({"open", "os.mkdir", "os.rename"})
SHARED = (".lock", ".db", ".sqlite", ".sqlite3", "-journal", "-wal", "-shm", ".pyc")
"""Ends of names of files that are made for several to write them."""
_WRITING = os.O_WRONLY | os.O_RDWR


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
        self._outside = os.path.join(runs, "")

    def take(self) -> list[str]:
        """Absolute paths that are new; that of a folder ends with a slash."""
        new, self._new = self._new, []
        return new

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Python is about to do something."""
        try:
            if event in EVENTS and self.on and (name := _written(event, arguments)):
                self._note(event, name)
        except Exception:  # whatever odd thing was opened: that is between the script and Python
            return

    def _note(self, event: str, name: str) -> None:
        path = os.path.abspath(name)
        if not path.startswith(self._inside) or path.startswith(self._outside) or len(self._seen) >= MOST:
            return
        parts = path[len(self._inside) :].split(os.sep)
        if any((part.startswith(".") and part != ".hydra") or part == "__pycache__" for part in parts):
            return
        if event == "os.mkdir":
            above = os.path.join(os.path.dirname(path), "")
            if (
                above in self._new
            ):  # what is written goes below the folder, perhaps into one of the trial's own
                self._new.remove(above)
            path = os.path.join(path, "") if _numbered(parts[-1]) else ""
        if path and path not in self._seen and not path.endswith(SHARED):
            self._seen.add(path)
            self._new.append(path)


def _written(event: str, arguments: tuple[Any, ...]) -> str:
    """What is to be written; empty for nothing. Lines added to a file other than a log are meant to meet."""
    name = arguments[1] if event == "os.rename" else arguments[0]
    if isinstance(name, int) or name is None:
        return ""
    name = os.fsdecode(name)
    if event == "open":
        flags = arguments[2]
        if not flags & _WRITING or (flags & os.O_APPEND and not name.endswith(".log")):
            return ""
    return name


def _numbered(name: str) -> bool:
    """Whether a folder is named by the second, or by a number that is counted up."""
    import re

    times = r"(?<!\d)\d\d[-_.:h]\d\d[-_.:m]\d\d(?!\d)|(?<!\d)(\d{8})?\d{6}(?!\d)|^version_\d+$"
    return re.search(times, name) is not None


writes = Writes()


def begin() -> None:
    """Notice from here on what this process writes."""
    sys.addaudithook(writes.heard)
    writes.begin()
