"""A Searcher of another make: asked over the sweep's space, told results, refused with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.errors import UserError
from hpo.sweepfile.load import load_sweep, read_sweep
from hpo.tune.translate import searcher

SOURCE = """
from ray.tune.search import Searcher

class Middle(Searcher):
    def __init__(self, share=0.5):
        super().__init__()
        self.share, self.told = share, []

    def set_search_properties(self, metric, mode, config, **spec):
        self._metric, self._mode, self.space = metric, mode, config
        return True

    def suggest(self, trial_id):
        return {"x": self.share, "kind": self.space["kind"].categories[0], "slope": 0.1}

    def on_trial_complete(self, trial_id, result=None, error=False):
        self.told.append((trial_id, result and result[self._metric], error))

class Deaf(Searcher):
    def suggest(self, trial_id):
        return {}

class Other:
    pass
"""
PARAMETERS: dict[str, Any] = {
    "x": {"min": 0.0, "max": 1.0},
    "kind": {"values": ["a", "b"]},
    "slope": {"min": 0.0, "max": 1.0, "when": {"kind": "b"}},
    "epochs": {"value": 3},
}


def sweep(method: str, **options: Any) -> dict[str, Any]:
    own = {"search": {"options": options}}
    return {"method": method, "metric": {"name": "loss"}, "parameters": PARAMETERS, "hpo": own}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mysearch.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)


def test_it_is_asked_and_told() -> None:
    search: Any = searcher(load_sweep(sweep("mysearch:Middle", share=0.25)), 1)
    assert search.suggest("1") == {"x": 0.25, "kind": "a", "epochs": 3}
    search.on_trial_complete("1", {"loss": 2.0})
    search.on_trial_complete("2", None, error=True)
    assert search.inner.told == [("1", 2.0, False), ("2", None, True)]


def test_one_that_answers_alike_when_it_is_asked_again_keeps_what_it_had_learnt() -> None:
    search: Any = searcher(load_sweep(sweep("mysearch:Middle", share=0.25)), 1)
    search.resumed("1", {"x": 0.25, "kind": "a", "epochs": 3})
    search.on_trial_complete("1", {"loss": 2.0})
    assert search.inner.told == [("1", 2.0, False)]
    assert not search.notes


def test_one_that_answers_otherwise_is_not_told_of_what_it_did_not_suggest() -> None:
    search: Any = searcher(load_sweep(sweep("mysearch:Middle", share=0.25)), 1)
    search.resumed("1", {"x": 0.25, "kind": "a", "epochs": 3})
    search.resumed("2", {"x": 0.5, "kind": "a", "epochs": 3})
    search.on_trial_complete("1", {"loss": 2.0})
    search.on_trial_complete("2", {"loss": 2.0})
    assert search.inner.told == []
    (note,) = search.notes
    assert "mysearch:Middle makes other suggestions when it is asked again" in note


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("mysearch:Other", {}, "mysearch:Other is no Searcher; derive it from ray.tune.search.Searcher"),
        (
            "mysearch:Middle",
            {"shere": 1},
            "Middle cannot be built with shere: .*'shere'.*hpo.search.options",
        ),
        ("mysearch:Deaf", {}, "mysearch:Deaf takes no search space"),
    ],
)
def test_what_is_no_searcher_is_refused(method: str, options: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        searcher(load_sweep(sweep(method, **options)), 1)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("mysearch:Midle", "mysearch.py has no class 'Midle'; did you mean 'Middle'?"),
        ("mysaerch:Middle", "module 'mysaerch' is not in"),
        ("mysearch:", "names no"),
    ],
)
def test_check_looks_for_it_without_importing_it(method: str, said: str) -> None:
    assert any(said in str(error) for error in read_sweep(sweep(method)).errors)


def test_rays_own_searchers_do() -> None:
    parameters = {"x": PARAMETERS["x"], "kind": PARAMETERS["kind"], "epochs": {"value": 3}}
    loaded = load_sweep(sweep("ray.tune.search.optuna:OptunaSearch", seed=3) | {"parameters": parameters})
    search = searcher(loaded, 1)
    for number in range(12):
        config = search.suggest(str(number))
        assert config["epochs"] == 3
        search.on_trial_complete(str(number), {"loss": config["x"], "training_iteration": 1})
