"""What a run has left: the rows of a trial, the events of its journal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hpo.trial.files import METRICS, newest


def rows(run: Path, number: int) -> list[dict[str, Any]]:
    """A trial's rows, of the attempt that counts. Raises ValueError where a line of its file is torn."""
    directory = run / "trials" / f"{number:04d}"
    return [json.loads(line) for line in Path(newest(str(directory), METRICS)).read_text().splitlines()]


def events(run: Path, kind: str) -> list[dict[str, Any]]:
    whole = (run / "journal.jsonl").read_text().rpartition("\n")[0]  # the driver may be writing the next line
    found = map(json.loads, whole.splitlines())
    return [event for event in found if event["event"] == kind]
