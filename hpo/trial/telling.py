"""The line of a log that a person would quote to say why a trial failed.

A traceback ends with it; a wrong command line is told above or below a usage, in a box, before a hint.
Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from hpo.trial.boxes import Box, Part, is_rule, split, unwrapped

REASON = 300
"""Characters of a quoted line."""
LONGEST = 2000
"""Characters of a line that are looked at."""
NEAR = 4
"""An error that is told is the reason if no more than so many lines of other kinds follow."""
FAR = 20
"""An exception that more lines follow is one that the script got over."""
MORE = 3
"""So many lines complete one that only announces them."""

_TRACEBACK = re.compile(r"(.{0,300}?)(?:Original )?Traceback \(most recent calls? ")
"""With what stands before it: a rank or the like, as in all lines of that process, or an unended bar."""
_FRAME = re.compile(r"\s+File ")
_EXCEPTION = re.compile(r"(\w[\w.]*(?::.*)?)$")
_LAUNCHER = re.compile(r"[\w.]*(ChildFailedError|CalledProcessError)\b")
"""What torchrun and accelerate raise since a process of theirs has failed: its own words stand before."""
_AFTERMATH = re.compile(
    r"Connection (closed|reset|was reset) by |Connection refused|[Bb]roken ?[Pp]ipe|[Rr]emote process exited"
    r"|Dist(Network|Store)Error|peer .*has (exited|gone)"
)
"""What processes raise since another one of theirs is gone, whose own words say why."""
_CHILD_ENDED = re.compile(r"exitcode +: .*?(SIG\w+)?\)?$|died with <Signals\.(SIG\w+)")
_BAR = re.compile(
    r".{0,120}?(\d{1,3}%\|[^|]*\|[^\[]{0,60}\[[^\]]*\]|\b\d+\w* \[\d\d:\d\d, [^\]]*\]"
    r"|(?<!\S)━{4,}[╸╺━]*\s.*\d.*|\[=*>?\.*\] -.*)\s*"
)
"""A progress bar: tqdm's, or rich's and Keras's, which say more behind it."""
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
    r"|(Config search path|Available options in .*):$|To append to your |(wandb|hpo):(?! ERROR)"
    r"|(full_key: |object_type=|reference_type=)|The above exception was |During handling of the above "
    r"|Exception ignored |[EWI]\d{4} .*\btorch/distributed/"
    r"|srun: error: .*\btasks? [\d,-]+: |slurmstepd: |make: \*\*\* |\++ \S"
    r"|(real|user|sys)\s+\d+m?[\d.]+"
    r"|Command exited with non-zero status |[\d.]+user [\d.]+system |\d+inputs\+"
    r"|\S+:\d+: \w*Warning: |\[W\d{4} "
    r"|ERROR conda\.cli\.|.*\[launch\.py:\d+:|= [A-Z]|Execution halted|Calls: |in expression starting at "
    r"|Primary job +terminated|a non-zero exit code\. Per |(mpi|prte)(run|exec) (detected|noticed) "
    r"|thus causing\b"
    r"|the job to be terminated\.|Process name: \[|Exit code: +\d|MPI_ABORT was |with errorcode \d"
    r"|You may or may not see output |exactly when Open MPI",
    re.IGNORECASE,
)
"""What helps to read on, and what launchers and shells say when a process has failed that they started."""
_HYDRA = re.compile(r"Set the environment variable HYDRA_FULL_ERROR=1")
_HYDRA_JOB = re.compile(r"Error executing job with overrides: ")
_HYDRA_HEAD = re.compile(r"Error (?!executing )\w+|Could not |Cannot |In '.*': |Key '.*' is not |You must ")
_LEVEL = r"(?:\[|\b(?:level|levelname|severity|lvl)\"?[:=] ?\"?)(?:%s)\b *[\]\"\s,]"
"""The level in lines of structlog, of JSON and of logfmt."""
_QUIET = re.compile(rf"\b(DEBUG|INFO|WARNING|WARN)\b|{_LEVEL % 'debug|info|warning|warn|notice'}")
_ERROR_LEVEL = re.compile(_LEVEL % "error|critical|fatal")
_ERROR = re.compile(
    r"(\S+: )?(fatal )?[Ee]rror: |[Ff]atal: |.{,60}\b(ERROR|CRITICAL|FATAL)\b"
    r"|[\w.]*[a-z](Error|Exception)(: (?![-+\d.e]+$).*)?$"
    r"|[EF]\d{4} [\d:.]+ .*\]"
    r"|Error (in|at|from|using|while|when|during|opening|loading"
    r"|reading|writing|creating|parsing|processing) "
    r"|Exception in thread |Caused by: |panic: |thread '.*' panicked at |Uncaught |Unhandled exception"
    r"|.*: (No such file or directory|Permission denied|command not found|unbound variable|Input/output error"
    r"|Is a directory|Not a directory|Read-only file system|Disk quota exceeded|cannot execute.*)$"
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
    inner: bool = False
    """Whether it is indented below what it belongs to."""


def telling_line(log: Sequence[str]) -> str:
    """What the log says of a failure: an exception, a refused command line, an error, else its last words.

    A launcher that only says that its child has failed is passed over where the child has said why, and
    what a process raises since another one is gone where that one has.
    """
    said = _said(log)
    raised = _raised_at_the_end(said)
    own = [i for i in raised if not _LAUNCHER.match(said[i].text)]
    refused = _refusal(said[own[-1] + 1 :] if own else said)
    if raised and not own and not refused:
        refused = _of_child(said, raised)
    if refused or raised:
        return (refused or said[(own or raised)[-1]].text)[:REASON]
    return (_last_words(said) or next((line.strip() for line in reversed(log) if line.strip()), ""))[:REASON]


def last_exception(log: Sequence[str]) -> str:
    """The exception that a log ends with; empty where it ends with none."""
    said = _said(log)
    raised = _raised_at_the_end(said)
    return said[raised[-1]].text[:REASON] if raised else ""


def _said(log: Sequence[str]) -> list[Said]:
    return _read(list(split(_without_bars([line[:LONGEST] for line in log]))))


def _raised_at_the_end(said: Sequence[Said]) -> list[int]:
    """Where exceptions stand that the script has not got over, those that follow from others left out."""
    found: list[int] = []
    further = 0
    for i in reversed(range(len(said))):
        if said[i].rank is Rank.RAISED:
            found.insert(0, i)
        further += said[i].rank is Rank.PLAIN and not said[i].inner
        if further > FAR:
            break
    return [i for i in found if not _AFTERMATH.search(said[i].text)] or found


def _without_bars(log: Sequence[str]) -> list[str]:
    """The lines, of which those with a progress bar have only what was printed behind it."""
    lines = ((line, _BAR.match(line)) for line in log)
    return [line[bar.end() :] if bar else line for line, bar in lines if not bar or bar.end() < len(line)]


def _of_child(said: Sequence[Said], raised: Sequence[int]) -> str:
    """What a process said whose launcher tells that it has failed; else its last words, or its signal."""
    before, launcher = said[: raised[0]], said[raised[-1]].text
    if error := _error_near_the_end(before):
        return error
    ended = next((found for one in reversed(said) if (found := _CHILD_ENDED.search(one.text))), None)
    if ended and (by := ended[1] or ended[2]):
        return launcher if by in launcher else f"{launcher} ({by})"
    words = [one for one in _loud(before) if one.rank is Rank.PLAIN]
    return f"{words[-1].text} ({launcher})" if words else launcher


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
    outer = [one for one in _loud(said) if not one.inner or one.rank is Rank.ERROR]
    return next((one.text for one in reversed(outer[-NEAR:]) if one.rank is Rank.ERROR), "")


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
            found = [replace(one, rank=Rank.HINT) for one in found]
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
    for i, line in _below(parts, at, begun[1]) if begun else ():
        if _TRACEBACK.match(line) or _GROUP.match(line):
            break
        if found := _EXCEPTION.match(line):
            rest = (below for _, below in _below(parts, i, begun[1] if begun else ""))
            return [Said(_completed(found[1], rest), Rank.RAISED)], i + 1
    return None, at


def _below(parts: Sequence[Part], at: int, before: str) -> Iterator[tuple[int, str]]:
    """The lines below the head of a traceback, without what stands before each of them as before the head.

    None are where the head was not printed behind something else either, such as a bar.
    """
    near = [part for part in parts[at + 1 : at + 1 + NEAR] if isinstance(part, str)]
    tagged = bool(before.strip()) and any(line.startswith(before) for line in near)
    if before.strip() and not tagged and not (near and _FRAME.match(near[0])):
        return
    for i in range(at + 1, len(parts)):
        part = parts[i]
        if isinstance(part, Box):
            return
        if part.startswith(before):
            yield i, part[len(before) :]
        elif not tagged:
            yield i, part


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
    inner = part[:1].isspace()
    if rank is Rank.PLAIN and before and inner and before.rank in (Rank.USAGE, Rank.HINT):
        rank = before.rank  # it goes on
    if rank is Rank.ERROR and before and inner and before.rank is Rank.ERROR and not before.inner:
        rank = Rank.PLAIN  # what that one comes from
    if rank in (Rank.PLAIN, Rank.ERROR) or text.lower() == "usage:":
        text = _completed(text, _after(parts, at))
    return [Said(text, rank, inner)]


def _rank(line: str, text: str) -> Rank:
    if _USAGE.match(line):
        return Rank.USAGE
    if _HINT.match(text) or _HYDRA.match(text) or _HYDRA_JOB.match(text):
        return Rank.HINT
    return Rank.ERROR if _ERROR.match(text) or _ERROR_LEVEL.search(text) else Rank.PLAIN


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
