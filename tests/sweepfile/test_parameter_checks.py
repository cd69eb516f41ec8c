"""The checks of parameters: what is refused, what is warned of, at the top and inside nested blocks alike."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.sweepfile.load import read_sweep

LOG = {"distribution": "log_uniform"}


def problems(method: str, parameters: dict[str, Any]) -> list[str]:
    sweep = {"method": method, "program": "t.py", "parameters": parameters}
    return [str(problem).removeprefix("<dict>: ") for problem in read_sweep(sweep).problems]


def parameter(entry: Any, method: str = "random") -> list[str]:
    """Problems of one parameter, which are the same inside a nested block."""
    top = problems(method, {"x": entry})
    deep = problems(method, {"n": {"parameters": {"x": entry}}})
    assert [p.replace("parameters.n.parameters.x", "parameters.x") for p in deep] == top
    return top


def one(found: list[str]) -> str:
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (None, ": the parameter is empty; write `value: …`"),
        ({}, ": the parameter is empty; write `value:`"),
        ([1, 2], ": a parameter is a mapping, not a list; write `values: [1, 2]` under it"),
        (3, ": a parameter is a mapping, not 3; write `value: 3` under it"),
        ({"values": []}, ".values: the list is empty; give at least one entry"),
        ({"values": "abc"}, ".values: 'abc' is not a list; write `values: [abc]`, or `value: abc`"),
        ({"valeus": [1]}, ".valeus: unknown key 'valeus'; did you mean 'values'?"),
        ({"min": 1}, ": 'max' is missing; uniform needs min and max"),
        ({"min": 2, "max": 1}, ".min: min 2 is above max 1; swap them"),
        ({"min": 1, "max": 1}, ".max: min and max are both 1; write `value: 1` for a constant"),
        ({"min": 1, "max": True}, ".max: True is not a number; write one number"),
        ({"min": "1", "max": 2}, ".min: '1' is not a number; leave out the quotes"),
        ({"min": 0.0, "max": float("inf")}, ".max: inf is not a finite number"),
        ({"min": 1, "max": 9, "q": 2}, ": q needs a distribution; add `distribution: q_uniform`"),
        ({"mu": 1, "sigma": 2}, ": no distribution is named; add `distribution: normal`"),
        ({"a": 1, "b": 2}, ": no distribution is named; add `distribution: beta`"),
        ({"distribution": "normal", "min": 1}, ".min: unknown key 'min' for normal; it belongs to"),
        ({"distribution": "unifrom", "min": 1, "max": 2}, ".distribution: unknown distribution 'unifrom';"),
        ({"distribution": "choice", "values": [1]}, ".distribution: unknown distribution 'choice'; did you"),
        ({"distribution": "loguniform", "min": 1, "max": 2}, ".distribution: unknown distribution"),
        ({"distribution": "int_uniform", "min": 1, "max": 2.5}, ".max: 2.5 is not a whole number; write an"),
        ({"distribution": "q_uniform", "min": 1, "max": 2, "q": 0}, ".q: 0 is not positive"),
        ({"distribution": "log_uniform_values", "min": 0, "max": 1}, ".min: min 0 has no logarithm"),
        ({**LOG, "min": 1, "max": 1e4}, ".distribution: e^10000.0 cannot be computed: min and max are"),
        ({"distribution": "normal", "sigma": 0}, ".sigma: sigma 0 is not positive"),
        ({"distribution": "beta", "a": 0}, ".a: shape 0 is not positive"),
        ({"values": [1, 2], "probabilities": [1]}, ".probabilities: 1 probabilities for 2 values"),
        ({"values": [1, 2], "probabilities": [0.5, 0.4]}, ".probabilities: the probabilities add up to 0.9"),
        ({"values": [1, 2], "probabilities": [-1, 2]}, ".probabilities: -1 is not a probability"),
        ({"distribution": "normal", "values": [1]}, ".values: unknown key 'values' for normal; it belongs"),
        (
            {"distribution": "categorical", "values": [1, 2], "probabilities": [0.5, 0.5]},
            ".probabilities: unknown key 'probabilities' for categorical; write `distribution: categorical_w",
        ),
        ({"values": [1, 2], "depth": {"values": [1]}}, ".depth: unknown key 'depth' for categorical; it"),
        ({"parameters": {}}, ": the nested block is empty"),
        ({"parameters": {"y": {"value": 1}}, "value": 3}, ".value: stands beside `parameters:`"),
    ],
)  # fmt: skip
def test_malformed_parameters_are_errors_at_every_depth(entry: Any, said: str) -> None:
    found = one(parameter(entry))
    assert found.startswith(f"parameters.x{said}")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"min": 0, "max": 0.5}, ".min: warning: one bound is an integer, the other is not: read as uniform"),
        ({"distribution": "int_uniform", "min": 2.0, "max": 8}, ".min: warning: 2.0 is read as 2"),
        ({**LOG, "min": 1e-6, "max": 1e-2}, ": warning: min and max of log_uniform are exponents of e:"),
        ({**LOG, "min": -4, "max": -1}, ": warning: min and max of log_uniform are exponents of e: values"),
        ({**LOG, "min": 16, "max": 256}, ": warning: min and max of log_uniform are exponents of e: values"),
        ({"distribution": "inv_log_uniform", "min": 0.1, "max": 0.5}, ": warning: min and max of"),
        ({"distribution": "q_log_uniform_values", "min": 1e-5, "max": 1e-3}, ": warning: rounded to q = 1"),
        ({"distribution": "q_beta"}, None),
        ({"min": 0.001, "max": 0.1}, ": warning: uniform from 0.001 to 0.1: half of all values lie above"),
        ({"value": [8, 16, 32]}, ": warning: every trial gets the whole list [8, 16, 32]"),
        ({"values": [1, 2, 1.0]}, ": warning: a value is listed twice: grid tries it once, random more"),
        ({"values": [1, 1.5, True, "1"]}, None),
        ({"value": [64, 32, 16]}, None),
        ({"value": [1, 2]}, None),
        ({"min": 0.0, "max": 100.0}, None),
        ({"min": 0.002, "max": 0.1}, None),
        ({**LOG, "min": -9.2, "max": -2.3}, None),
        ({**LOG, "min": -11, "max": -2}, None),
        ({"distribution": "log_uniform_values", "min": 1e-6, "max": 1e-2}, None),
    ],
)  # fmt: skip
def test_warnings_about_parameters_at_every_depth(entry: Any, said: str | None) -> None:
    found = parameter(entry)
    if said is None:
        assert found == []
    else:
        assert one(found).startswith(f"parameters.x{said}")


@pytest.mark.parametrize(
    "entry",
    [
        {"min": 0.0, "max": 1.0},
        {"distribution": "normal"},
        {"values": [1, 2], "probabilities": [0.5, 0.5]},
        {"distribution": "q_log_uniform_values", "min": 1, "max": 50},
        {"distribution": "beta"},
    ],
)
def test_grid_refuses_what_it_cannot_list(entry: Any) -> None:
    assert "cannot be listed by grid" in one(parameter(entry, method="grid"))
    assert parameter(entry, method="random") == []


@pytest.mark.parametrize("name", ["a/b", "a b", "1a", "--lr", "a:b", "", "ä"])
def test_unusual_names_warn(name: str) -> None:
    said = one(problems("grid", {name: {"value": 1}}))
    assert said.startswith(f"parameters.{name}: warning: the name {name!r} is unusual")


@pytest.mark.parametrize("name", ["a", "_a", "A.b-c_d.0", "lambda", "model.layers.0"])
def test_usual_names_are_silent(name: str) -> None:
    assert problems("grid", {name: {"value": 1}}) == []


def test_none_as_text_warns_only_where_it_is_not_quoted(read: Any) -> None:
    loaded = read("method: grid\nparameters: {x: {values: [None, 'none', null]}}\n")
    assert [str(p).partition("sweep.yaml:")[2] for p in loaded.problems] == [
        "2:27: parameters.x.values.0: warning: None is text in YAML; write null for no value, or quote it"
    ]


def test_a_lost_indent_is_one_problem(read: Any) -> None:
    loaded = read("method: grid\nparameters:\n  lr:\n  min: 1\n  max: 3\n  x: {value: 1}\n")
    (problem,) = loaded.problems
    assert (problem.place.line, problem.place.column, problem.key) == (3, 3, "parameters.lr")
    assert problem.message == "'lr' is empty, and 'min', 'max' below it stands at the same level"
    assert problem.hint == "indent min and max under 'lr'"


def test_exponents_too_large_for_powers_of_ten_are_told_without_these() -> None:
    (said,) = parameter({**LOG, "min": 0, "max": 700})
    assert said.endswith("for bounds that are values write `distribution: log_uniform_values`")


def test_what_grid_cannot_list_or_count_is_told() -> None:
    (said,) = parameter({"distribution": "q_uniform", "min": 1e20, "max": 2e20, "q": 1}, "grid")
    assert "q_uniform of so small a q cannot be listed by grid" in said
    asked = {f"a{n:02}": {"values": [0, 1]} for n in range(40)}
    under = {f"b{n:02}": {"values": [0, 1], "when": {f"a{n:02}": 1}} for n in range(40)}
    (said,) = problems("grid", {**asked, **under})
    assert said == "parameters: grid cannot count the cells of so many conditions; use `method: random`"


def test_many_parameters_that_depend_on_each_other_are_read_in_time() -> None:
    chain = {f"p{n:04}": {"values": [0, 1], "when": {f"p{n - 1:04}": 1}} for n in range(1, 1200)}
    assert problems("grid", {"p0000": {"values": [0, 1]}, **chain}) == []
    said = problems("grid", {"p0000": {"values": [0, 1], "when": {"p1199": 1}}, **chain})
    assert len(said) == 1
    assert "the conditions go round: p0000 → p1199" in said[0]
    unknown = {f"p{n:04}": {"values": [0, 1], "when": {f"q{n:04}": 1}} for n in range(600)}
    assert len(problems("random", unknown)) == 20


def test_a_long_integer_is_no_number() -> None:
    for entry in ({"min": 0, "max": 10**400}, {"values": [1, 2], "probabilities": [10**400, 0]}):
        assert any("an integer of more than 300 digits" in said for said in parameter(entry))
