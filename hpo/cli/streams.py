"""stdout and stderr as a command needs them, where what is below them may be a file on a full disk."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

from hpo.errors import UserError


class _Talk(io.FileIO):
    """stderr: what cannot be written there is dropped, and ends no run that goes on for days."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data) or 0
        except OSError:
            return len(data)


class _Result(io.FileIO):
    """stdout: what cannot be written there is an error, told once."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            raise
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())  # what waits to be written is let go
            raise UserError(f"cannot write the result to stdout: {error.strerror}") from error


def set_up() -> None:
    """Put them in place; a name that the encoding of a terminal lacks is escaped. Other streams stay."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout = _text(_Result(1, "w", closefd=False), sys.stdout)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = _text(_Talk(2, "w", closefd=False), sys.stderr)


def _text(raw: io.FileIO, like: io.TextIOWrapper) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=like.encoding,
        errors="backslashreplace",
        line_buffering=like.line_buffering,
    )
