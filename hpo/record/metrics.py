"""RUN/trials/NUMBER/metrics.jsonl → the rows that a trial has logged, as they stand now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hpo.trial.files import METRICS, newest
from hpo.trial.lines import unpack


def trial_directory(run_dir: Path | str, number: int) -> Path:
    """Where a trial keeps its files."""
    return Path(run_dir) / "trials" / f"{number:04d}"


def read_rows(run_dir: Path | str, number: int) -> Iterator[dict[str, Any]]:
    """A trial's rows, oldest first, with W&B's `_step` and `_time` (unix seconds) in each.

    They are those of the attempt that counts. A line that is not whole yet, or never will be, is passed
    over; a trial that has logged nothing has none.
    """
    try:
        file = open(newest(str(trial_directory(run_dir, number)), METRICS), "rb")  # noqa: SIM115
    except FileNotFoundError:
        return
    with file:
        for line in file:
            row = unpack(line)
            if row is not None and line.endswith(b"\n"):
                yield row
