"""A run as a whole → TensorBoard: columns of HParams, progress, best trials, a population's story."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import yaml

from hpo.record.events import EventFile, table, text
from hpo.record.flat import Path, dotted, flatten
from hpo.record.hparams import Columns, as_text, experiment
from hpo.record.lineage import Stretch, lineage
from hpo.record.metrics import read_rows
from hpo.record.tensorboard import Layout, mutated_values
from hpo.record.trial import TrialRecord, TrialState
from hpo.record.trials import RunState, has_value, rank
from hpo.trial.media import name_of

SWEEP, LINEAGE = "_sweep", "_best_lineage"
TOP = 20
"""So many of the best trials are listed."""
EXPLOITS = 200
"""So many of the newest exploits are listed."""


class SweepLog:
    """The directory `_sweep` and, of a population, `_best_lineage`."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.directory = layout, layout.root / SWEEP
        self._file: EventFile | None = None
        self._told: Columns | None = None
        self._points = 0
        self._texts: dict[str, str] = {}
        self._lineage: list[Stretch] = []

    def point(self, state: RunState) -> None:
        """How far the run is, by the number of trials that have ended. Raises OSError."""
        counts = state.counts
        ended = sum(counts[name] for name in ("finished", "stopped", "failed"))
        if ended <= self._points:
            return
        self._points = ended
        values = {f"sweep/{name}": float(counts[name]) for name in ("finished", "stopped", "failed")}
        if state.best is not None and state.best.value is not None:
            values["sweep/best"] = state.best.value
        self._opened(state).scalars(ended, state.updated or 0.0, values)

    def columns(self, state: RunState) -> None:
        """Tell what columns there are, if that has changed.

        TensorBoard keeps the first that it has read of a directory, and takes any one where there are two:
        so each version has a directory of its own, and the one before goes.
        """
        if self.layout.columns == self._told:
            return
        self._told = self.layout.columns
        versions = self.versions()
        for version in versions:
            shutil.rmtree(self.directory / f"v{version}", ignore_errors=True)
        began = state.started or 0.0
        file = EventFile(self.directory / f"v{max(versions, default=0) + 1}", began)
        file.summary(0, began, [experiment(self.layout.columns, began)])
        file.close()

    def versions(self) -> list[int]:
        """Of what columns there are: one, unless a process died in between."""
        return [int(path.name[1:]) for path in self.directory.glob("v*") if path.name[1:].isdecimal()]

    def texts(self, state: RunState) -> None:
        """The sweep file, the best trials, notes, and what a population has done, as far as that is new."""
        found = {
            "sweep file": _indented(yaml.safe_dump(state.run.get("sweep") or {}, sort_keys=False)),
            "best trials": _best_trials(state),
            "notes": "\n".join(f"* {as_text(note)}" for note in state.notes[-TOP:]),
        }
        if self.layout.mutated is not None:
            found |= {"exploits": _exploits(state, self.layout), "winning lineage": self._story(state)}
        for tag, content in found.items():
            if content and self._texts.get(tag) != content:
                self._texts[tag] = content
                self._opened(state).summary(self._points, state.updated or 0.0, [text(tag, content)])

    def lineage(self, state: RunState, *, clean: bool) -> None:
        """The training behind the best value, through all clones, as one curve; `clean`: only this one.

        A later file that goes back to the first step takes the place of an earlier one's.
        """
        if self.layout.mutated is None:
            return
        found = _lineage(state)
        if not found or (found == self._lineage and not clean):
            return
        self._lineage = found
        directory = self.layout.root / LINEAGE
        if clean:
            shutil.rmtree(directory, ignore_errors=True)
        file = EventFile(directory, state.started or 0.0)
        for stretch in found:
            for iteration, when, value in _values(self.layout, stretch):
                told = {self.layout.metric: value, "hparam/trial": float(stretch.trial)}
                file.scalars(iteration, when, told | mutated_values(stretch.config, self.layout.mutated))
        file.close()

    def flush(self) -> None:
        """Write what is kept. Raises OSError."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _opened(self, state: RunState) -> EventFile:
        if self._file is None:
            self._file = EventFile(self.directory, state.started or 0.0)
        return self._file

    def _story(self, state: RunState) -> str:
        assert self.layout.mutated is not None
        names = [f"hparam/{name}" for name in self.layout.mutated]
        rows = []
        for one in self._lineage or _lineage(state):
            values = mutated_values(one.config, self.layout.mutated)
            cells = [f"{values[name]:.4g}" if name in values else "" for name in names]
            rows.append([f"{one.begin + 1} … {one.end}", name_of(one.trial), *cells])
        return table(["iterations", "trial", *self.layout.mutated], rows) if rows else ""


def _indented(content: str) -> str:
    """As code, whatever it holds."""
    return "\n".join(f"    {line}" for line in content.splitlines())


def _best_trials(state: RunState) -> str:
    best = [trial for trial in rank(state.trials.values(), state.goal)[:TOP] if has_value(trial)]
    if not best:
        return ""
    paths = list(dict.fromkeys(path for trial in best for path, _ in flatten(trial.config)))
    heads = ["trial", "best", "last", "iterations", "state", *dotted(paths)]
    return table([*heads], (_cells(trial, paths) for trial in best))


def _cells(trial: TrialState, paths: list[Path]) -> Iterator[str]:
    values = dict(flatten(trial.config))
    yield name_of(trial.number)
    yield from ("" if value is None else f"{value:.6g}" for value in (trial.value, trial.last))
    yield str(trial.iterations)
    yield trial.state
    for path in paths:
        value = values.get(path, "")
        yield f"{value:.6g}" if isinstance(value, float) else as_text(value)


def _exploits(state: RunState, layout: Layout) -> str:
    rows = []
    for trial in state.trials.values():
        before: dict[str, float] = {}
        for one in trial.generations:
            values = mutated_values(one.config, layout.mutated or ())
            if one.donor is not None:
                changes = [f"{before.get(k, 0):.4g} → {v:.4g}" for k, v in values.items()]
                trials, at = (name_of(trial.number), name_of(one.donor)), str(one.donor_iteration)
                place = [str(one.iteration), *trials, at]
                rows.append((one.time or 0.0, [*place, *changes]))
            before = values
    heads = ["after iteration", "trial", "takes over", "at its iteration", *(layout.mutated or ())]
    return table(heads, (row for _, row in sorted(rows)[-EXPLOITS:])) if rows else ""


def _lineage(state: RunState) -> list[Stretch]:
    best = state.best
    if best is None:
        return []
    trials: dict[int, TrialRecord] = {number: trial.record() for number, trial in state.trials.items()}
    return lineage(trials, trials[best.number])


def _values(layout: Layout, stretch: Stretch) -> Iterator[tuple[int, float, float]]:
    """Iteration from the lineage's beginning, time and objective of a stretch's rows."""
    objective, length = layout.objective(), stretch.end - stretch.begin
    for row in read_rows(layout.run_dir, stretch.trial):
        value = objective.add_row(row)
        at = objective.iterations - stretch.after
        if value is not None and 0 < at <= length:
            yield stretch.begin + at, float(row.get("_time") or 0.0), value
