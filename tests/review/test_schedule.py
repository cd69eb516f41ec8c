"""The schedule behind a run's best trial, and the rules that come near it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from hpo.errors import UserError
from hpo.record.trials import RunRecord, RunState
from hpo.review.rules import rules
from hpo.review.schedule import schedule_of
from hpo.sweepfile.load import load_sweep
from hpo.sweepfile.population import Replay
from hpo.sweepfile.replay import read_schedule, replayed

LR = {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0}
SWEEP = {
    "method": "random",
    "program": "train.py",
    "metric": {"name": "loss"},
    "parameters": {"lr": LR, "inner": {"parameters": {"noise": {"min": 0.0, "max": 1.0}}}, "n": {"value": 3}},
    "early_terminate": {"type": "pbt", "interval": 10, "mutate": ["lr", "inner.noise"]},
}


def config(lr: float, noise: float = 0.5) -> dict[str, Any]:
    return {"inner": {"noise": noise}, "lr": lr, "n": 3}


def record(*events: dict[str, Any]) -> RunRecord:
    state = RunState()
    state.apply({"event": "run", "sweep": SWEEP, "metric": {"name": "loss", "goal": "minimize"}})
    for event in events:
        state.apply({"time": 0.0, **event})
    return state.record("run")


def begun(number: int, lr: float) -> list[dict[str, Any]]:
    return [{"event": "trial", "trial": number, "config": config(lr)}, {"event": "start", "trial": number}]


def result(number: int, iteration: int, value: float) -> dict[str, Any]:
    return {"event": "result", "trial": number, "iteration": iteration, "value": value, "best": value}


def exploit(number: int, at: int, donor: int, donor_at: int, lr: float) -> dict[str, Any]:
    places = {"iteration": at, "donor": donor, "donor_iteration": donor_at, "checkpoint": "000001"}
    return {"event": "exploit", "trial": number, "config": config(lr), **places}


def ended(number: int, iterations: int, value: float, last: float) -> dict[str, Any]:
    values = {"value": value, "last": last, "iterations": iterations, "state": "finished"}
    return {"event": "end", "trial": number, **values}


def population() -> list[dict[str, Any]]:
    """Trial 2 clones trial 1 at 10; trial 3, which is behind, clones trial 2 at 20 and ends best."""
    return [
        *begun(1, 0.1),
        *begun(2, 0.2),
        *begun(3, 0.3),
        exploit(2, 10, 1, 10, 0.08),
        result(2, 20, 2.0),
        exploit(3, 10, 2, 20, 0.05),
        ended(1, 30, 5.0, 5.0),
        ended(2, 30, 1.5, 1.5),
        ended(3, 20, 1.0, 1.0),
    ]


def test_the_lineage_counts_the_models_own_iterations() -> None:
    found = schedule_of(record(*population()))
    assert [(one.trial, one.begin, one.end) for one in found.stretches] == [
        (1, 0, 10),
        (2, 10, 20),
        (3, 20, 30),
    ]
    assert found.values == {"lr": {0: 0.1, 10: 0.08, 20: 0.05}, "inner.noise": {0: 0.5}}
    assert (found.iterations, found.config) == (30, config(0.1))


def test_a_best_value_from_before_an_exploitation_has_the_lineage_of_its_time() -> None:
    run = record(
        *begun(1, 0.1), *begun(2, 0.2), result(2, 9, 0.5), exploit(2, 10, 1, 10, 0.08), ended(2, 20, 0.5, 3.0)
    )
    found = schedule_of(run)
    assert [(one.trial, one.begin, one.end) for one in found.stretches] == [(2, 0, 10)]
    assert found.values["lr"] == {0: 0.2}


def test_a_best_value_between_two_that_reached_the_record_has_the_lineage_of_its_time() -> None:
    before, after = result(2, 10, 0.8), {**result(2, 12, 0.9), "best": 0.5}  # that of the eleventh iteration
    run = record(
        *[*begun(1, 0.1), *begun(2, 0.2), before, exploit(2, 10, 1, 10, 0.08), after, ended(2, 12, 0.5, 0.9)]
    )
    found = schedule_of(run)
    assert [(one.trial, one.begin, one.end) for one in found.stretches] == [(1, 0, 10), (2, 10, 12)]
    assert found.values["lr"] == {0: 0.1, 10: 0.08}


def test_the_record_keeps_the_newest_configuration_and_all_before() -> None:
    second = record(*population()).trials[1]
    assert second.config["lr"] == 0.08
    assert [(one.iteration, one.donor, one.config["lr"]) for one in second.generations] == [
        (0, None, 0.2),
        (10, 1, 0.08),
    ]


def test_a_run_without_values_has_no_schedule() -> None:
    with pytest.raises(UserError, match="no trial of run has a value"):
        schedule_of(record(*begun(1, 0.1)))


def test_a_printed_schedule_is_replayed_by_one_trial(tmp_path: Path) -> None:
    from hpo.review.schedule import as_yaml

    run = record(*population())
    file = tmp_path / "schedule.yaml"
    file.write_text(as_yaml(run, schedule_of(run)))
    changes = read_schedule(file)
    assert changes == {0: config(0.1), 10: config(0.08), 20: config(0.05)}
    sweep = replayed(load_sweep(SWEEP), changes)
    assert sweep.space.sample(1, 0) == config(0.1)
    assert sweep.run_cap == 1
    assert isinstance(sweep.early_terminate, Replay)
    assert sweep.early_terminate.milestones == (10, 20)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is no schedule"),
        ("3", "is no schedule"),
        ("{config: {lr: 0.1}, schedule: {lr: [0.1]}}", "is no schedule"),
        ("{config: {lr: 0.1}, schedule: {momentum: {0: 0.9}}}", "names 'momentum'"),
    ],
)
def test_what_is_no_schedule_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "schedule.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        read_schedule(file)


def test_a_schedule_of_another_sweep_is_refused() -> None:
    with pytest.raises(UserError, match=r"lacks inner\.noise, n"):
        replayed(load_sweep(SWEEP), {0: {"lr": 0.1}})
    with pytest.raises(UserError, match="has momentum besides"):
        replayed(load_sweep(SWEEP), {0: {**config(0.1), "momentum": 0.9}})
    inner = {"parameters": {"m": {"values": [1, 2]}}, "when": {"n": 1}}
    other = {"method": "random", "parameters": {"n": {"values": [1, 2]}, "inner": inner}}
    with pytest.raises(UserError, match="its 'inner' holds no parameters"):
        replayed(load_sweep(other), {0: {"n": 2, "inner": 3}})


def test_each_rule_is_found_where_it_was_the_schedule() -> None:
    curves = {
        "exponential": {at: 0.5 * 0.97**at for at in range(60)},
        "cosine": {at: 0.01 + 0.49 * (1 + math.cos(math.pi * at / 60)) / 2 for at in range(60)},
        "multistep": {0: 0.5, 20: 0.05, 40: 0.005},
    }
    for name, changes in curves.items():
        best, *others = rules(changes, 60)
        assert best.name == name
        assert best.error < 1e-3 < others[0].error
        assert best.start == pytest.approx(0.5, rel=1e-3)
    assert "milestones=[20, 40], gamma=0.1" in rules(curves["multistep"], 60)[0].code
    assert "gamma=0.97" in rules(curves["exponential"], 60)[0].code
    assert "T_max=60, eta_min=0.01" in rules(curves["cosine"], 60)[0].code


@pytest.mark.process
@pytest.mark.torch
def test_fitted_code_does_what_the_error_says() -> None:
    import torch  # takes seconds

    changes = {0: 0.5, 7: 0.6, 20: 0.1, 33: 0.08, 45: 0.01}
    for rule in rules(changes, 60):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rule.start)
        scheduler = eval(rule.code, {"torch": torch, "optimizer": optimizer})
        squares = 0.0
        for at in range(60):
            wanted = changes[max(begin for begin in changes if begin <= at)]
            squares += math.log(optimizer.param_groups[0]["lr"] / wanted) ** 2
            optimizer.step()
            scheduler.step()
        assert math.sqrt(squares / 60) == pytest.approx(rule.error, rel=1e-3)


def test_what_is_constant_or_not_positive_has_no_rule() -> None:
    assert rules({0: 0.1}, 10) == []
    assert rules({0: 0.1, 5: 0.0}, 10) == []
    assert rules({0: "adam", 5: "sgd"}, 10) == []


def test_a_schedule_of_a_conditional_space_leaves_out_what_it_has_not() -> None:
    parameters = {"lr": {"min": 0.0, "max": 1.0}, "n": {"values": [1, 2]}}
    inner = {"parameters": {"m": {"values": [3, 4]}}, "when": {"n": 2}}
    sweep = {"method": "random", "command": ["true"], "parameters": {**parameters, "inner": inner}}
    for first in ({"lr": 0.5, "n": 1}, {"lr": 0.5, "n": 2, "inner": {"m": 3}}):
        again = replayed(load_sweep(sweep), {0: first})
        assert again.space.sample(1, 0) == first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            None,
            ": this is no schedule: no such file; name a file that is there; it holds",
        ),
        ("config: [\n", ":2:1: this is no schedule: not YAML: did not find expected node content"),
        ("config: &a [*a]\n", ":1:9: this is no schedule: an alias that contains itself"),
        ("config: 2020-13-45\n", " is no schedule: it holds `config:` and `schedule:`"),
        (f"config: {'[' * 3000}", ":1:108: this is no schedule: nested more than 100 deep"),
        ("config: 3\n", " is no schedule: it holds `config:` and `schedule:`"),
    ],
)
def test_a_file_that_is_no_schedule_is_told_with_place_and_remedy(
    tmp_path: Path, text: str | None, said: str
) -> None:
    file = tmp_path / "schedule.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError) as error:
        read_schedule(file)
    assert str(error.value).removeprefix(str(file)).strip().startswith(said.strip())
    assert "\n" not in str(error.value)
