"""Earlier runs: what of them a search takes, what it says of the rest, and that it makes a difference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.record.journal import Journal
from hpo.sweepfile.load import load_sweep
from hpo.tune.earlier import earlier_trials
from hpo.tune.translate import searcher

PARAMETERS: dict[str, Any] = {
    "x": {"min": 0.0, "max": 1.0},
    "kind": {"values": ["a", "b"]},
    "slope": {"min": 0.0, "max": 1.0, "when": {"kind": "b"}},
}


def sweep(method: str = "tpe", **parameters: Any) -> Any:
    return load_sweep({"method": method, "metric": {"name": "loss"}, "parameters": PARAMETERS | parameters})


def write(folder: Path, configs: list[dict[str, Any]], goal: str = "minimize") -> Path:
    journal = Journal.create(folder)
    journal.append({"event": "run", "metric": {"name": "loss", "goal": goal}, "time": 0.0})
    for number, config in enumerate(configs, 1):
        journal.append({"event": "trial", "trial": number, "config": config, "time": 0.0})
        journal.append({"event": "start", "trial": number, "attempt": 1, "slot": 0, "node": "", "time": 0.0})
        loss = abs(config["x"] - 0.9)
        values = {"value": loss, "last": loss, "iterations": 4}
        journal.append({"event": "end", "trial": number, "state": "finished", "time": 1.0, **values})
    journal.commit()
    journal.close()
    return folder


def test_what_fits_is_taken_and_the_rest_is_named_with_its_reason(tmp_path: Path) -> None:
    configs = [
        {"x": 0.2, "kind": "a"},
        {"x": 1.5, "kind": "a"},
        {"x": 0.2, "kind": "c"},
        {"x": 0.2, "kind": "b"},
        {"x": 0.3, "kind": "b", "slope": 0.5},
    ]
    run = write(tmp_path / "run", configs)
    found, (note,) = earlier_trials(sweep(), [run])
    assert [trial.config for trial in found] == [configs[0], configs[4]]
    assert found[0].value == pytest.approx(0.7)
    assert note.startswith(f"prior {run}: 2 trials; 3 do not fit: ")
    for reason in (
        "'x': 1.5 is not between 0 and 1",
        "'kind': 'c' is not one of its values",
        "'slope' is missing",
    ):
        assert reason in note


def test_a_run_with_another_goal_is_left_out(tmp_path: Path) -> None:
    found, (note,) = earlier_trials(sweep(), [write(tmp_path / "run", [{"x": 0.1, "kind": "a"}], "maximize")])
    assert found == []
    assert note.endswith("nothing taken: it was to maximize loss")


@pytest.mark.parametrize("method", ["tpe", "gp", "cmaes", "bohb"])
def test_the_first_suggestions_follow_earlier_trials(method: str, tmp_path: Path) -> None:
    configs = [{"x": number / 40, "kind": "a"} for number in range(40)]
    found, _ = earlier_trials(sweep(method), [write(tmp_path / "run", configs)])
    assert len(found) == 40
    search = searcher(sweep(method), 2)
    assert search.recall(found)
    xs = []
    for number in range(8):
        config = search.suggest(str(number))
        xs.append(abs(config["x"] - 0.9))
        search.on_trial_complete(str(number), {"loss": xs[-1], "training_iteration": 4})
    assert sorted(xs)[3] < 0.15, xs


def test_what_cmaes_begins_with_is_earlier_than_its_own_first_trial(tmp_path: Path) -> None:
    """Its first generation is drawn around the earlier trials, whichever of its own end first."""
    configs = [{"x": number / 40, "kind": "a"} for number in range(40)]
    found, _ = earlier_trials(sweep("cmaes"), [write(tmp_path / "run", configs)])
    seconds = []
    for loss in (-1.0, 9.0):
        search = searcher(sweep("cmaes"), 2)
        assert search.recall(found)
        search.suggest("0")
        search.on_trial_complete("0", {"loss": loss})
        seconds.append(search.suggest("1"))
    assert seconds[0] == seconds[1]
