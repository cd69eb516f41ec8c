"""The line of a log that a person would quote to say why a trial failed.

A traceback ends with it; a wrong command line is told above or below a usage, in a box, before a hint.
Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from hpo.trial.boxes import Box, Part, is_rule, split, unwrapped

REASON = 300
"""Characters of a quoted line."""
LONGEST = 2000
"""Characters of a line that are looked at."""
NEAR = 4
"""An error that is told is the reason if no more than so many lines of other kinds follow."""
MORE = 3
"""So many lines complete one that only announces them."""

_RANK = r"(?:\[[^\]\s]*\]:?\s*)?"
_TRACEBACK = re.compile(rf"{_RANK}( *)(?:Original )?Traceback \(most recent calls? ")
_EXCEPTION = re.compile(rf"{_RANK}(\w[\w.]*(?::.*)?)$")
_LAUNCHER = re.compile(r"[\w.]*(ChildFailedError|CalledProcessError)\b")
"""What torchrun and accelerate raise since a process of theirs has failed: its own words stand before."""
_ASIDE = re.compile(r"Exception ignored |Error in atexit|--- Logging error ---")
"""What stands before tracebacks that end nothing."""
_GROUP = re.compile(r"[\s|+]*\+ Exception Group Traceback \(most recent call last\):")
_IN_GROUP = re.compile(r"\s*(?:\| )*\| (\w[\w.]*(?::.*)?)$")
_IS_GROUP = re.compile(r"\(\d+ sub-exceptions?\)$")
_IS_PART = re.compile(r"Sub-exception #\d+")

_USAGE = re.compile(
    r"\s*usage:|(positional arguments|optional arguments|options|arguments|commands|flags):\s*$"
    r"|(Try|Run|See|Use|Pass|For (more|full|detailed|further)\b.*|tip:.*) .*(--?help|run:$)"
    r"|\s+--?[a-z]",
    re.IGNORECASE,
)
"""A usage, a list of options, and where to read more of them."""
_HINT = re.compile(
    r"(tip|hint|note): |(See|For further information visit|For more information,? see):? \S+://"
    r"|(Config search path|Available options in .*):$|To append to your |(wandb|hpo): (?!ERROR)"
    r"|(full_key: |object_type=|reference_type=)|The above exception was |During handling of the above "
    r"|Exception ignored |[EWI]\d{4} .*\btorch/distributed/"
    r"|srun: error: .*\btasks? [\d,-]+: |slurmstepd: |make: \*\*\* ",
    re.IGNORECASE,
)
_HYDRA = re.compile(r"Set the environment variable HYDRA_FULL_ERROR=1")
_HYDRA_JOB = re.compile(r"Error executing job with overrides: ")
_HYDRA_HEAD = re.compile(r"Error (?!executing )\w+|Could not |Cannot |In '.*': |Key '.*' is not |You must ")
_QUIET = re.compile(r"\b(DEBUG|INFO|WARNING|WARN)\b")
_ERROR = re.compile(
    r"(\S+: )?(fatal )?[Ee]rror: |[Ff]atal: |.{,60}\b(ERROR|CRITICAL|FATAL)\b"
    r"|[\w.]*[a-z](Error|Exception)(: (?![-+\d.e]+$).*)?$"
)
"""A name with a mere number behind it is a metric."""
_ERROR_BOX = re.compile(
    r"error|exception|fail|missing|required|unrecogni[sz]ed|invalid|unknown|problem|fatal", re.IGNORECASE
)
_HELP_BOX = re.compile(
    r"(\S+ )?(options|commands|arguments|parameters|subcommands|locals|usage)$", re.IGNORECASE
)
_ANNOUNCES = re.compile(r":$|\bError (parsing|merging) override \S+$")
_VALIDATION = re.compile(r"\d+ validation errors? for \S+$")
"""pydantic's: the field and what is wrong with it stand on the next two lines."""


class Rank(Enum):
    """What a piece of a log is."""

    RAISED = 1
    """The exception of a traceback."""
    REFUSED = 2
    """An error in a box of its own."""
    ERROR = 3
    """A line that calls itself an error."""
    PLAIN = 4
    USAGE = 5
    HINT = 6


@dataclass(frozen=True)
class Said:
    """A piece of a log, complete and without what is drawn around it."""

    text: str
    rank: Rank


def telling_line(log: Sequence[str]) -> str:
    """What the log says of a failure: an exception, a refused command line, an error, else its last words.

    A launcher that only says that its child has failed is passed over where the child has said why.
    """
    said = _read(list(split([line[:LONGEST] for line in log])))
    raised = [i for i, one in enumerate(said) if one.rank is Rank.RAISED]
    own = [i for i in raised if not _LAUNCHER.match(said[i].text)]
    refused = _refusal(said[own[-1] + 1 :] if own else said)
    if raised and not own and not refused:
        refused = _error_near_the_end(said[: raised[0]])
    if refused or raised:
        return (refused or said[(own or raised)[-1]].text)[:REASON]
    return (_last_words(said) or next((line.strip() for line in reversed(log) if line.strip()), ""))[:REASON]


def _refusal(said: Sequence[Said]) -> str:
    """How a command line was refused: in a box, or beside a usage."""
    ranks = {Rank.REFUSED, Rank.ERROR} if any(one.rank is Rank.USAGE for one in said) else {Rank.REFUSED}
    return next((one.text for one in reversed(said) if one.rank in ranks), "")


def _last_words(said: Sequence[Said]) -> str:
    """Without a traceback: what Hydra says before its hint, an error near the end, or the last line."""
    hint = next((i for i in reversed(range(len(said))) if _HYDRA.match(said[i].text)), None)
    if hint is not None:
        return _of_hydra(said[:hint])
    if error := _error_near_the_end(said):
        return error
    loud = _loud(said)
    return loud[-1].text if loud else next((one.text for one in said if one.rank is Rank.USAGE), "")


def _error_near_the_end(said: Sequence[Said]) -> str:
    return next((one.text for one in reversed(_loud(said)[-NEAR:]) if one.rank is Rank.ERROR), "")


def _loud(said: Sequence[Said]) -> list[Said]:
    """What is no usage and no hint, and no message below the level of an error unless there is no other."""
    words = [one for one in said if one.rank not in (Rank.USAGE, Rank.HINT)]
    return [one for one in words if one.rank is Rank.ERROR or not _QUIET.search(one.text)] or words


def _of_hydra(said: Sequence[Said]) -> str:
    job = next((i for i in reversed(range(len(said))) if _HYDRA_JOB.match(said[i].text)), -1)
    words = [one for one in said[job + 1 :] if one.rank not in (Rank.USAGE, Rank.HINT)] or list(said)
    heads = [one for one in words[-NEAR:] if _HYDRA_HEAD.match(one.text)]
    return (heads[0] if job >= 0 and heads else heads[-1] if heads else words[-1]).text if words else ""


def _read(parts: Sequence[Part]) -> list[Said]:
    """All that is said, in its order."""
    said: list[Said] = []
    at = 0
    while at < len(parts):
        found, after = _raised(parts, at)
        if found is None:
            found, after = _other(parts, at, said[-1] if said else None), at + 1
        elif at and isinstance(before := parts[at - 1], str) and _ASIDE.match(before):
            found = [Said(one.text, Rank.HINT) for one in found]
        said += found
        at = after
    return said


def _raised(parts: Sequence[Part], at: int) -> tuple[list[Said] | None, int]:
    """The exception of the traceback that begins here, and where the log goes on; None where none does."""
    first = parts[at]
    if isinstance(first, Box):
        return _raised_in_box(parts, at, first) if first.title.startswith("Traceback") else (None, at)
    if _GROUP.match(first):
        return _group(parts, at + 1)
    begun = _TRACEBACK.match(first)
    if begun is None:
        return None, at
    for i in range(at + 1, len(parts)):
        part = parts[i]
        if isinstance(part, Box) or _TRACEBACK.match(part) or _GROUP.match(part):
            break
        found = _EXCEPTION.match(part[len(begun[1]) :] if part.startswith(begun[1]) else part)
        if found:
            return [Said(_completed(found[1], _after(parts, i)), Rank.RAISED)], i + 1
    return None, at


def _raised_in_box(parts: Sequence[Part], at: int, box: Box) -> tuple[list[Said] | None, int]:
    """rich's: the exception stands below the box, wrapped to its width; a second box shows wrong syntax."""
    start = at + 1
    while start < len(parts) and isinstance(parts[start], Box):
        start += 1
    end = start
    while end < len(parts) and isinstance(line := parts[end], str) and not line[: box.indent].strip():
        end += 1
    below = [line[box.indent :].rstrip() for line in parts[start:end] if isinstance(line, str)]
    whole = unwrapped(below, box.width)
    if not whole or not _EXCEPTION.match(whole[0]):
        return [], start
    within = end
    while within < len(parts) and isinstance(inner := parts[within], Box) and _IS_PART.match(inner.title):
        within += 1
    if _IS_GROUP.search(whole[0]) and within > end:
        return [Said(f"{whole[0]}: {_leaf(parts[end])}", Rank.RAISED)], within
    return [Said(_completed(whole[0], whole[1:]), Rank.RAISED)], start + 1


def _leaf(part: Part) -> str:
    """The first exception in the box of a sub-exception that holds no further ones."""
    said = _read(list(split(part.lines if isinstance(part, Box) else [part])))
    raised = [one.text for one in said if one.rank is Rank.RAISED]
    return raised[-1] if raised else " ".join(one.text for one in said)


def _group(parts: Sequence[Part], at: int) -> tuple[list[Said] | None, int]:
    """Python's own traceback of an exception group: the group, and the first in it that is none."""
    end = at
    while end < len(parts) and isinstance(line := parts[end], str) and re.match(r"\s+[|+]", line):
        end += 1
    found = [m[1] for line in parts[at:end] if isinstance(line, str) and (m := _IN_GROUP.match(line))]
    if not found:
        return None, at
    leaf = next((text for text in found if not _IS_GROUP.search(text)), "")
    return [Said(f"{found[0]}: {leaf}" if leaf else found[0], Rank.RAISED)], end


def _other(parts: Sequence[Part], at: int, before: Said | None) -> list[Said]:
    """What a line or a box says that is no traceback."""
    part = parts[at]
    if isinstance(part, Box):
        return _in_box(part)
    if is_rule(part):
        return []
    text = " ".join(re.sub(r"^\[(rank|default)\d+\]:", "", part).split()).strip("│┃║ ")
    rank = _rank(part, text)
    if rank is Rank.PLAIN and before and part[:1].isspace() and before.rank in (Rank.USAGE, Rank.HINT):
        rank = before.rank  # it goes on
    if rank in (Rank.PLAIN, Rank.ERROR) or text.lower() == "usage:":
        text = _completed(text, _after(parts, at))
    return [Said(text, rank)]


def _rank(line: str, text: str) -> Rank:
    if _USAGE.match(line):
        return Rank.USAGE
    if _HINT.match(text) or _HYDRA.match(text) or _HYDRA_JOB.match(text):
        return Rank.HINT
    return Rank.ERROR if _ERROR.match(text) else Rank.PLAIN


def _in_box(box: Box) -> list[Said]:
    if _HELP_BOX.match(box.title) and not _ERROR_BOX.search(box.title):
        return [Said(box.title, Rank.USAGE)]
    groups = [group for group in box.paragraphs if group]
    if not _ERROR_BOX.search(box.title):
        return _read([line for group in groups for line in group])
    text = _completed(groups[0][0], groups[0][1:]) if groups else box.title
    return [Said(text, Rank.REFUSED)]


def _completed(text: str, following: Iterable[Part]) -> str:
    """The text with what it only announces: the lines below."""
    wanted = 2 if _VALIDATION.search(text) else MORE if _ANNOUNCES.search(text) else 0
    validation = wanted == 2
    for part in following:
        if not wanted or isinstance(part, Box) or _USAGE.match(part) or _HINT.match(part.strip()):
            break
        if not is_rule(part):
            text = f"{text.rstrip(':')}: {' '.join(part.split())}"
            wanted = wanted - 1 if validation or text.endswith(":") else 0
    return text


def _after(parts: Sequence[Part], at: int) -> Iterator[Part]:
    """The parts behind one, as far as they are asked for."""
    return (parts[i] for i in range(at + 1, len(parts)))
