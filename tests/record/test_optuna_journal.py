"""What Optuna reads out of an exported journal: states, values, distributions, steps, times."""

from __future__ import annotations

import json
import math
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from hpo.errors import UserError
from hpo.record.metrics import read_rows
from hpo.record.optuna_journal import MOST_STEPS, optuna_file
from hpo.record.trials import load_run
from tests.record.made import asha_run, pbt_run
from tests.record.odd import CONFIGS, ENDS, ROWS, odd_run


def study_of(run: Path) -> Any:
    file = run.with_suffix(".log")
    optuna_file(load_run(run), file)
    return optuna.load_study(study_name=run.name, storage=JournalStorage(JournalFileBackend(str(file))))


def test_each_trial_of_an_asha_run_is_there_with_state_value_and_steps(tmp_path: Path) -> None:
    run = asha_run(tmp_path / "run", 60, failing=0.2)
    record, study = load_run(run), study_of(run)
    states = {"finished": "COMPLETE", "stopped": "PRUNED", "failed": "FAIL"}
    assert len({trial.state for trial in record.trials}) == 3
    for ours, theirs in zip(record.trials, study.trials, strict=True):
        assert theirs.number == ours.number - 1
        assert theirs.state.name == states[ours.state]
        assert theirs.value == (None if ours.state == "failed" else ours.value)
        logged = [row["loss"] for row in read_rows(run, ours.number)]
        assert theirs.intermediate_values == dict(enumerate(logged, 1))
        assert theirs.params["lr"] == ours.config["lr"]
        assert theirs.params["model.noise_b"] == ours.config["model"]["noise_b"]
        assert theirs.params["layers"] == json.dumps(ours.config["layers"])
        assert theirs.params["optimizer"] == ours.config["optimizer"]
        assert theirs.duration.total_seconds() == pytest.approx((ours.ended or 0) - (ours.started or 0))
    assert study.user_attrs["constants"] == {"epochs": 27}
    assert study.best_value == min(t.value for t in record.trials if t.state == "finished" and t.value)


def test_distributions_are_the_sweeps(tmp_path: Path) -> None:
    trials = study_of(odd_run(tmp_path / "run", ENDS, ROWS)).trials
    found = trials[1].distributions
    assert found["lr"] == FloatDistribution(1e-4, 0.1, log=True)
    assert found["units"] == IntDistribution(1, 256, log=True)
    assert found["drop"] == FloatDistribution(0.0, 0.5, step=0.1)
    assert (found["decay"].low, found["decay"].high) == (pytest.approx(-4, abs=0.01), 9.5)
    assert found["net.depth"] == CategoricalDistribution([1, 2, 3])
    assert found["net.depth (2)"] == CategoricalDistribution([4, 5])
    assert found["net.act"] == CategoricalDistribution(["relu", None])
    assert found["layers"] == CategoricalDistribution(["[32]", "[32, 32]", "none"])
    assert found["flag"] == CategoricalDistribution(["true", "1", '"1"'])
    assert found["momentum"] == FloatDistribution(0.0, 1.0)
    assert [trial.params["flag"] for trial in trials] == ["true", "1", '"1"']
    assert [trial.params["drop"] for trial in trials] == [0.3, 0.0, 0.5]
    assert ["momentum" in trial.params for trial in trials] == [False, True, False]


def test_failures_and_running_trials_have_no_value(tmp_path: Path) -> None:
    done, failed, running = study_of(odd_run(tmp_path / "run", ENDS, ROWS)).trials
    assert [trial.state.name for trial in (done, failed, running)] == ["COMPLETE", "FAIL", "RUNNING"]
    assert (done.value, failed.value, running.value) == (0.5, None, None)
    assert failed.user_attrs["reason"] == ENDS[1]["reason"]
    assert running.datetime_complete is None


def test_a_finished_trial_without_a_number_is_a_failure(tmp_path: Path) -> None:
    ends: list[dict[str, Any]] = [
        {"state": "finished", "value": math.nan},
        {"state": "stopped", "value": None},
    ]
    states = [trial.state.name for trial in study_of(odd_run(tmp_path / "run", ends)).trials]
    assert states == ["FAIL", "PRUNED"]


def test_several_objectives(tmp_path: Path) -> None:
    metrics = [{"name": "loss", "goal": "minimize"}, {"name": "acc", "goal": "maximize"}]
    ends = [
        {"state": "finished", "value": 0.5, "values": {"loss": 0.5, "acc": 3}},
        {"state": "stopped", "value": 0.4, "values": {"loss": 0.4, "acc": 2}},
        {"state": "stopped", "value": 0.4, "values": {"loss": 0.4}},
    ]
    study = study_of(odd_run(tmp_path / "run", ends, metrics=metrics))
    assert [direction.name for direction in study.directions] == ["MINIMIZE", "MAXIMIZE"]
    assert study.metric_names == ["loss", "acc"]
    assert [trial.values for trial in study.trials] == [[0.5, 3.0], [0.4, 2.0], None]
    assert {trial.number for trial in study.best_trials} == {0, 1}


def test_a_population_keeps_its_generations(tmp_path: Path) -> None:
    run = pbt_run(tmp_path / "run")
    changed = [trial for trial in load_run(run).trials if trial.generations]
    trials = study_of(run).trials
    assert changed
    for ours in changed:
        told = trials[ours.number - 1].user_attrs
        assert told["parent"] == ours.generations[-1].donor
        assert [one["config"] for one in told["generations"]] == [one.config for one in ours.generations]
        assert trials[ours.number - 1].params["lr"] == ours.config["lr"]


def test_values_outside_of_the_sweeps_bounds_widen_them(tmp_path: Path) -> None:
    sweep = {"parameters": {"lr": {"min": 0.02, "max": 0.05}, "units": {"min": 2, "max": 9}}}
    trials = study_of(odd_run(tmp_path / "run", ENDS, sweep=sweep)).trials
    assert trials[0].distributions["lr"] == FloatDistribution(1e-4, 0.1)
    assert trials[0].distributions["units"] == IntDistribution(1, 256)


def test_a_search_space_that_cannot_be_read_is_taken_from_the_values(tmp_path: Path) -> None:
    sweep = {"parameters": {"lr": {"distribution": "of tomorrow"}}}
    trials = study_of(odd_run(tmp_path / "run", ENDS, sweep=sweep)).trials
    assert trials[0].distributions["lr"] == FloatDistribution(1e-4, 0.1)
    assert trials[0].distributions["block.a"] == IntDistribution(1, 2)
    assert len(trials) == len(CONFIGS)


def test_long_trials_are_thinned_out_evenly(tmp_path: Path) -> None:
    rows = [[{"loss": float(n)} for n in range(1, 3 * MOST_STEPS)]]
    (trial,) = study_of(odd_run(tmp_path / "run", ENDS[:1], rows)).trials
    steps = trial.intermediate_values
    assert MOST_STEPS <= len(steps) <= MOST_STEPS + 2
    assert {1, 3 * MOST_STEPS - 1} <= set(steps)
    assert all(value == step for step, value in steps.items())


def test_a_sweep_without_a_metric_is_refused(tmp_path: Path) -> None:
    run = odd_run(tmp_path / "run", ENDS, metric=None)
    with pytest.raises(UserError, match=r"names no metric.*export --csv"):
        optuna_file(load_run(run), tmp_path / "x.log")
    assert not (tmp_path / "x.log").exists()


@contextmanager
def dashboard(file: Path) -> Iterator[str]:
    """optuna-dashboard on a journal; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from optuna_dashboard._cli import main; main()"]
    process = subprocess.Popen([*command, str(file), "--host", "127.0.0.1", "--port", str(port)])
    try:
        yield f"http://127.0.0.1:{port}/api"
    finally:
        process.terminate()
        process.wait(20)


def answer(address: str, patience: float = 60.0) -> Any:
    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(address, timeout=patience) as reply:
                return json.load(reply)
        except (ConnectionError, urllib.error.URLError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


@pytest.mark.process
@pytest.mark.parametrize("make", [asha_run, pbt_run])
def test_optuna_dashboard_answers_with_all_trials(make: Any, tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    record, file = load_run(run), tmp_path / "study.log"
    optuna_file(record, file)
    with dashboard(file) as address:
        (summary,) = answer(f"{address}/studies")["study_summaries"]
        assert summary["study_name"] == "run"
        study = answer(f"{address}/studies/{summary['study_id']}?after=0")
    states = {"finished": "Complete", "stopped": "Pruned", "failed": "Fail"}
    assert Counter(t["state"] for t in study["trials"]) == Counter(states[t.state] for t in record.trials)
    assert study["has_intermediate_values"]
    assert study["objective_names"] == ["loss"]
    ended = {trial["number"] + 1: trial["values"] for trial in study["trials"] if trial["state"] != "Fail"}
    assert ended == {t.number: [t.value] for t in record.trials if t.state != "failed"}
