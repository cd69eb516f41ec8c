"""`--engine tune`: the same Tune objects and trial processes in a stock `ray.tune.Tuner`.

The oracle for tests, and the way out for people who need Tune's own machinery. Tune's fastest plain settings:
actors reused, no loggers, no snapshots.
"""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ray import tune
from ray.tune import Callback, CheckpointConfig, RunConfig, TuneConfig, Tuner
from ray.tune.experiment import Trial
from ray.tune.stopper import CombinedStopper, Stopper

from hpo.engine.cluster import Cluster
from hpo.engine.live import LiveRecord
from hpo.engine.ongoing import Outcome, Record
from hpo.engine.overlaps import Overlaps
from hpo.engine.plan import Plan, Watch
from hpo.engine.unread import Unread
from hpo.errors import Resumable, UserError
from hpo.trial.launch import spawn
from hpo.trial.recipe import Recipe
from hpo.tune.searchers import BEST, END
from hpo.tune.translate import TargetStopper

SETTINGS = {
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    "TUNE_WARN_THRESHOLD_S": "10",
}
ASIDES = "_hpo_asides"
"""Key of a result for events that are no results."""
FOREVER = 1e6


class StockTrial(tune.Trainable):
    """A trial process as a class trainable: one step a report that carries the metric.

    A result is held back until the next event, so that the last one can say `done` and how the trial ended.
    """

    def setup(self, config: dict[str, Any], recipe: Recipe, function: bytes | None) -> None:
        """Start the supervisor, once an actor, and the first trial."""
        self.recipe, self.function = recipe, function
        self.supervisor = spawn()
        self.asides: list[dict[str, Any]] = []
        """What its trials' processes have said beside results; goes with the next result."""
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """End what still runs and start the next trial in the same actor."""
        self._finish()
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """The next result."""
        while len(self.held) < 2 and self.ended is None:
            self._take(FOREVER)
        result = self.held.pop(0) if self.held else {}
        if self.asides:
            result, self.asides = {**result, ASIDES: self.asides}, []
        return result if self.held or self.ended is None else {**result, "done": True, END: self.ended}

    def cleanup(self) -> None:
        """The actor goes."""
        self._finish()
        self.supervisor.close()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing: a script's state is its own."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing, likewise."""

    def _begin(self, config: dict[str, Any]) -> None:
        self.held: list[dict[str, Any]] = []
        self.ended: dict[str, Any] | None = None
        spec = self.recipe.build(int(self.trial_name), 1, config)
        self.supervisor.start(replace(spec, milestones=None), self.function)

    def _take(self, timeout: float) -> None:
        name = self.recipe.metric
        for event in self.supervisor.events(timeout):
            if event["event"] == "result":
                value = math.nan if event["value"] is None else event["value"]
                self.held.append({name: value, BEST: event["best"]})
            elif event["event"] in ("note", "writes"):
                self.asides.append(event)
            elif event["event"] == "end":
                self.ended = {key: value for key, value in event.items() if key not in ("event", "trial")}

    def _finish(self) -> None:
        if self.ended is None:
            self.supervisor.stop("stopped")
        while self.ended is None:
            self._take(FOREVER)


class Recorder(Callback):
    """Tune's events → the journal."""

    def __init__(self, record: Record, metric: str, watch: Callable[[], None], recipe: Recipe) -> None:
        self.record, self.metric, self.watch = record, metric, watch
        self.seen: set[str] = set()
        self.said: set[str] = set()
        self.unread, self.overlaps = Unread(recipe), Overlaps(recipe.cwd)
        self.unwritten = ""
        """What could not be written: the run ends."""

    def on_trial_start(self, iteration: int, trials: Any, trial: Trial, **info: Any) -> None:
        """A trial starts."""
        number = int(str(trial))
        if trial.trial_id not in self.seen:
            self.seen.add(trial.trial_id)
            self._note({"event": "trial", "trial": number, "config": trial.config})
            self._note({"event": "start", "trial": number, "attempt": 1, "slot": 0, "node": ""})

    def on_trial_result(
        self, iteration: int, trials: Any, trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """A result came in."""
        for aside in result.get(ASIDES, ()):
            if aside["event"] == "note":
                self._say(aside["text"])
            else:
                self._say(self.overlaps.wrote(aside["trial"], aside["began"], aside["paths"]))
        if self.metric in result:
            value = result[self.metric]
            values = {"value": value if math.isfinite(value) else None, "best": result[BEST]}
            number = {"trial": int(str(trial)), "iteration": result["training_iteration"]}
            self._note({"event": "result", **number, **values})

    def on_trial_complete(self, iteration: int, trials: Any, trial: Trial, **info: Any) -> None:
        """A trial ended by itself or was stopped."""
        last = trial.last_result or {}
        early = {
            "state": "stopped",
            "kind": "",
            "reason": "",
            "value": last.get(BEST),
            "last": last.get(self.metric),
            "iterations": last.get("training_iteration", 0),
            "seconds": last.get("time_total_s"),
        }
        end = {key: value for key, value in last.get(END, early).items() if key != "log_tail"}
        number = int(str(trial))
        self._say(self.unread.ended(number, trial.config, end))
        ended_by_itself = end.get("began") is not None
        last_seen = end["began"] + end["seconds"] if ended_by_itself else last.get("timestamp", 0.0)
        self.overlaps.ended(number, last_seen)
        end.pop("unread", None)
        if end["state"] == "interrupted":
            self.unwritten = self.unwritten or end["reason"]
        self._note({"event": "end", "trial": number, "attempt": 1, **end})

    def on_experiment_end(self, trials: Any, **info: Any) -> None:
        """All trials have ended."""
        self._say(self.unread.over())

    def on_trial_error(self, iteration: int, trials: Any, trial: Trial, **info: Any) -> None:
        """Tune itself lost a trial."""
        end = {"state": "failed", "kind": "lost", "reason": "lost by Ray Tune"}
        self._note({"event": "end", "trial": int(str(trial)), "attempt": 1, **end})

    def _say(self, text: str) -> None:
        """Note it, unless another actor said so already."""
        if text and text not in self.said:
            self.said.add(text)
            self._note({"event": "note", "text": text})

    def _note(self, event: dict[str, Any]) -> None:
        try:
            self.record.append(event)
            self.record.commit()
        except Resumable as error:  # Tune would print its trace, and go on
            self.unwritten = self.unwritten or str(error).partition(";")[0]
        self.watch()


class UnwrittenStopper(Stopper):
    """Ends an experiment whose record can be written no more."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:
        """No trial is stopped by itself."""
        return False

    def stop_all(self) -> bool:
        """Whether something could not be written."""
        return bool(self.recorder.unwritten)


def _scratch() -> tempfile.TemporaryDirectory[str]:
    """Tune needs a place for its own files; nothing in it is kept."""
    return tempfile.TemporaryDirectory(prefix="hpo-tune-")


def _numbered() -> Callable[[Trial], str]:
    """Names trials 0001, 0002, … in the order in which Tune makes them; asked again, it says the same."""
    numbers: dict[str, str] = {}

    def name(trial: Trial) -> str:
        return numbers.setdefault(trial.trial_id, f"{len(numbers) + 1:04d}")

    return name


def run_stock(run: Plan, cluster: Cluster, size: int, record: LiveRecord, watch: Watch) -> Outcome:
    """Run a plan in a stock Tuner."""
    os.environ.update(SETTINGS)
    metric = run.sweep.metric
    stopper = TargetStopper(metric) if metric and metric.target is not None else None
    demand = {key: value for key, value in cluster.demand(run.sweep.hpo.resources).items() if value}
    recipe = run.recipe()
    trainable = tune.with_parameters(StockTrial, recipe=recipe, function=run.function())
    recorder = Recorder(record, metric.name if metric else "", lambda: watch(record.state), recipe)
    name = _numbered()
    tuning = TuneConfig(
        search_alg=run.search(),
        scheduler=run.scheduler(pausing=False),  # a script would start over
        num_samples=run.count or -1,
        max_concurrent_trials=size,
        time_budget_s=run.sweep.hpo.time_budget,
        reuse_actors=True,
        trial_name_creator=name,
        trial_dirname_creator=name,
    )
    # Tune prints tables and the scratch directory's name to stdout, whatever its verbosity.
    with _scratch() as scratch, open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        running = RunConfig(
            name="tune",
            storage_path=scratch,
            stop=CombinedStopper(UnwrittenStopper(recorder), *([stopper] if stopper else [])),
            verbose=0,
            callbacks=[recorder],
            checkpoint_config=CheckpointConfig(checkpoint_at_end=False),
        )
        Tuner(tune.with_resources(trainable, demand), tune_config=tuning, run_config=running).fit()
    if recorder.unwritten:
        raise UserError(f"{recorder.unwritten}; the trials of a stock Tuner cannot go on: start it anew")
    return Outcome("target" if stopper and stopper.reached else "complete")
