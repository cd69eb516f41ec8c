"""What wandb says → lines on stderr."""

from __future__ import annotations

import os
import sys
from typing import Any

_said: set[str] = set()


def _silent() -> bool:
    return os.environ.get("WANDB_SILENT", "").lower() in ("true", "1") or bool(os.environ.get("WANDB_QUIET"))


def _say(level: str, text: str, repeat: bool) -> None:
    line = f"wandb: {level}{text}"
    if repeat or line not in _said:
        _said.add(line)
        print(line, file=sys.stderr)


def said_anew() -> None:
    """Another trial begins: what is said once is said once there."""
    _said.clear()


def termlog(string: str = "", newline: bool = True, repeat: bool = True, **options: Any) -> None:
    """Say something, unless WANDB_SILENT is set."""
    if not _silent():
        _say("", string, repeat)


def termwarn(string: str, newline: bool = True, repeat: bool = True, **options: Any) -> None:
    """Say a warning; a trial is always silent, so that goes for what is said alone."""
    _say("WARNING ", string, repeat)


def termerror(string: str, newline: bool = True, repeat: bool = True, **options: Any) -> None:
    """Say an error."""
    _say("ERROR ", string, repeat)


def termsetup(*args: Any, **options: Any) -> None:
    """Accepted."""
