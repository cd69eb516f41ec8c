"""How an attempt ended, beside its rows: written before anybody is told, read where nobody was left to hear.

A driver that is killed never hears of what ended in its last moments, nor what its death cut short; the next
one reads it here. W&B's agents and Ray Tune run such trials again.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hpo.trial.files import END, named
from hpo.trial.spec import TrialEnd, TrialSpec

LONG = 1.0
"""Seconds that a trial ran after which its end is to survive a loss of power, too. A shorter one runs again,
and a disk that many trials write to takes long for that."""
CHECKPOINTS = 16
"""So many of an attempt's newest checkpoints are named in its end."""


@dataclass(frozen=True)
class Ended:
    """An attempt's end; `since` is the iteration that its last part went on after, 0: the beginning."""

    end: TrialEnd
    since: int
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    """Events of the newest ones, oldest first."""


def keep(spec: TrialSpec, end: TrialEnd, checkpoints: Sequence[Mapping[str, Any]]) -> None:
    """Write it, whole or not at all. Raises OSError."""
    path = _path(spec.directory, spec.attempt)
    told = {"since": _since(spec), "checkpoints": list(checkpoints), "end": end.to_dict()}
    part = f"{path}.part"
    try:
        with open(part, "w", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
            if end.seconds >= LONG:
                file.flush()
                os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def discard(spec: TrialSpec) -> None:
    """A part of the attempt begins: how an earlier one ended counts no more."""
    with contextlib.suppress(OSError):
        os.unlink(_path(spec.directory, spec.attempt))


def read(directory: str, attempt: int, since: int) -> Ended | None:
    """How the part of an attempt that went on after iteration `since` has ended; None where it has not."""
    try:
        with open(_path(directory, attempt), encoding="utf-8") as file:
            told = json.load(file)
        if told["since"] != since:
            return None
        return Ended(TrialEnd.from_dict(told["end"]), since, told["checkpoints"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _path(directory: str, attempt: int) -> str:
    return os.path.join(directory, named(END, attempt))


def _since(spec: TrialSpec) -> int:
    return spec.resume.iterations if spec.resume else 0
