from __future__ import annotations

import math
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.tune import CheckpointConfig, RunConfig, TuneConfig, Tuner
from ray.tune.experiment import Trial

import hpo
from hpo.engine.scheduling import Scheduling
from hpo.tune.schedulers.promotion import NO_CHECKPOINT
from tests.tune.simulated import Run, Simulated, curves, scheduling

RULE = {"type": "asha", "promote": True, "min_iter": 1, "max_iter": 27}


def run_of(count: int, **options: Any) -> Run:
    given: dict[str, Any] = {"curves": curves(count), "longest": 27, "checkpointed": lambda number: True}
    return Run(scheduling(RULE), **(given | options)).run()


def test_a_third_goes_on_from_each_rung_as_in_the_paper() -> None:
    drawn = random.Random(2)
    run = run_of(2000, curves=[lambda t: drawn.random()] * 2000)
    passed = [2000, *(run.reached(rung) for rung in (1, 3, 9))]
    for n, (before, after) in enumerate(pairwise(passed)):
        assert after == pytest.approx(before / 3, rel=0.1 * 2**n)
        assert after <= before / 3 + 3 * before**0.5
    assert {trial.status for trial in run.trials} == {Trial.PAUSED, Trial.TERMINATED}


def test_no_trial_passes_a_rung_that_is_not_among_its_best_third_at_that_time() -> None:
    run = run_of(200, seed=4)
    paused = [trial for trial in run.trials if trial.status == Trial.PAUSED and trial.done == 1]
    passed = [trial for trial in run.trials if trial.done > 1]
    value = {trial.trial_id: run.curves[int(trial.trial_id)](1) for trial in run.trials}
    assert len(passed) <= 200 / 3 + 30
    best_third = sorted(value.values())[: 200 // 3]
    assert all(value[trial.trial_id] > best_third[-1] for trial in paused)


def test_the_best_of_the_highest_rung_goes_on_first() -> None:
    asha = scheduling(RULE)
    for number in range(3):
        trial = Simulated(str(number), {}, Trial.RUNNING, checkpointed=True)
        asha.trials[trial.trial_id] = trial
        asha.scheduler.on_trial_add(asha, trial)
    for number, loss, decision in ((0, 0.3, "PAUSE"), (1, 0.2, "PAUSE")):
        assert asha.result(str(number), {"training_iteration": 1, "loss": loss}) == decision
        asha.trials[str(number)].status = Trial.PAUSED
    assert asha.scheduler.choose_trial_to_run(asha) is None
    assert asha.result("2", {"training_iteration": 1, "loss": 0.4}) == "PAUSE"
    # its checkpoint is still being written, and it is not the best anyway
    assert asha.scheduler.choose_trial_to_run(asha) is asha.trials["1"]
    asha.trials["1"].status = Trial.RUNNING
    assert asha.scheduler.choose_trial_to_run(asha) is None


def test_a_trial_whose_checkpoint_is_being_written_is_not_chosen_yet() -> None:
    asha = scheduling(RULE)
    for number, loss in enumerate([0.1, 0.2, 0.3]):
        trial = Simulated(str(number), {}, Trial.RUNNING, checkpointed=True)
        asha.trials[trial.trial_id] = trial
        asha.scheduler.on_trial_add(asha, trial)
        assert asha.result(str(number), {"training_iteration": 1, "loss": loss}) == "PAUSE"
    assert asha.scheduler.choose_trial_to_run(asha) is None
    asha.trials["0"].status = Trial.PAUSED
    assert asha.scheduler.choose_trial_to_run(asha) is asha.trials["0"]


class StockTuner(Scheduling):
    """Stands in for the controller of a stock Tuner, which a scheduler can tell to stop a trial."""

    def stop_trial(self, trial: Simulated) -> None:
        self.complete(trial.trial_id, None, error=False)


def test_a_stock_tuner_whose_trials_all_pause_stops_the_worst() -> None:
    tuner = StockTuner(scheduling(RULE | {"eta": 4}).scheduler)
    for name, loss in (("best", 0.1), ("middle", 0.2), ("worst", 0.3)):
        trial = tuner.trials[name] = Simulated(name, {}, Trial.RUNNING, checkpointed=True)
        tuner.scheduler.on_trial_add(tuner, trial)
        assert tuner.result(name, {"training_iteration": 1, "loss": loss}) == "PAUSE"
        trial.status = Trial.PAUSED
    left = []
    while tuner.trials:
        assert tuner.scheduler.choose_trial_to_run(tuner) is None
        left.append(list(tuner.trials))
    assert left == [["best", "middle"], ["best"], []]


def test_a_stock_tuner_stops_no_trial_while_another_one_runs_or_after_all_have_ended() -> None:
    tuner = StockTuner(scheduling(RULE | {"eta": 4}).scheduler)
    for name, loss in (("pauses", 0.1), ("runs", 0.2)):
        tuner.trials[name] = Simulated(name, {}, Trial.RUNNING, checkpointed=True)
        tuner.scheduler.on_trial_add(tuner, tuner.trials[name])
        assert tuner.result(name, {"training_iteration": 1, "loss": loss}) == "PAUSE"
    tuner.trials["pauses"].status = Trial.PAUSED
    assert tuner.scheduler.choose_trial_to_run(tuner) is None
    assert list(tuner.trials) == ["pauses", "runs"]
    for name in ("pauses", "runs"):
        tuner.complete(name, None, error=False)
    assert tuner.scheduler.choose_trial_to_run(tuner) is None


def test_resumed_trials_pause_again_and_ended_ones_are_forgotten() -> None:
    run = run_of(120, slots=4)
    again = [name for how, name, done in run.order if how == "paused" and done == 3]
    assert again
    went_on = {name for how, name, done in run.order if how == "resumed" and done == 3}
    assert went_on
    assert went_on <= set(again)
    left = [trial for trial in run.trials if trial.status == Trial.PAUSED]
    for trial in left:
        run.scheduling.complete(trial.trial_id, None, error=False)
    assert run.scheduling.scheduler.choose_trial_to_run(run.scheduling) is None


def test_a_trial_that_was_lost_while_it_paused_is_chosen_at_its_new_rung_only() -> None:
    asha = scheduling(RULE)

    def start(name: str) -> None:
        trial = asha.trials[name] = Simulated(name, {}, Trial.RUNNING, checkpointed=True)
        asha.scheduler.on_trial_add(asha, trial)

    def pause(name: str, iteration: int, loss: float) -> None:
        assert asha.result(name, {"training_iteration": iteration, "loss": loss}) == "PAUSE"
        asha.trials[name].status = Trial.PAUSED

    start("0")
    pause("0", 1, 0.1)
    asha.complete("0", None, error=False)
    start("0")
    pause("0", 3, 0.9)
    for name in "123456":
        start(name)
        assert asha.result(name, {"training_iteration": 1, "loss": 0.5}) in ("PAUSE", "CONTINUE")
    assert asha.scheduler.choose_trial_to_run(asha) is None


def test_without_a_checkpoint_a_trial_is_stopped_or_goes_on_and_it_is_said_once() -> None:
    run = run_of(200, checkpointed=lambda number: number % 2 == 0)
    paused = {name for how, name, _ in run.order if how == "paused"}
    assert paused
    assert all(int(name) % 2 == 0 for name in paused)
    assert {run.trials[n].end for n in range(1, 200, 2)} == {"stopped", "finished"}
    assert run.scheduling.notes() == [NO_CHECKPOINT]
    assert run.scheduling.notes() == []


def test_no_number_is_stopped_and_not_paused_for_ever() -> None:
    run = run_of(30, curves=[lambda t: math.nan] * 10 + [lambda t: 0.5] * 20)
    assert [trial.end for trial in run.trials[:10]] == ["stopped"] * 10


def test_promotion_takes_less_work_than_stopping() -> None:
    stopping = Run(scheduling(RULE | {"promote": False}), curves(200), longest=27).run()
    assert sum(run_of(200).iterations) < sum(stopping.iterations)


class Counting(tune.Trainable):  # type: ignore[misc]
    """Counts on from its checkpoint; the log says which iterations were done."""

    def setup(self, config: dict[str, Any]) -> None:
        self.config, self.count = config, 0

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial in this process, from nothing unless a checkpoint is loaded."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        self.count += 1
        with open(self.config["log"], "a") as log:
            log.write(f"{self.config['x']} {self.count}\n")
        return {"loss": self.config["x"] + 1 / self.count, "done": self.count == 9}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        (Path(checkpoint_dir) / "count").write_text(str(self.count))

    def load_checkpoint(self, checkpoint: Any) -> None:
        self.count = int((Path(checkpoint) / "count").read_text())


def test_a_stock_tuner_pauses_and_goes_on(tmp_path: Path, ray_here: None) -> None:
    log = tmp_path / "log"
    sweep = {
        "method": "random",
        "run_cap": 7,
        "metric": {"name": "loss"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}, "log": {"value": str(log)}},
        "early_terminate": {"type": "asha", "promote": True, "min_iter": 1, "max_iter": 9},
    }
    t = hpo.translate(sweep, seed=1)
    tuner = Tuner(
        Counting,
        param_space=t.param_space,
        tune_config=TuneConfig(
            search_alg=t.search_alg, scheduler=t.scheduler, num_samples=7, reuse_actors=True
        ),
        run_config=RunConfig(
            storage_path=str(tmp_path), verbose=0, checkpoint_config=CheckpointConfig(checkpoint_at_end=False)
        ),
    )
    results = tuner.fit()
    assert len(results) == 7
    assert not results.errors
    lines = log.read_text().splitlines()
    assert len(lines) == len(set(lines))  # nothing was done twice
    done: dict[str, int] = {}
    for x, count in map(str.split, lines):
        done[x] = max(done.get(x, 0), int(count))
    assert 2 <= sum(count > 1 for count in done.values()) <= 4
    assert min(done, key=float) in sorted(done, key=lambda x: -done[x])[:1]
