"""Rows of a trial's ranks other than 0 → metrics.rank1.jsonl and so on, beside those that count."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hpo.trial.files import METRICS, named, of_rank
from hpo.trial.objective import Objective
from hpo.trial.rows import Rows
from hpo.trial.spec import TrialSpec

MOST = 256
"""So many ranks have files: a script that makes up new ones for ever must not use up the descriptors."""


@dataclass(frozen=True)
class _Kept:
    rows: Rows
    objective: Objective


class RankRows:
    """The files of one attempt's ranks, each opened at its first row; where a trial goes on, they go on too.

    No checkpoint says how many of these rows it stands for: all of the part before stay.
    """

    def __init__(self, spec: TrialSpec, warn: Callable[[str], None], step: int) -> None:
        """`step` is that of the newest row that counts."""
        self._spec, self._warn, self._step = spec, warn, step
        self._ranks: dict[int, _Kept] = {}
        self._warned = False

    @property
    def due(self) -> float:
        """When waiting rows are to be written at the latest, by time.monotonic."""
        return min((one.rows.due for one in self._ranks.values()), default=math.inf)

    def add(self, rank: int, row: Mapping[str, Any], step: object, when: float, now: float) -> None:
        """A row of that rank."""
        kept = self._ranks.get(rank) or self._begin(rank)
        if kept is not None:
            kept.objective.add_row(row)
            kept.rows.add(row, step, when, now)

    def having(self, name: str) -> int | None:
        """The first rank that has logged this objective; None where none has."""
        for rank, kept in sorted(self._ranks.items()):
            for one in (kept.objective, *kept.objective.beside):
                if one.name == name and one.best is not None:
                    return rank
        return None

    def flush(self) -> None:
        """Write what waits."""
        for one in self._ranks.values():
            one.rows.flush()

    def close(self) -> None:
        """Write what waits and close."""
        for one in self._ranks.values():
            one.rows.close()

    def _begin(self, rank: int) -> _Kept | None:
        """Open the file of a rank; where that cannot be, say so once and keep nothing of it."""
        spec = self._spec
        path = os.path.join(spec.directory, named(of_rank(METRICS, rank), spec.attempt))
        resumed = spec.resume.iterations if spec.resume else None
        try:
            if len(self._ranks) >= MOST:
                raise OSError(f"no more than {MOST} ranks have files")
            rows = Rows(path, self._warn, 0 if resumed is None else sys.maxsize, resumed)
        except OSError as error:
            if not self._warned:
                self._warned = True
                self._warn(f"rows of rank {rank} are not kept: {error.strerror or error}")
            return None
        if resumed is not None:
            rows.kept.clear()
            rows.step = self._step
        objective = Objective(spec.metric, spec.goal, beside=spec.beside)
        self._ranks[rank] = kept = _Kept(rows, objective)
        return kept
