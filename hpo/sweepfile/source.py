"""A path → the text of a YAML file, and what is too large or too deep to be read at all.

The limits lie far above what sweeps are; they keep memory below 200 MB and time to seconds.
"""

from __future__ import annotations

import stat
from contextlib import suppress
from pathlib import Path

import yaml

from hpo.errors import Place, Problem, SweepError

LARGEST = 2_000_000
"""Bytes of a file."""
VALUES = 50_000
"""Values and keys of a document, those that aliases repeat included."""
DEEPEST = 100
"""Levels of nesting."""
TOO_DEEP = f"nested more than {DEEPEST} deep"
TOO_MANY = f"more than {VALUES:,} values"
DIRECTIVES = 100
"""`%` lines of a document; libyaml compares each with all before it."""
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_text(path: Path) -> str:
    """The text of a regular file of UTF-8; raises SweepError. Devices and pipes may have no end."""
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise _refused(path, "is a directory")
        if not stat.S_ISREG(kind):
            raise _refused(path, "not a regular file", "write it to one")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise _refused(path, _reason(error)) from None
    except ValueError:
        raise _refused(path, "no such file: the name holds NUL") from None
    if len(content) > LARGEST:
        raise _refused(path, f"larger than {LARGEST // 10**6} MB", "pass large data by the name of a file")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line, start = content.count(b"\n", 0, error.start) + 1, content.rfind(b"\n", 0, error.start)
        place = Place(str(path), line, error.start - start)
        raise SweepError(
            [Problem(place, "", f"not UTF-8 text: {error.reason}", "save it as UTF-8")]
        ) from None


def refuse_sizes(text: str, file: str) -> None:
    """Look at the parser's events, which takes no stack and little memory, before anything is built.

    Raises SweepError for too many values or too deep a nesting, YAMLError where the text is not YAML.
    """
    if text.startswith("%") and text.count("\n%") > DIRECTIVES:
        raise SweepError([Problem(Place(file, 1, 1), "", "too many % directives", "remove them")])
    try:
        _refuse_events(text, file)
    except yaml.MarkedYAMLError as error:
        # Newer libyaml fails at a nesting limit of its own before it yields the events that exceed ours; it
        # yields them for the text before that place.
        mark = error.problem_mark or error.context_mark
        if mark:
            with suppress(yaml.YAMLError):
                _refuse_events(text[: mark.index], file)
        raise


def _refuse_events(text: str, file: str) -> None:
    depth = count = 0
    for event in yaml.parse(text, Loader=LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        count += isinstance(event, yaml.NodeEvent)
        if depth > DEEPEST or count > VALUES:
            mark = event.start_mark
            place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
            what, hint = (
                (TOO_DEEP, "check the brackets")
                if depth > DEEPEST
                else (TOO_MANY, "pass long lists by the name of a file")
            )
            raise SweepError([Problem(place, "", what, hint)])


def _reason(error: OSError) -> str:
    missing = isinstance(error, FileNotFoundError)
    return "no such file" if missing else (error.strerror or "cannot be read").lower()


def _refused(path: Path, message: str, hint: str = "name a file that is there") -> SweepError:
    return SweepError([Problem(Place(str(path)), "", message, hint)])
