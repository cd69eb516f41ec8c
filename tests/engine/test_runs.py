"""Whole runs on a real Ray: sweeps of small scripts, with all that can go wrong in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.engine.ending import Ending
from hpo.errors import UserError
from hpo.record.journal import read_journal

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_here")]

QUADRATIC = """
import wandb
run = wandb.init(project="x", config={"steps": 3, "lr": 1})
for step in range(wandb.config.steps):
    wandb.log({"loss": (wandb.config.lr - 0.3) ** 2 + 1 / (step + 1), "step": step})
"""
PLAIN = """
import hpo
for step in range(3):
    hpo.report({"loss": (hpo.config()["lr"] - 0.3) ** 2 + 1 / (step + 1), "step": step})
"""
LR = {"lr": {"min": 0.0, "max": 1.0}}
ALONE = {"hpo": {"concurrency": 1, "tensorboard": False}}


@pytest.fixture
def sweep(run_script: Any) -> Any:
    """A function that runs a script by random search over lr, or by what a sweep dict says."""
    return lambda script, config=None, **options: run_script(
        script, {"parameters": LR, **(config or {})}, **options
    )


def test_random_search_gives_the_best_trial(sweep: Any) -> None:
    result = sweep(QUADRATIC, count=5, seed=1)
    assert result.state == "complete"
    assert [t.state for t in result.trials] == ["finished"] * 5
    assert all(t.iterations == 3 for t in result.trials)
    best = min(result.trials, key=lambda t: abs(t.config["lr"] - 0.3))
    assert result.best == best
    assert result.best.value == pytest.approx((best.config["lr"] - 0.3) ** 2 + 1 / 3)


def test_what_a_run_directory_holds(sweep: Any, tmp_path: Path) -> None:
    sweep(PLAIN, {"name": "my sweep"}, count=2, concurrency=1)
    events = read_journal(tmp_path / "run")
    assert events[0]["event"] == "run"
    assert events[0]["sweep"]["name"] == "my sweep"
    assert events[-1] == events[-1] | {"event": "done", "state": "complete"}
    rows = [
        json.loads(line) for line in (tmp_path / "run/trials/0001/metrics.jsonl").read_text().splitlines()
    ]
    assert [row["step"] for row in rows] == [0, 1, 2]
    assert (tmp_path / "run/sweep.yaml").exists()
    assert hpo.load_sweep(tmp_path / "run/sweep.yaml").name == "my sweep"


def test_grid_runs_each_cell_once_and_ends(sweep: Any) -> None:
    config = {"method": "grid", "parameters": {"lr": {"values": [0.1, 0.3]}, "B": {"values": [1, 2]}}}
    result = sweep(PLAIN, config, concurrency=1)
    assert [(t.config["B"], t.config["lr"]) for t in result.trials] == [
        (1, 0.1),
        (1, 0.3),
        (2, 0.1),
        (2, 0.3),
    ]


@pytest.mark.parametrize("method", ["random", "grid"])
def test_both_engines_give_the_same_trials(sweep: Any, tmp_path: Path, method: str) -> None:
    parameters = LR if method == "random" else {"lr": {"values": [0.1, 0.2, 0.3, 0.9]}}
    config = {"method": method, "parameters": parameters}
    script = QUADRATIC if method == "random" else PLAIN
    ours = sweep(script, config, count=4, seed=3, concurrency=1)
    (tmp_path / "run").rename(tmp_path / "ours")
    tuned = sweep(script, config, count=4, seed=3, concurrency=1, engine="tune")
    facts = [
        [(t.number, t.config, t.state, t.value, t.last, t.iterations) for t in r.trials]
        for r in (ours, tuned)
    ]
    assert len(facts[0]) == 4
    assert facts[0] == facts[1]


def test_hyperband_stops_poor_trials(sweep: Any) -> None:
    script = """
    import time, hpo
    for step in range(1, 28):
        hpo.report({"loss": hpo.config()["lr"]})
        time.sleep(0.05)
    """
    config = {
        "method": "grid",
        "parameters": {"lr": {"values": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}},
        "early_terminate": {"type": "hyperband", "min_iter": 3, "eta": 3},
        "hpo": {"kill_grace": 1},
    }
    result = sweep(script, config)
    states = {t.config["lr"]: t.state for t in result.trials}
    assert states[0.1] == "finished"
    assert states[0.6] == "stopped"
    stopped = [t for t in result.trials if t.state == "stopped"]
    assert all(3 <= t.iterations < 27 for t in stopped)


def test_a_failing_trial_is_a_result_and_the_sweep_goes_on(sweep: Any) -> None:
    script = """
    import hpo
    lr = hpo.config()["lr"]
    if lr == 2:
        raise ValueError("bad lr")
    if lr == 3:
        hpo.report({"los": 1, "other": 2})
    if lr == 4:
        hpo.report({"loss": float("nan")})
    if lr == 1:
        hpo.report({"loss": 1})
    """
    result = sweep(script, {"method": "grid", "parameters": {"lr": {"values": [1, 2, 3, 4]}}}, concurrency=1)
    assert [t.state for t in result.trials] == ["finished", "failed", "failed", "failed"]
    reasons = [t.reason for t in result.trials]
    assert "ValueError: bad lr" in reasons[1]
    assert "los" in reasons[2]
    assert "other" in reasons[2]
    assert "NaN" in reasons[3]
    assert result.best is not None
    assert result.best.config == {"lr": 1}


def test_first_trials_that_fail_alike_end_the_run(sweep: Any) -> None:
    result = sweep("import not_there", count=30, concurrency=2)
    assert result.state == "failed"
    assert "not_there" in result.reason
    assert len(result.trials) < 10


def test_max_failures_tries_again(sweep: Any) -> None:
    script = """
    import os, hpo
    if not os.path.exists("second"):
        open("second", "w").close()
        raise SystemExit(3)
    hpo.report({"loss": 1})
    """
    result = sweep(script, {"hpo": {"max_failures": 1, "preload": "off"}}, count=1)
    assert [(t.state, t.attempts) for t in result.trials] == [("finished", 2)]


def test_a_target_ends_the_run(sweep: Any) -> None:
    config = {"metric": {"name": "loss", "goal": "maximize", "target": 0.0}}
    result = sweep("import hpo; hpo.report({'loss': 0.0})", config, count=50, concurrency=1)
    assert result.state == "target"
    assert len(result.trials) == 1


def test_a_time_budget_ends_the_run(sweep: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float] = []
    look_up = Ending.look_up

    def once_a_trial_runs(ending: Ending, seconds: float) -> None:
        if not begun and list(tmp_path.glob("run/trials/*/metrics.jsonl")):
            begun.append(seconds)
        look_up(ending, seconds - begun[0] if begun else 0.0)

    monkeypatch.setattr(Ending, "look_up", once_a_trial_runs)
    script = "import time, hpo; hpo.report({'loss': 1}); time.sleep(600)"
    result = sweep(script, {"hpo": {"time_budget": 2, "kill_grace": 1}})
    assert result.state == "budget"
    assert {t.state for t in result.trials} == {"interrupted"}


def test_nested_values_reach_argv_and_config(sweep: Any) -> None:
    script = """
    import ast, sys, wandb
    wandb.init(config={"optimizer": {"momentum": 9}, "own": 1})
    (argument,) = sys.argv[1:]
    name, _, text = argument.partition("=")
    assert name == "--optimizer" and ast.literal_eval(text) == {"lr": 0.1}, argument
    assert wandb.config["optimizer"] == {"lr": 0.1, "momentum": 9}, dict(wandb.config)
    wandb.config.update({"optimizer": 3}, allow_val_change=True)
    assert wandb.config["optimizer"]["lr"] == 0.1
    wandb.log({"loss": 1})
    """
    parameters = {"optimizer": {"parameters": {"lr": {"values": [0.1]}}}}
    result = sweep(script, {"method": "grid", "parameters": parameters})
    assert [(t.state, t.reason) for t in result.trials] == [("finished", "")]


def test_a_function_in_place_of_a_script(tmp_path: Path) -> None:
    seen = {"scale": 10}

    def train() -> None:
        import wandb

        with wandb.init() as run:
            run.log({"loss": wandb.config.lr * seen["scale"]})

    result = hpo.run(
        {"method": "random", "metric": {"name": "loss"}, "parameters": LR, **ALONE},
        train,
        count=3,
        out=tmp_path / "a",
    )
    assert [t.state for t in result.trials] == ["finished"] * 3
    assert all(t.value == pytest.approx(10 * t.config["lr"]) for t in result.trials)


def test_the_notebook_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def train() -> None:
        hpo.report({"loss": hpo.config()["lr"]})

    sweep_id = hpo.sweep(
        {"method": "grid", "metric": {"name": "loss"}, "parameters": {"lr": {"values": [3, 2, 1]}}, **ALONE}
    )
    result = hpo.agent(sweep_id, function=train, count=2)
    assert [t.config["lr"] for t in result.trials] == [3, 2]
    more = hpo.agent(sweep_id, function=train, count=5)
    assert [t.config["lr"] for t in more.trials] == [3, 2, 1]
    with pytest.raises(UserError, match="call hpo"):
        hpo.agent("unknown", function=train)


def test_the_notebook_form_takes_what_a_run_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = {"method": "tpe", "metric": {"name": "loss"}, "parameters": LR, **ALONE}
    first = hpo.run(config, lambda: {"loss": 1}, count=1, out="earlier")
    states: list[Any] = []
    sweep_id = hpo.sweep(config)

    def agent(count: int, **options: Any) -> hpo.RunResult:
        return hpo.agent(sweep_id, lambda: {"loss": 2}, count, **options)

    result = agent(1, out="text", prior=[str(first.directory)], watch=states.append)
    assert (result.directory.name, result.state) == ("text", "complete")
    assert states
    assert len(agent(2, out="text").trials) == 3
    with pytest.raises(UserError, match=r"goes on in .*text; leave `out` out"):
        agent(3, out=tmp_path / "elsewhere")


def test_what_is_refused_before_anything_starts(sweep: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--count"):
        sweep(QUADRATIC)
    with pytest.raises(UserError, match=r"did you mean 'train\.py'"):
        sweep(QUADRATIC, {"program": "trian.py"}, count=1)
    with pytest.raises(UserError, match="no trial fits"):
        sweep(QUADRATIC, {"hpo": {"resources": {"cpu": 1000}}}, count=1)
    assert not (tmp_path / "run").exists()
