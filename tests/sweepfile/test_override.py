"""`--set`: which key is changed, what the value becomes, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from hpo.errors import SweepError
from hpo.sweepfile.document import parse
from hpo.sweepfile.load import read_sweep
from hpo.sweepfile.override import override

TEXT = """\
method: random
metric:
parameters:
  lr: {min: '2e-2', max: 0.1}
  opt: {value: sgd}
  opt.lr: {value: 1}
  opt.lr.decay: {value: 2}
  net: {parameters: {depth: {values: [1, 2]}, a.b: {value: 0}}}
"""


def changed(*texts: str) -> Any:
    document = parse(TEXT, "f.yaml")
    for text in texts:
        override(document, text)
    return document.value


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("method=grid", ["method"], "grid"),
        ("name=a=b", ["name"], "a=b"),
        ("name=", ["name"], None),
        (" run_cap = 5", ["run_cap"], 5),
        ("parameters.lr.max=1e-2", ["parameters", "lr", "max"], 0.01),
        ("parameters.opt.value=adam", ["parameters", "opt", "value"], "adam"),
        ("parameters.opt.lr.value=3", ["parameters", "opt.lr", "value"], 3),
        ("parameters.opt.lr.decay.value=3", ["parameters", "opt.lr.decay", "value"], 3),
        ("parameters.opt.lr={value: 7}", ["parameters", "opt.lr"], {"value": 7}),
        ("parameters.new.values=[1, null, x]", ["parameters", "new", "values"], [1, None, "x"]),
        (
            "parameters.net.parameters.depth.values=[3]",
            ["parameters", "net", "parameters", "depth", "values"],
            [3],
        ),
        ("parameters.net.parameters.a.b.value=9", ["parameters", "net", "parameters", "a.b", "value"], 9),
        ("hpo.resources.gpu=0.5", ["hpo", "resources", "gpu"], 0.5),
        ("metric.name=val/acc", ["metric", "name"], "val/acc"),
    ],
)
def test_the_longest_name_that_is_there_is_changed(text: str, path: list[str], value: Any) -> None:
    branch = changed(text)
    for key in path:
        branch = branch[key]
    assert branch == value


def test_all_else_stays() -> None:
    before = parse(TEXT, "f.yaml").value
    after = changed("parameters.opt.lr.value=3")
    after["parameters"]["opt.lr"]["value"] = 1
    assert after == before


def test_later_ones_see_earlier_ones() -> None:
    assert changed("hpo.seed=1", "hpo.concurrency=2", "hpo.seed=3")["hpo"] == {"seed": 3, "concurrency": 2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("method", "--set method: no key and value"),
        ("=3", "no key and value"),
        (". =3", "no key and value"),
        ("method.x=3", "--set method.x=3: method: holds a value, not keys; set method itself"),
        ("parameters.lr.max.more=3", "parameters.lr.max: holds a value, not keys"),
        ("run_cap=[1", "not YAML"),
        ("name=!x 1", "the tag !x is not read"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(SweepError) as caught:
        changed(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_note_on_quotes_goes_with_the_value(read: Any) -> None:
    assert [p.key for p in read(TEXT).warnings] == ["parameters.lr.min"]
    assert read(TEXT, ["parameters.lr.min=0.05"]).warnings == []
    assert read(TEXT, ["parameters.lr={min: 0.05, max: 0.1}"]).warnings == []


def test_problems_of_a_changed_value_stand_on_the_command_line(read: Any) -> None:
    loaded = read(TEXT, ["parameters.lr.max=x"])
    (problem,) = loaded.errors
    assert (problem.key, str(problem.place)) == ("parameters.lr.max", "--set parameters.lr.max=x")


def test_a_refused_override_is_the_only_problem(read: Any) -> None:
    loaded = read(TEXT, ["nothing"])
    assert [p.message for p in loaded.problems] == ["no key and value"]
    assert loaded.sweep is None


def test_a_wrong_value_is_placed_on_the_command_line() -> None:
    sweep = {"method": "random", "parameters": {"lr": {"min": 0.0, "max": 1.0}}}
    (error,) = read_sweep(sweep, ["parameters.lr.max=abc"]).errors
    assert str(error) == (
        "--set parameters.lr.max=abc: parameters.lr.max: 'abc' is not a number; write one number"
    )


def test_a_key_of_too_many_words_is_refused() -> None:
    (error,) = read_sweep({"method": "random"}, [".".join("a" * 20_000) + "=1"]).errors
    assert error.message == "nested more than 100 deep"
    assert len(str(error)) < 1000
