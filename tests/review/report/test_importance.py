"""What parameters mattered: figures beside Optuna's, and beside what is known of the function."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.review.report.facts import Facts, facts_of
from hpo.review.report.importance import budgets, importance
from tests.record.made import asha_run, pbt_run

NOISE = ("noise_a", "model.noise_b", "layers")


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    return facts_of(asha_run(tmp_path_factory.mktemp("runs") / "asha", 1000))


def tables(facts: Facts) -> list[dict[str, Any]]:
    found = importance(facts)
    assert isinstance(found, dict)
    tables: list[dict[str, Any]] = found["tables"]
    return tables


def shares(table: dict[str, Any]) -> dict[str, float]:
    return {row["name"]: row["share"] for row in table["rows"]}


def test_parameters_without_effect_get_next_to_nothing(facts: Facts) -> None:
    lowest = tables(facts)[0]
    found = shares(lowest)
    assert lowest["label"] == "iteration 1"
    assert lowest["n"] > 950
    assert sum(found[name] for name in NOISE) <= 0.05
    assert found["lr"] > 0.2
    assert found["width"] > 0.2
    assert math.isclose(sum(found.values()), 1, abs_tol=1e-4)


def test_each_rung_says_how_many_trials_it_has_seen_and_few_are_marked(facts: Facts) -> None:
    found = tables(facts)
    assert [table["label"] for table in found][:3] == ["iteration 1", "iteration 3", "iteration 9"]
    assert [table["n"] for table in found] == sorted((table["n"] for table in found), reverse=True)
    assert [table["grey"] for table in found] == [table["n"] < 50 for table in found]


def test_a_correlation_misses_what_is_best_in_the_middle(facts: Facts) -> None:
    rows = {row["name"]: row for row in tables(facts)[0]["rows"]}
    assert abs(rows["lr"]["r"]) < 0.15  # its logarithm is best in the middle: no line tells
    assert rows["width"]["r"] < -0.3  # the wider the less loss
    assert rows["optimizer"]["eta"]


@pytest.mark.process  # loading Optuna's evaluators takes seconds
def test_the_same_figures_as_optuna(facts: Facts) -> None:
    import optuna
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna.importance import PedAnovaImportanceEvaluator

    def distribution(one: Any) -> Any:
        if one.labels:
            return CategoricalDistribution(list(range(len(one.labels))))
        if one.whole:
            return IntDistribution(int(one.low), int(one.high))
        return FloatDistribution(one.low, one.high, log=one.log)

    found = {one.name: distribution(one) for one in facts.parameters}
    lowest = budgets(facts)[0]
    study = optuna.create_study()
    for place, value in lowest.values.items():
        params = {
            p.name: int(v) if p.labels or p.whole else v
            for p in facts.parameters
            if (v := p.values[place]) is not None
        }
        study.add_trial(optuna.create_trial(value=value, params=params, distributions=found))
    theirs = optuna.importance.get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    assert shares(tables(facts)[0]) == pytest.approx(theirs, abs=0.01)


def test_a_population_is_judged_by_what_each_stretch_gained(tmp_path: Path) -> None:
    found = importance(facts_of(pbt_run(tmp_path / "pbt", 20, intervals=8)))
    assert isinstance(found, dict)
    assert found["of"] == "gain"
    assert found["tables"][0]["n"] == 20 * 7  # 7 stretches between 8 results of each


def test_the_grid_counts_as_it_should() -> None:
    from hpo.review.report.ped_anova import best_share, divergence

    values = np.arange(100, dtype=np.float64)
    best = best_share(values)
    assert best.sum() == 10
    same = np.tile(np.arange(2), 50)
    assert divergence(same, best, 2, ordered=False) < 0.05
    assert divergence((values < 10).astype(np.int64), best, 2, ordered=False) > 1
