"""Models of spaces in which parameters depend on others."""

from __future__ import annotations

import math

import pytest

from hpo.tune.translate import searcher
from tests.tune.test_methods import read


@pytest.mark.parametrize("method", ["tpe", "gp"])
def test_conditional_parameters_are_learnt_where_they_are(method: str) -> None:
    parameters = {
        "kind": {"values": ["near", "far"]},
        "near": {"min": 0.0, "max": 1.0, "when": {"kind": "near"}},
        "far": {"min": 0.0, "max": 1.0, "when": {"kind": "far"}},
    }
    search, late = searcher(read(method, parameters).valid(), 1), []
    for number in range(24):
        config = search.suggest(str(number))
        loss = abs(config["near"] - 0.2) if "near" in config else 1 + abs(config["far"] - 0.8)
        search.on_trial_complete(str(number), {"loss": loss})
        late.append(config if number >= 14 else {})
    near = [config["near"] for config in late if config.get("kind") == "near"]
    assert len(near) >= 7
    assert sorted(abs(x - 0.2) for x in near)[3] < 0.2


def test_a_parameter_that_comes_in_by_crossover_is_not_always_in_the_middle() -> None:
    parameters = {
        "kind": {"values": ["plain", "sloped"]},
        "slope": {"min": 0.0, "max": 1.0, "when": {"kind": "sloped"}},
        "x": {"min": 0.0, "max": 1.0},
    }
    search, slopes = searcher(read("nsga2", parameters, population=8, startup=8).valid(), 1), []
    for number in range(40):
        config = search.suggest(str(number))
        slopes += [config["slope"]] if "slope" in config else []
        search.on_trial_complete(str(number), {"loss": config["x"]})
    assert len(slopes) > 10
    assert 0.5 not in slopes


@pytest.mark.torch
def test_gp_does_not_look_for_ever_where_inactive_parameters_would_matter() -> None:
    parameters = {
        "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0},
        "optimizer": {"values": ["adam", "sgd"]},
        "momentum": {"min": 0.0, "max": 1.0, "when": {"optimizer": "sgd"}},
        "layers": {"values": [1, 2]},
        "width": {"min": 4, "max": 256, "when": {"layers": 2}},
    }
    search, asked = searcher(read("gp", parameters).valid(), 3), []
    for number in range(26):
        config = search.suggest(str(number))
        momentum, width = config.get("momentum", 0.4), config.get("width", 8)
        loss = math.log10(config["lr"] / 1e-3) ** 2 + 4 * (momentum - 0.9) ** 2 + math.log2(width / 64) ** 2
        search.on_trial_complete(str(number), {"loss": loss})
        asked.append((config["optimizer"], config["layers"], round(math.log10(config["lr"]), 1)))
    assert len(set(asked[10:])) > 8
