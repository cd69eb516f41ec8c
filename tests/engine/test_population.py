"""A population of real trials: the paper's toy, without Ray's faults, and its schedule replayed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
import yaml

import hpo
from hpo.record.trials import RunRecord, load_run
from hpo.review.schedule import as_yaml, schedule_of
from tests.engine.left_behind import events, rows

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_here")]
cloudpickle.register_pickle_by_value(sys.modules[__name__])  # no trial need import Ray for its function
STEPS, INTERVAL = 24, 4


def sweep(folder: Path, count: int, slots: int, kind: str = "pbt", **rule: Any) -> dict[str, Any]:
    h = {"distribution": "uniform", "min": 0.0, "max": 1.0}
    constants = {"steps": STEPS, "slots": slots, "folder": str(folder / "begun")}
    return {
        "method": "random",
        "metric": {"name": "loss"},
        "parameters": {"h0": h, "h1": h, **{name: {"value": value} for name, value in constants.items()}},
        "run_cap": count,
        "early_terminate": {"type": kind, "interval": INTERVAL, "mutate": ["h0", "h1"], **rule},
        "hpo": {"concurrency": slots, "seed": 5, "resources": {"cpu": 0.25}, "tensorboard": False},
    }


def meet(config: dict[str, Any]) -> None:
    """Return once a trial has begun in every slot, however late one of them comes up."""
    os.makedirs(config["folder"], exist_ok=True)
    Path(config["folder"], str(os.getpid())).touch()
    deadline = time.monotonic() + 120
    while len(os.listdir(config["folder"])) < config["slots"]:
        assert time.monotonic() < deadline, "a slot has begun no trial"
        time.sleep(0.02)


def toy(config: dict[str, Any]) -> None:
    """Jaderberg et al., section 4.1; each row tells where the weights come from."""
    state = hpo.get_checkpoint() or {"step": 0, "weights": (0.9, 0.9), "way": []}
    step, weights, way = state["step"], state["weights"], list(state["way"])
    meet(config)
    while step < config["steps"]:
        time.sleep(0.1)  # long enough that members do not end one after another on a busy machine
        weights = tuple(w - 0.1 * config[h] * w for w, h in zip(weights, ("h0", "h1"), strict=True))
        step, way = step + 1, [*way, config["h0"]]
        row = {"loss": sum(w * w for w in weights) - 1.2, "h0": config["h0"], "step": step, "way": way}
        hpo.report(row, checkpoint={"step": step, "weights": weights, "way": way})


def forgetful(config: dict[str, Any]) -> None:
    for step in range(STEPS):
        time.sleep(0.01)
        hpo.report({"loss": config["h0"] + 1 / (step + 1)})


def consistent(run: Path) -> RunRecord:
    """Check each exploitation of a run against what the trials themselves have logged."""
    record = load_run(run)
    exploits = events(run, "exploit")
    assert exploits
    configs = {
        trial.number: [(0, trial.generations[0].config if trial.generations else trial.config)]
        for trial in record.trials
    }
    for one in exploits:
        number, donor = one["trial"], one["donor"]
        assert all(0.0 <= one["config"][name] <= 1.0 for name in ("h0", "h1"))
        assert one["config"]["steps"] == STEPS
        assert one["donor_iteration"] % INTERVAL == 0
        assert one["iteration"] % INTERVAL == 0
        assert donor != number
        configs[number].append((one["iteration"], one["config"]))
        logged = rows(run, number)
        if len(logged) > one["iteration"]:  # the clone went on from just that checkpoint, with that value
            first = logged[one["iteration"]]
            assert first["h0"] == one["config"]["h0"]
            source = rows(run, donor)[one["donor_iteration"] - 1]
            assert first["way"][:-1] == source["way"]
    for trial in record.trials:
        assert trial.state == "finished"
        logged = rows(run, trial.number)
        assert [row["_step"] for row in logged] == list(range(len(logged)))
        assert trial.iterations == len(logged)  # not a row is lost, and none is there twice
        for at, row in enumerate(logged):
            config = [config for begun, config in configs[trial.number] if begun <= at][-1]
            assert row["h0"] == config["h0"]
        assert len(os.listdir(run / "trials" / f"{trial.number:04d}" / "checkpoints")) == 1
    return record


@pytest.mark.parametrize(("kind", "count", "slots"), [("pbt", 4, 4), ("pb2", 6, 2)])
def test_a_population_of_real_trials(tmp_path: Path, kind: str, count: int, slots: int) -> None:
    run = tmp_path / "run"
    result = hpo.run(sweep(tmp_path, count, slots, kind), toy, out=run)
    record = consistent(run)
    assert {trial.attempts for trial in record.trials} == {1}
    if slots == count:
        assert len(events(run, "pause")) == len(events(run, "exploit"))
    found = schedule_of(record)
    assert found.iterations == STEPS
    winner = rows(run, found.winner.number)
    way = winner[-1]["way"]
    begins = sorted(found.values["h0"])
    assert way == [found.values["h0"][max(b for b in begins if b <= at)] for at in range(STEPS)]
    file = tmp_path / "schedule.yaml"
    file.write_text(as_yaml(record, found))
    assert yaml.safe_load(file.read_text())["schedule"].keys() == {"h0", "h1"}
    again = hpo.run(sweep(tmp_path, count, slots, kind), toy, out=tmp_path / "again", replay=file)
    (trial,) = again.trials
    assert trial.value == pytest.approx(result.best.value if result.best else None)
    assert rows(tmp_path / "again", 1)[-1]["way"] == way
    assert again.best_config == found.stretches[-1].config


def test_a_script_without_checkpoints_is_told_so_and_runs_through(tmp_path: Path) -> None:
    run = tmp_path / "run"
    hpo.run(sweep(tmp_path, 4, 2), forgetful, out=run)
    record = load_run(run)
    assert [(t.state, t.iterations, t.attempts) for t in record.trials] == [("finished", STEPS, 1)] * 4
    assert (events(run, "exploit"), events(run, "pause")) == ([], [])
    assert len(events(run, "start")) == 4
    notes = [event["text"] for event in events(run, "note") if "without a checkpoint" in event["text"]]
    assert len(notes) == 1


def diverging(config: dict[str, Any]) -> None:
    state = hpo.get_checkpoint() or {"step": 0}
    meet(config)
    for step in range(state["step"], STEPS):
        time.sleep(0.02)
        loss = float("nan") if config["h0"] > 0.6 else config["h0"]
        hpo.report({"loss": loss}, checkpoint={"step": step + 1})


def test_a_trial_that_diverges_takes_over_a_sound_one(tmp_path: Path) -> None:
    run = tmp_path / "run"
    result = hpo.run(sweep(tmp_path, 6, 3), diverging, out=run)
    broken = [t.number for t in result.trials if (t.generations or [t])[0].config["h0"] > 0.6]
    assert 0 < len(broken) < 6
    assert {event["trial"] for event in events(run, "exploit")} & set(broken)
    assert [trial.state for trial in result.trials] == ["finished"] * 6
