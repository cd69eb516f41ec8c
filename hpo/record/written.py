"""A file that is made by a program → whole at its place, or not there at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpo.errors import UserError


@contextmanager
def whole_file(path: Path, *, replace: bool) -> Iterator[Path]:
    """A name to write to; the file comes to its place when that is done, and vanishes if it fails.

    It stands in a folder of its own, beside the place, for whatever else the writer leaves there. Raises
    UserError where the place is taken, unless it may `replace` what is there, and where it cannot be written.
    """
    _look(path, replace=replace)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            part = Path(folder) / path.name
            yield part
            with part.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(part, path) if replace else _link(part, path)
    except FileExistsError:
        raise UserError(_taken(path)) from None
    except OSError as error:
        what = error.strerror or str(error)
        raise UserError(f"cannot write {path}: {what}; nothing of it is left there") from error


def _look(path: Path, *, replace: bool) -> None:
    if path.is_dir():
        raise UserError(f"{path} is a directory; name a file")
    if path.exists() and not replace:
        raise UserError(_taken(path))
    if not path.absolute().parent.is_dir():
        raise UserError(f"cannot write {path}: there is no directory {path.parent}; make it first")


def _taken(path: Path) -> str:
    return f"{path} is there already; name another file, or give --force to replace it"


def _link(part: Path, path: Path) -> None:
    """To its place unless somebody has taken it meanwhile."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.replace(part, path)
