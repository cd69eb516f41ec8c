"""wandb.log's calls → rows, by W&B's rules of steps and commits."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from hpo.trial import client


class History:
    """Collects what is logged at one step and reports it as one row.

    W&B sends a row that was logged with `step=` only when a later step begins. A row that carries the
    objective is reported at once here, so that early stopping does not lag behind by an epoch; what is
    logged later at the same step follows as a row of its own, without the objective: one step, one iteration.
    """

    def __init__(self) -> None:
        self.step = 0
        self.pending: dict[str, Any] = {}
        self.counted = False
        self.objective = os.environ.get("HPO_METRIC", "").partition(".")[0]

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        """One call of `wandb.log`; a step that lies behind is dropped with a warning, as on W&B."""
        if step is not None:
            if step < self.step:
                text = f"step {step} is dropped: it is behind step {self.step}"
                print(f"wandb: WARNING {text}", file=sys.stderr)
                return
            if step > self.step:
                self.flush()
                self.step, self.counted = step, False
        self.pending.update(data)
        if commit or (commit is None and step is None):
            self.flush()
            self.step, self.counted = self.step + 1, False
        elif commit is None and any(self._is_objective(name) for name in self.pending):
            self.flush()

    def flush(self) -> None:
        """Report what is pending."""
        row, self.pending = self.pending, {}
        if self.counted:
            row = {name: value for name, value in row.items() if not self._is_objective(name)}
        if row:
            self.counted = self.counted or any(map(self._is_objective, row))
            client.report(row, self.step)

    def _is_objective(self, name: str) -> bool:
        return bool(self.objective) and (name == os.environ.get("HPO_METRIC") or name == self.objective)
