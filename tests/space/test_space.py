"""The search space: reproducible draws, the unit cube and back, nesting."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.space.space import SearchSpace
from hpo.sweepfile.load import load_sweep

PARAMETERS: dict[str, Any] = {
    "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 0.1},
    "Batch": {"values": [16, 32, 64]},
    "opt": {
        "parameters": {
            "name": {"values": ["sgd", "adam"], "probabilities": [0.25, 0.75]},
            "deep": {"parameters": {"mu": {"distribution": "normal"}, "fixed": {"value": {"k": [1]}}}},
        }
    },
    "opt.lr": {"min": 0.0, "max": 1.0},
    "layers": {"min": 1, "max": 6},
    "one": {"values": ["only"]},
}


def space(parameters: dict[str, Any] | None = None) -> SearchSpace:
    return load_sweep({"method": "random", "parameters": parameters or PARAMETERS}).space


SPACE = space()


def test_leaves_in_order_of_names_at_each_level() -> None:
    assert [leaf.path for leaf in SPACE.leaves] == [
        ("Batch",),
        ("layers",),
        ("lr",),
        ("one",),
        ("opt", "deep", "fixed"),
        ("opt", "deep", "mu"),
        ("opt", "name"),
        ("opt.lr",),
    ]
    assert [leaf.name for leaf in SPACE.searched] == [
        "Batch",
        "layers",
        "lr",
        "opt.deep.mu",
        "opt.name",
        "opt.lr",
    ]


def test_a_configuration_is_nested_as_the_script_sees_it() -> None:
    config = SPACE.decode([0.0, 1.0, 0.5, 0.5, 0.1, 0.25])
    assert config == {
        "Batch": 16,
        "layers": 6,
        "lr": pytest.approx(1e-3),
        "one": "only",
        "opt": {"deep": {"fixed": {"k": [1]}, "mu": 0.0}, "name": "sgd"},
        "opt.lr": 0.25,
    }


def test_a_point_needs_one_number_for_each_axis() -> None:
    with pytest.raises(ValueError, match="shorter"):
        SPACE.decode([0.5])


@given(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=6, max_size=6))
def test_encode_then_decode_gives_the_configuration_again(point: list[float]) -> None:
    config = SPACE.decode(point)
    encoded = SPACE.encode(config)
    assert all(0 <= u <= 1 for u in encoded)
    again = SPACE.decode([u - 1e-12 if axis == 4 else u for axis, u in enumerate(encoded)])
    assert again["lr"] == pytest.approx(config["lr"], rel=1e-6)
    assert again["opt"]["deep"]["mu"] == pytest.approx(config["opt"]["deep"]["mu"], abs=1e-6)
    assert again["opt.lr"] == pytest.approx(config["opt.lr"])
    assert {k: again[k] for k in ("Batch", "layers", "one")} == {
        k: config[k] for k in ("Batch", "layers", "one")
    }
    assert again["opt"]["name"] == config["opt"]["name"]


@pytest.mark.parametrize(
    ("change", "error"),
    [({"Batch": 17}, ValueError), ({"opt": {}}, KeyError)],
)
def test_encode_refuses_what_does_not_fit(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        SPACE.encode({**SPACE.sample(0, 0), **change})


@given(st.integers(), st.integers(0, 10**9))
def test_a_draw_is_the_same_each_time(seed: int, index: int) -> None:
    assert SPACE.sample(seed, index) == SPACE.sample(seed, index)


def test_draws_do_not_depend_on_order_or_on_other_generators() -> None:
    forwards = [SPACE.sample(7, i) for i in range(20)]
    random.seed(99)
    assert [SPACE.sample(7, i) for i in reversed(range(20))] == forwards[::-1]
    assert random.random() == random.Random(99).random()  # the global generator is left alone


def test_draws_are_the_same_in_another_process() -> None:
    code = (
        "import json, sys; from hpo.sweepfile.load import load_sweep; sweep = json.load(sys.stdin);"
        "s = load_sweep(sweep).space; print(json.dumps([s.sample(3, i) for i in range(5)]))"
    )
    sweep = json.dumps({"method": "random", "parameters": PARAMETERS})
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=sweep,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "5"},
    )
    assert json.loads(done.stdout) == [SPACE.sample(3, i) for i in range(5)]


def test_draws_stay_what_they_were() -> None:
    cube = space({"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}})
    generator = random.Random("hpo:11:4")
    assert cube.sample(11, 4) == {"x": generator.random(), "y": generator.random()}


def test_seeds_and_indices_give_different_draws() -> None:
    keys = {json.dumps(SPACE.sample(seed, index)) for seed in range(30) for index in range(30)}
    assert len(keys) == 900


def test_draws_fill_the_cube_evenly() -> None:
    points = [SPACE.point(0, i) for i in range(2000)]
    for axis in range(len(SPACE.searched)):
        counts = [0] * 10
        for point in points:
            counts[int(point[axis] * 10)] += 1
        assert all(140 < count < 260 for count in counts)  # 200 expected, standard deviation 13.4


def test_only_constants() -> None:
    fixed = space({"a": {"value": 1}, "n": {"parameters": {"b": {"value": [2]}}}})
    assert fixed.searched == ()
    assert fixed.sample(0, 0) == {"a": 1, "n": {"b": [2]}}
    assert fixed.encode(fixed.sample(0, 0)) == []
