"""A run directory → all that the sections of its report are made from."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hpo.record.journal import iterate_journal
from hpo.record.observed import observe
from hpo.record.trial import TrialRecord
from hpo.record.trials import RunRecord, has_value
from hpo.review.report.clock import Clock, Interval, Timeline, laned
from hpo.review.report.parameters import Parameter, parameters_of
from hpo.sweepfile.load import read_sweep
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.population import Population
from hpo.sweepfile.section import EarlyTermination


@dataclass(frozen=True)
class Facts:
    """One run. Times are unix seconds; `clock` makes seconds of the run from them."""

    record: RunRecord
    sweep: Sweep | None
    """None where the recorded one cannot be read any more."""
    parameters: tuple[Parameter, ...]
    intervals: tuple[Interval, ...]
    clock: Clock
    seen: float
    """When this was the state of things."""
    cpus: float
    gpus: float
    """Of one trial."""

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """All of them, by number."""
        return self.record.trials

    @property
    def sign(self) -> float:
        """What a value is multiplied with so that less is better."""
        return -1.0 if self.record.goal == "maximize" else 1.0

    @property
    def rule(self) -> EarlyTermination | None:
        """How trials were stopped early."""
        return self.sweep.early_terminate if self.sweep else None

    @cached_property
    def population(self) -> bool:
        """Whether trials took over each other's states."""
        return isinstance(self.rule, Population) or any(trial.generations for trial in self.trials)

    @cached_property
    def rungs(self) -> tuple[int, ...]:
        """Iterations at which trials were compared, as far as any came."""
        longest = max((trial.iterations for trial in self.trials), default=0)
        return tuple(rung for rung in (self.rule.rungs() if self.rule else ()) if rung <= longest)

    @cached_property
    def sound(self) -> tuple[TrialRecord, ...]:
        """Trials with a finite value that did not fail."""
        return tuple(trial for trial in self.trials if has_value(trial) and trial.state != "failed")

    @cached_property
    def lanes(self) -> tuple[str, ...]:
        """All slots that were ever used, in order."""
        return tuple(sorted({one.lane for one in self.intervals}, key=_natural))


def facts_of(run_dir: Path | str) -> Facts:
    """Read a run, which may be running; raises UserError where there is none."""
    record = observe(run_dir).record
    timeline = Timeline()
    for event in iterate_journal(run_dir):
        timeline.apply(event)
    running = record.state == "running"
    seen = time.time() if running else record.updated or time.time()
    clock = timeline.finish(seen, "running" if running else "interrupted")
    sweep = read_sweep(_by_itself(record.sweep)).sweep
    configs = [generation.config for trial in record.trials for generation in trial.generations]
    cpus, gpus = _demand(timeline, sweep)
    return Facts(
        record=record,
        sweep=sweep,
        parameters=parameters_of(record, sweep.space if sweep else None, configs),
        intervals=tuple(laned(timeline.intervals)),
        clock=clock,
        seen=seen,
        cpus=cpus,
        gpus=gpus,
    )


def _by_itself(sweep: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded sweep without what needs the user's own files, which may be elsewhere or gone by now."""
    kept = {key: sweep[key] for key in ("parameters", "metric", "metrics", "early_terminate") if key in sweep}
    rule, own = kept.get("early_terminate"), sweep.get("hpo")
    if isinstance(rule, Mapping) and ":" in str(rule.get("type")):
        del kept["early_terminate"]
    if isinstance(own, Mapping):
        kept["hpo"] = {key: own[key] for key in ("resources", "time_budget") if key in own}
    return {**kept, "method": "random"}


def _demand(timeline: Timeline, sweep: Sweep | None) -> tuple[float, float]:
    """CPUs and GPUs of a trial: as they were given, else as the sweep asks for them."""
    given = timeline.opening.get("resources")
    if isinstance(given, dict):
        return float(given.get("cpu") or 0), float(given.get("gpu") or 0)
    asked = sweep.hpo.resources if sweep else None
    return float(asked.cpu if asked else 1), float((asked.gpu if asked else 0) or 0)


def _natural(lane: str) -> tuple[str, float]:
    node, _, slot = lane.rpartition(" · ")
    return node, float(slot) if slot.isdecimal() else math.inf


def short(value: float | None) -> float | int | None:
    """Six significant digits, which no figure shows more of; None for what is no finite number."""
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def shorts(values: Sequence[float | None]) -> list[float | int | None]:
    """The same of each."""
    return [short(value) for value in values]
