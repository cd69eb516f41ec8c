"""What can go wrong: one tree of exceptions, each with the exit code that a batch script can act on.

    HpoError
    ├── UserError             1  the user's or the site's fault; the message is all that is shown
    │   └── SweepError        1  problems in a sweep file, each with its place
    ├── Resumable            75  stopped in time; the run can go on later
    └── Interrupted         130  ended by the user

Anything else that escapes is a bug: exit code 3, its trace in a log file.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Literal

LONGEST = 1000
"""Characters of one part of a message; what it quotes is cut there."""
COMPARED = 1000
"""Known words that an unknown one is compared with."""
LISTED = 20
"""Known words that a hint lists."""


@dataclass(frozen=True)
class Place:
    """A position in a file; lines and columns count from 1, and 0 says that there is no file (a dict)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{_cut(self.file)}:{self.line}:{self.column}" if self.line else _cut(self.file)


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a sweep: where, which key, what, and what would be right."""

    place: Place
    key: str
    message: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"

    def __post_init__(self) -> None:
        """Texts that quote long values are cut."""
        for name in ("key", "message", "hint"):
            object.__setattr__(self, name, _cut(getattr(self, name)))

    @property
    def text(self) -> str:
        """What is wrong; what would be right."""
        return f"{self.message}; {self.hint}" if self.hint else self.message

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        warning = "warning: " if self.severity == "warning" else ""
        return visible(f"{self.place}: {key}{warning}{self.text}")


class HpoError(Exception):
    """Whatever hpo raises on purpose; `exit_code` is what the command line ends with."""

    exit_code = 1


class UserError(HpoError):
    """A mistake of the user's or a fault of the site, told in one message."""


class SweepError(UserError):
    """A sweep that cannot run; carries every problem found, warnings too."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Resumable(HpoError):
    """The run was stopped in time and can go on later."""

    exit_code = 75


class Interrupted(HpoError):
    """The user ended the run."""

    exit_code = 130


def suggest(word: object, known: Iterable[str]) -> str:
    """«did you mean 'x'?» where a known word is close to `word`, else the known words."""
    words = [str(k) for k in islice(known, COMPARED)]
    lowered = {w.lower(): w for w in words}
    near = str(word)[:LONGEST].lower().strip()
    close = difflib.get_close_matches(near, [w for w in lowered if len(w) <= LONGEST], n=1, cutoff=0.6)
    more = ", …" if len(words) > LISTED else ""
    return f"did you mean '{lowered[close[0]]}'?" if close else f"known: {', '.join(words[:LISTED])}{more}"


def visible(text: str) -> str:
    """One line, control characters written as Python's escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
