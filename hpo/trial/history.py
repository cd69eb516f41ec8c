"""wandb.log's calls → rows, by W&B's rules of steps and commits."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from hpo.trial import client
from hpo.trial.objective import AGGREGATES, find
from hpo.trial.values import has_only_values, plain_row


class History:
    """Merges what is logged at one step into one row and reports it.

    W&B commits a row that was logged with `step=` only when a later step begins. Here it is reported as soon
    as it carries the objective, so that early stopping does not lag by an epoch, and what else is logged at
    that step follows as a row of its own. One step stays one iteration: an objective that is logged again
    within its step corrects the best and last value (as a summary does), and from then on this run's rows
    wait for the step's end.
    """

    def __init__(
        self, committed: Callable[[Mapping[str, Any], int], object] | None = None, step: int = 0
    ) -> None:
        self.step = step or int(os.environ.get("HPO_STEP") or 0)
        """The step that a log call without one belongs to; a trial that goes on counts on."""
        self._committed = committed
        """Gets each whole row and its step when W&B would commit it."""
        self._row: dict[str, Any] = {}
        self._unsent: dict[str, Any] = {}
        self._reported: Any = None
        """The objective's value at this step, once it was reported."""
        self._hasty = True
        self._when = 0.0
        self._objective = os.environ.get("HPO_METRIC", "")
        stem, _, end = self._objective.rpartition(".")
        self._stem = stem if end in AGGREGATES else ""

    def log(self, data: Mapping[str, Any], step: Any = None, commit: bool | None = None) -> None:
        """One call of `wandb.log`; a step that lies behind is dropped with a warning, as on W&B."""
        self._when = time.time()
        number = None if step is None else int(step)
        if number is not None and not self._reach(number):
            return
        if not has_only_values(data):
            show_media(data, self.step)
        whole = commit if commit is not None else number is None
        if whole and not self._row:  # by far the most calls
            self._commit_at_once(data)
            return
        values = plain_row(data)
        _merge(self._row, values)
        _merge(self._unsent, values)
        if whole:
            self.flush()
            self._next(self.step + 1)
        elif commit is None and self._hasty and self._reported is None and self._value(values) is not None:
            self._send()

    def flush(self) -> None:
        """Report what waits, at the end of a step or of the run."""
        row, self._row = self._row, {}
        self._send()
        if row and self._committed is not None:
            self._committed(row, self.step)

    def _reach(self, step: int) -> bool:
        if step < self.step:
            text = f"step {step} is dropped: it lies behind the current step {self.step}"
            print(f"wandb: WARNING {text}", file=sys.stderr)
        elif step > self.step:
            self.flush()
            self._next(step)
        return step >= self.step

    def _next(self, step: int) -> None:
        self.step, self._reported = step, None

    def _commit_at_once(self, data: Mapping[str, Any]) -> None:
        if self._committed is not None:
            data = plain_row(data)
        if data:
            client.row(data, self.step, self._when)
            if self._committed is not None:
                self._committed(data, self.step)
        self.step, self._reported = self.step + 1, None

    def _send(self) -> None:
        row, self._unsent = self._unsent, {}
        value = self._value(row)
        if self._reported is not None and value is not None:
            if value != self._reported:
                self._hasty = False
                client.summary({self._objective: value})
            row = _without(row, self._objective, self._stem)
        elif value is not None:
            self._reported = value
        if row:
            client.row(row, self.step, self._when)

    def _value(self, row: Mapping[str, Any]) -> float | None:
        """The objective's finite number in a row, or that of the metric whose aggregate it is."""
        for name in (self._objective, self._stem):
            value = find(row, name) if name else None
            if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
                return value
        return None


def show_media(data: Mapping[str, Any], step: int) -> None:
    """Have TensorBoard show what of a row are pictures and histograms, where it is to show this trial."""
    if os.environ.get("HPO_TENSORBOARD") and client.owner() and client.counts():
        from hpo.trial.media import show  # most scripts log none

        show(data, step)


def warn_of_tensorboard(options: Mapping[str, Any]) -> None:
    """Say that what `wandb.init(sync_tensorboard=True)` would take from event files is not followed."""
    if options.get("sync_tensorboard") or options.get("tensorboard"):
        text = "sync_tensorboard: hpo reads no event files; log the sweep's metric by wandb.log or hpo.report"
        print(f"hpo: WARNING {text}", file=sys.stderr)


def _merge(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    """Put the values of `above` in; nested mappings are merged, as W&B merges a step's rows."""
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _merge(below[key], value)
        else:
            below[key] = {**value} if isinstance(value, dict) else value


def _without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A copy of a row without these metrics, wherever the dots of their names lead."""
    kept = {}
    for key, value in row.items():
        if key in names:
            continue
        if isinstance(value, dict):
            inner = [name[len(key) + 1 :] for name in names if name.startswith(f"{key}.")]
            value = _without(value, *inner) if inner else value
            if inner and not value:
                continue
        kept[key] = value
    return kept
