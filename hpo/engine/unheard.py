"""What an attempt reported, saved and came to while nobody heard: read from its files, as events.

Its slot or the driver died. What it did is done, though: a trial that has ended has ended, and a result that
a scheduler was to judge is judged. See hpo.trial.ended.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hpo.record.metrics import trial_directory
from hpo.record.shared import revalidate
from hpo.trial import ended
from hpo.trial.files import METRICS, named
from hpo.trial.forward import Forward
from hpo.trial.lines import unpack
from hpo.trial.objective import Objective
from hpo.trial.recipe import Recipe
from hpo.trial.spec import Resume, TrialSpec


@dataclass(frozen=True)
class Heard:
    """What is known of a trial's running attempt: where it began, and what was heard of it."""

    attempt: int
    config: dict[str, Any]
    resume: Resume | None = None
    rows: int = 0
    """Number of rows at the newest result."""
    saved: int = 0
    """Number of rows at the newest checkpoint. The event of a checkpoint precedes that of its own result."""


@dataclass(frozen=True)
class Unheard:
    """Events as a slot sends them, in order; `end` is the last one, None where the trial was cut short."""

    events: list[dict[str, Any]]
    end: dict[str, Any] | None = None


def unheard(recipe: Recipe, number: int, heard: Heard) -> Unheard:
    """What is to be caught up on; of a trial that was cut short only what it can go on after."""
    spec = recipe.build(number, heard.attempt, heard.config, heard.resume)
    try:
        revalidate(trial_directory(recipe.directory, number))
    except OSError:
        return Unheard([])
    since = heard.resume.iterations if heard.resume else 0
    found = ended.read(spec.directory, heard.attempt, since)
    if found is None:
        return Unheard([])
    saved = [one for one in found.checkpoints if one["rows"] > heard.saved and _is_there(spec, one)]
    if found.end.state != "interrupted":
        return Unheard(_merged(spec, heard, saved), {"event": "end", "trial": number, **found.end.to_dict()})
    events = _merged(spec, heard, saved)
    last = max((at for at, one in enumerate(events) if one["event"] == "checkpoint"), default=-1)
    return Unheard(events[: last + 1])


def _is_there(spec: TrialSpec, checkpoint: Mapping[str, Any]) -> bool:
    from hpo.trial.checkpoint import FOLDER

    return os.path.isdir(os.path.join(spec.directory, FOLDER, checkpoint["name"]))


def _merged(spec: TrialSpec, heard: Heard, saved: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results and checkpoints in the order of their rows; a checkpoint is told before its own result."""
    events = [*saved, *_results(spec, heard)]
    return sorted(events, key=lambda one: (one["rows"], one["event"] == "result"))


def _results(spec: TrialSpec, heard: Heard) -> Iterator[dict[str, Any]]:
    """Those that the driver would have been told of."""
    objective = Objective(spec.metric, spec.goal, nan_counts=spec.nan_counts, beside=spec.beside)
    forward = Forward(replace(spec, heartbeat=math.inf), objective, 0.0)
    kept = spec.resume.rows if spec.resume else 0
    for row in _rows(os.path.join(spec.directory, named(METRICS, spec.attempt))):
        value = objective.add_row(row)
        if spec.resume and objective.rows == kept:
            objective.iterations = max(spec.resume.iterations, objective.iterations)
        if value is None or objective.rows <= max(heard.rows, kept):
            continue
        if event := forward.result(value, float(row.get("_time") or 0.0), 0.0):
            yield event


def _rows(path: str) -> Iterator[dict[str, Any]]:
    try:
        file = open(path, "rb")  # noqa: SIM115 (closed below)
    except OSError:
        return
    with file:
        for line in file:
            if line.endswith(b"\n") and (row := unpack(line)) is not None:
                yield row
