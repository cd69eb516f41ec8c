"""What may change between a run and its resumption."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.sweepfile.differences import differences

BEFORE: dict[str, Any] = {
    "method": "random",
    "run_cap": 10,
    "parameters": {"lr": {"min": 0.0, "max": 1.0}, "act": {"values": ["relu", "tanh"]}},
    "hpo": {"resources": {"cpu": 1}},
}


def test_the_same_sweep_differs_in_nothing() -> None:
    assert differences(BEFORE, dict(reversed(BEFORE.items()))) == []


@pytest.mark.parametrize(
    ("change", "shown", "harmless"),
    [
        ({"run_cap": 20}, "run_cap: 10 → 20", True),
        ({"hpo": {"resources": {"cpu": 2}}}, "hpo.resources.cpu: 1 → 2", True),
        ({"hpo": {"resources": {"cpu": 1}, "time_budget": "2h"}}, 'hpo.time_budget: nothing → "2h"', True),
        ({"method": "tpe"}, 'method: "random" → "tpe"', False),
        (
            {"hpo": {"resources": {"cpu": 1}, "search": {"startup": 3}}},
            "hpo.search.startup: nothing → 3",
            False,
        ),
        ({"run_caps": 3}, "run_caps: nothing → 3", False),
    ],
)
def test_each_change_is_named_with_what_it_was(change: dict[str, Any], shown: str, harmless: bool) -> None:
    (found,) = differences(BEFORE, {**BEFORE, **change})
    assert str(found) == shown
    assert found.harmless is harmless


def test_a_change_of_the_space_is_not_harmless() -> None:
    after = {**BEFORE, "parameters": {"lr": {"min": 0.0, "max": 2.0}, "act": {"values": ["relu"]}}}
    assert [(str(one), one.harmless) for one in differences(BEFORE, after)] == [
        ("parameters.lr.max: 1.0 → 2.0", False),
        ('parameters.act.values: ["relu", "tanh"] → ["relu"]', False),
    ]
