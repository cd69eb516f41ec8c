"""Quantiles of random parameters at random points against `sweeps` 0.3.0, where none differs."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from hpo.space.distributions import DISTRIBUTIONS
from hpo.space.parameter import parse_parameter

pytestmark = pytest.mark.oracle

EACH = 25


def drawn(name: str, generator: random.Random) -> dict[str, Any]:
    """A random parameter of this distribution, with valid keys."""
    config: dict[str, Any] = {"distribution": name}
    if name == "constant":
        return {"value": generator.choice([1, 2.0, "a", None, [1, 2.0]])}
    if name.startswith("categorical"):
        config["values"] = [generator.choice([i, i + 0.5, str(i)]) for i in range(generator.randint(1, 9))]
        if name == "categorical_w_probabilities":
            weights = [generator.randint(0, 5) for _ in config["values"]]
            total = sum(weights) or 1
            weights[0] += 0 if sum(weights) else 1
            config["probabilities"] = [weight / total for weight in weights]
        return config
    if name == "int_uniform":
        first = generator.randint(-1000, 1000)
        return {**config, "min": first, "max": first + generator.randint(1, 10**6)}
    if name.endswith("normal"):
        config |= {"mu": generator.uniform(-3, 3), "sigma": generator.uniform(0.1, 3)}
    elif name.endswith("beta"):
        config |= {"a": generator.uniform(0.2, 9), "b": generator.uniform(0.2, 9)}
    elif name.endswith("_values"):
        low = 10 ** generator.uniform(-6, 2)
        config |= {"min": low, "max": low * 10 ** generator.uniform(0.1, 5)}
    else:
        low = generator.uniform(-8, 3)
        config |= {"min": low, "max": low + generator.uniform(0.1, 8)}
    if name.startswith("q_"):
        config["q"] = generator.choice([1, 2, 5, 0.01, 0.1, 0.25, 1.0, 3.0])
    return config


def questions() -> list[tuple[dict[str, Any], list[float]]]:
    generator = random.Random(5)
    return [
        (drawn(name, generator), [generator.uniform(1e-9, 1 - 1e-9) for _ in range(30)])
        for name in DISTRIBUTIONS
        for _ in range(EACH)
    ]


def test_quantiles(oracle: Any) -> None:
    asked = questions()
    answers = oracle([["ppf", config, points] for config, points in asked])
    for (config, points), answer in zip(asked, answers, strict=True):
        distribution = parse_parameter(config).distribution
        assert distribution is not None, config
        for u, theirs in zip(points, answer["ok"], strict=True):
            ours = distribution.ppf(u)
            assert type(ours) is type(theirs), (config, u)
            assert equal(ours, theirs), (config, u, ours, theirs)


def equal(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float):
        return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)
    return bool(ours == theirs)
