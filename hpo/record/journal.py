"""Events ↔ RUN/journal.jsonl: JSON lines, append-only, on disk before what they record is acted on."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from hpo.errors import Resumable, UserError
from hpo.record.shared import FULL, no_room

JOURNAL = "journal.jsonl"
"""Name of the journal inside a run directory."""
SHAPE = f"a run directory holds sweep.yaml, {JOURNAL} and trials/, such as runs/NAME-YYYYmmdd-HHMMSS"


class Journal:
    """The one writer of a run's journal: `append` keeps events, `commit` puts them on disk."""

    def __init__(self, path: Path, descriptor: int, size: int = 0) -> None:
        self.path = path
        self._descriptor = descriptor
        self._size = size
        self._torn = False
        self._lines: list[str] = []

    @classmethod
    def create(cls, run_dir: Path | str) -> Journal:
        """Start the journal of a new run, making its directory.

        Raises:
            UserError: That cannot be.
            Resumable: The disk is full.
        """
        path = Path(run_dir) / JOURNAL
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o666)
            _sync_directory(path.parent)
        except FileExistsError:
            what = "holds a run already" if path.parent.is_dir() else "is a file"
            raise UserError(f"{path.parent} {what}; name another directory") from None
        except OSError as error:
            if error.errno in FULL:
                raise no_room(path.parent, error) from error
            raise UserError(f"cannot write {path}: {error.strerror}; name another directory") from error
        return cls(path, descriptor)

    @classmethod
    def reopen(cls, run_dir: Path | str) -> Journal:
        """Go on with the journal of a run whose writer is gone; a last line that it left torn is cut off.

        Raises:
            UserError: There is no run, a line in the middle is damaged, or the file cannot be written.
            Resumable: The disk is full.
        """
        path = Path(run_dir) / JOURNAL
        end, whole = 0, True
        with _opened(path) as file:
            for line, _ in _parsed(path, file):
                end, whole = end + len(line), line.endswith(b"\n")
        try:
            journal = cls(path, os.open(path, os.O_WRONLY | os.O_APPEND), end)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error
        try:
            journal._torn = True
            journal._put(b"" if whole else b"\n")
        except BaseException:
            os.close(journal._descriptor)
            raise
        return journal

    def append(self, event: Mapping[str, Any]) -> None:
        """Keep one event for the next commit; `time` (unix seconds) is added where it is missing."""
        self._lines.append(json.dumps({**event, "time": event.get("time", time.time())}) + "\n")

    def commit(self) -> None:
        """Write what is kept and wait until it is on disk.

        Raises Resumable where the disk takes no more; the file then ends where it ended before.
        """
        if not self._lines:
            return
        self._put("".join(self._lines).encode())
        self._lines.clear()

    def _put(self, data: bytes) -> None:
        try:
            if self._torn:
                os.ftruncate(self._descriptor, self._size)
            self._torn = False
            self._look()
            self._torn = True
            _write(self._descriptor, data)
            os.fsync(self._descriptor)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
                self._torn = False
            what = f"cannot write {self.path}: {error.strerror}; what it held is kept"
            raise Resumable(f"{what}; {self._remedy(error)}") from error
        self._torn = False
        self._size += len(data)

    def _remedy(self, error: OSError) -> str:
        if not self._size:
            return "free some space and start it again"
        goes_on = f"`hpo resume {self.path.parent}` goes on"
        full = error.errno in FULL
        return f"free some space, then {goes_on}" if full else f"{goes_on} once it can be written"

    def _look(self) -> None:
        """Who was taken over while it was suspended writes nothing more; nor into a file without a name."""
        found = os.fstat(self._descriptor)
        if found.st_nlink == 0:
            raise UserError(f"{self.path} has vanished; nothing more is written")
        if found.st_size != self._size:
            raise Resumable(f"another process has written {self.path}; this one writes nothing more")

    def close(self) -> None:
        """Commit and let go of the file; a second time does nothing."""
        if self._descriptor < 0:
            return
        try:
            self.commit()
        finally:
            os.close(self._descriptor)
            self._descriptor = -1


def begun(run_dir: Path | str) -> bool:
    """Whether a run has begun there: its journal holds something."""
    path = Path(run_dir) / JOURNAL
    return path.is_file() and path.stat().st_size > 0


def read_journal(run_dir: Path | str) -> list[dict[str, Any]]:
    """All events of a run; raises UserError where there is no run, or a line in the middle is damaged."""
    return list(iterate_journal(run_dir))


def iterate_journal(run_dir: Path | str) -> Iterator[dict[str, Any]]:
    """The events of a run, one by one; a last line that was cut off is dropped (its writer died)."""
    path = Path(run_dir) / JOURNAL
    with _opened(path) as file:
        for _, event in _parsed(path, file):
            yield event


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(no_run(path.parent)) from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def _parsed(path: Path, file: BinaryIO) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The sound lines and their events; the last one may lack its newline, and is dropped if damaged."""
    for number, line in enumerate(file, 1):
        event = _parse(line)
        if event is not None:
            yield line, event
        elif file.read(1):
            hint = "its lines before this one are sound; restore the file from a copy"
            raise UserError(f"{path}:{number}: damaged, not a JSON object; {hint}")


def _parse(line: bytes) -> dict[str, Any] | None:
    """The event in a line; None where the line is damaged."""
    try:
        event = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def no_run(run_dir: Path) -> str:
    """What to say of a place that holds no run."""
    if not run_dir.exists():
        return f"{run_dir}: no such directory; {SHAPE}"
    if not run_dir.is_dir():
        return f"{run_dir} is a file; {SHAPE}"
    runs = [file.parent for file in run_dir.glob(f"*/{JOURNAL}")]
    if runs:
        newest = max(runs, key=lambda run: run.stat().st_mtime)
        return f"{run_dir} holds {len(runs)} runs and is none itself; name one, such as {newest}"
    return f"{run_dir} holds no {JOURNAL}; {SHAPE}"


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_directory(directory: Path) -> None:
    """Make a new file's name last through a power cut, as fsync does its content."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems sync directories by themselves and refuse the call
    finally:
        os.close(descriptor)
