"""Names the files of one attempt: log.txt of the first one, log.2.txt of the second."""

from __future__ import annotations

import os
import re

LOG, METRICS, END = "log.txt", "metrics.jsonl", "end.json"
"""What a trial prints, the rows that it reports, how it ended."""
ARGS_JSON = "args.json"


def named(name: str, attempt: int) -> str:
    """The name of an attempt's own file, so that no attempt ever writes into another one's."""
    stem, end = os.path.splitext(name)
    return name if attempt <= 1 else f"{stem}.{attempt}{end}"


def of_rank(name: str, rank: int) -> str:
    """The name of what a file is to rank 0, for another rank of a trial: metrics.rank3.jsonl."""
    stem, end = os.path.splitext(name)
    return f"{stem}.rank{rank}{end}"


def newest(directory: str, name: str) -> str:
    """The path of that file of the newest attempt that has one: the attempt that counts.

    That an attempt begins is recorded before it makes a file. The first attempt's where there is none.
    """
    stem, end = os.path.splitext(name)
    pattern = re.compile(rf"{re.escape(stem)}\.(\d+){re.escape(end)}")
    try:
        found = [int(match[1]) for one in os.listdir(directory) if (match := pattern.fullmatch(one))]
    except OSError:
        found = []
    return os.path.join(directory, named(name, max(found, default=1)))
