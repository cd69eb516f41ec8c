"""What Ray wants where it starts on this machine: a short directory, a token; and where its workers look."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ray.job_config import JobConfig

from hpo.errors import UserError
from hpo.trial.launch import ROOT

LONGEST = 38
"""Bytes of the directory above Ray's own: its sockets lie up to 69 below it, and a socket's path has 107."""
VARIABLE = "RAY_AUTH_TOKEN"
"""Environment variable with the secret of a cluster, which Ray otherwise keeps in the home directory."""
OTHERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 (Ray's own choice; it makes a directory for each session)


class Job(JobConfig):
    """A job whose workers do not look for modules in the driver's working directory.

    Ray puts that first on their path, where a queue.py of the user's would stand before Python's own. None of
    the user's code runs in them. hpo itself may have been found there, though.
    """

    def _serialize(self) -> Any:
        """Called by Ray once it has added the working directory, and that of the script."""
        folders: list[str] = vars(self)["_py_driver_sys_path"]
        self._py_driver_sys_path = [path for path in folders if os.path.realpath(path) == ROOT]
        return super()._serialize()


def directory() -> str | None:
    """Where Ray is to put its files; None where the place that it chooses by itself will do.

    Raises UserError where there is none.
    """
    given = os.environ.get("RAY_TMPDIR", os.environ.get("TMPDIR", OTHERS[0]))
    if os.path.isabs(given) and _fits(given):
        return None
    for parent in OTHERS:
        if _fits(parent):
            return os.path.join(parent, "ray")
    places = ", ".join([given, *OTHERS])
    raise UserError(
        f"Ray can put its files nowhere: none of {places} is writable and of at most {LONGEST} bytes; "
        "set RAY_TMPDIR to a short directory"
    )


def _fits(parent: str) -> bool:
    """Whether Ray can make its sockets in a directory `ray` below this one."""
    folder = os.path.join(parent, "ray")
    return len(os.fsencode(parent)) <= LONGEST and _takes(folder)


def _takes(folder: str) -> bool:
    """Whether files can be made in a folder, which is made first; permissions alone do not tell it."""
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@contextmanager
def secret() -> Iterator[None]:
    """A token of this run's own for the length of the block, where Ray could not keep one in the home."""
    if os.environ.get(VARIABLE) or os.environ.get("RAY_AUTH_TOKEN_PATH") or _home_takes_token():
        yield
        return
    os.environ[VARIABLE] = secrets.token_hex(32)
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)


def _home_takes_token() -> bool:
    with suppress(OSError, RuntimeError):  # there may be no home at all
        folder = Path.home() / ".ray"
        return _holds_text(folder / "auth_token") or _takes(str(folder))
    return False


def _holds_text(path: Path) -> bool:
    try:
        return bool(path.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeError):
        return False
