from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ray.tune.schedulers import MedianStoppingRule

import hpo
from hpo.engine.scheduling import Scheduling
from hpo.errors import UserError
from hpo.sweepfile.early import RULES
from hpo.sweepfile.load import read_sweep
from hpo.tune.schedulers import SCHEDULERS

CODE = """
from ray.tune.schedulers import FIFOScheduler

class Patient(FIFOScheduler):
    def __init__(self, patience, metric=None):
        super().__init__()
        if patience < 1:
            raise ValueError("patience is below 1")
        self.patience = patience

class Choosy(FIFOScheduler):
    def set_search_properties(self, metric, mode, **spec):
        raise ValueError(f"{metric} is nothing to {mode}imise")

class Alone:
    pass

def function():
    pass
"""


def sweep(**rule: Any) -> dict[str, Any]:
    return {
        "method": "random",
        "program": "t.py",
        "run_cap": 3,
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "metric": {"name": "loss"},
        "early_terminate": rule,
    }


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"mine_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    return name


def test_a_class_of_the_users_own_is_built_with_its_keys(mine: str) -> None:
    scheduler: Any = hpo.translate(sweep(type=f"{mine}:Patient", patience=7)).scheduler
    assert type(scheduler).__name__ == "Patient"
    assert scheduler.patience == 7
    assert scheduler.metric == "loss"


def test_any_scheduler_of_rays_is_one() -> None:
    rule = {
        "type": "ray.tune.schedulers:MedianStoppingRule",
        "time_attr": "training_iteration",
        "hard_stop": True,
    }
    assert read_sweep(sweep(**rule)).problems == ()
    scheduler: Any = hpo.translate(sweep(**rule)).scheduler
    assert isinstance(scheduler, MedianStoppingRule)
    assert (scheduler.metric, scheduler._hard_stop) == ("loss", True)


def test_one_of_rays_tells_trials_apart_and_knows_one_that_is_tried_again() -> None:
    """It keeps them in lists and dicts."""
    rule = {
        "type": "ray.tune.schedulers:MedianStoppingRule",
        "time_attr": "training_iteration",
        "grace_period": 0,
        "min_samples_required": 1,
    }
    scheduling = Scheduling(hpo.translate(sweep(**rule)).scheduler)

    def report(name: str, loss: float) -> str:
        scheduling.add(name, {})
        return scheduling.result(name, {"training_iteration": 1, "loss": loss})

    assert report("1", 1.0) == "CONTINUE"
    scheduling.complete("1", None, error=False)
    assert report("1", 3.0) == "CONTINUE"  # no worse than another one: there is none
    assert report("2", 5.0) == "STOP"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"patience": 0}, "Patient cannot be built with patience: ValueError: patience is below 1"),
        ({}, "Patient cannot be built with no keys: TypeError: "),
        ({"patience": 1, "more": 2}, "Patient cannot be built with patience, more: TypeError: "),
    ],
)
def test_a_class_that_cannot_be_built_says_why(mine: str, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        hpo.translate(sweep(type=f"{mine}:Patient", **keys))


def test_a_class_that_does_not_take_the_metric_says_why(mine: str) -> None:
    with pytest.raises(
        UserError, match="Choosy cannot be built with no keys: ValueError: loss is nothing to min"
    ):
        hpo.translate(sweep(type=f"{mine}:Choosy"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Patiemt", "has no scheduler 'Patiemt'; did you mean 'Patient'?"),
        ("Alone", "class Alone of"),
        ("function", "derive it from"),
    ],
)
def test_what_is_no_scheduler_is_refused(mine: str, name: str, said: str) -> None:
    with pytest.raises(UserError, match=said.replace("?", r"\?")):
        hpo.translate(sweep(type=f"{mine}:{name}"))


def test_a_module_beside_the_sweep_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "beside_the_file.py").write_text(CODE)
    (tmp_path / "s.yaml").write_text(
        "method: random\nmetric: {name: loss}\nparameters: {x: {min: 0.0, max: 1.0}}\n"
        "early_terminate: {type: 'beside_the_file:Patient', patience: 3}\n"
    )
    scheduler: Any = hpo.translate(tmp_path / "s.yaml").scheduler
    assert scheduler.patience == 3


def test_every_rule_has_a_scheduler() -> None:
    assert set(RULES.values()) <= set(SCHEDULERS)
