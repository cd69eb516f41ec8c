"""The surface of YAML: what each spelling becomes, and one line with a place where it is refused."""

from __future__ import annotations

import datetime
import json
import math
import time
from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.errors import SweepError
from hpo.sweepfile.document import Document, as_float, from_mapping, parse
from hpo.sweepfile.source import DEEPEST


def value(text: str) -> Any:
    return parse(text, "f.yaml").value


def refused(text: str) -> str:
    with pytest.raises(SweepError) as caught:
        parse(text, "f.yaml")
    assert len(caught.value.problems) == 1
    said = str(caught.value)
    assert "\n" not in said
    return said


def notes(document: Document) -> list[str]:
    return [str(problem) for problem in document.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-5", 1e-5),
        ("1E3", 1000.0),
        ("1e5", 1e5),
        ("1.5e5", 1.5e5),
        ("-1e-5", -1e-5),
        ("+2e2", 200.0),
        (".5e1", 5.0),
        ("1.e3", 1000.0),
        ("-.5", -0.5),
        ("+.5", 0.5),
        ("5e-324", 5e-324),
        ("1.0e-5", 1e-5),
        ("0.1", 0.1),
        ("1_000", 1000),
        ("0x1F", 31),
        ("0b11", 3),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("true", True),
        ("off", False),
        ("No", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("None", "None"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e", "1e"),
        ("e5", "e5"),
        ("1e5x", "1e5x"),
        ("2**-21", "2**-21"),
        ("008", "008"),
        ("0o17", "0o17"),
        ("2020-01-01", "2020-01-01"),
        ("2020-01-01T10:00:00Z", "2020-01-01T10:00:00Z"),
        ("=", "="),
        ("'1e-5'", "1e-5"),
        ('"5"', "5"),
        ("!!float 1e-5", 1e-5),
        ("!!str 1e-5", 1e-5),
        ("!!int '3'", 3),
        ("[1e-5, [2E3, {deep: 3e-1}]]", [1e-5, [2000.0, {"deep": 0.3}]]),
    ],
)
def test_scalars(text: str, expected: Any) -> None:
    got = value(text)
    assert got == expected
    assert type(got) is type(expected)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_float_that_python_prints_is_read_as_that_float(number: float) -> None:
    assert value(f"[{number!r}]") == [number]
    assert value(f"{number:.17e}") == number


@given(st.text())
def test_only_floats_become_floats(text: str) -> None:
    number = as_float(text)
    assert number == text if isinstance(number, str) else number == float(text)


@pytest.mark.parametrize("key", ["1", "yes", "null", "1.5", "1e-5", "2020-01-01", "010", "on"])
def test_keys_stay_as_written(key: str) -> None:
    assert value(f"{key}: 3") == {key: 3}


def test_a_repeated_key_is_told_with_both_lines_and_the_last_wins() -> None:
    document = parse("a: 1\nb: 2\na: 3\n", "f.yaml")
    assert document.value == {"a": 3, "b": 2}
    said = "written on line 1 and again on line 3; the last one is used; remove the other"
    assert notes(document) == [f"f.yaml:3:1: a: warning: {said}"]


def test_a_repeated_key_deep_inside_is_told_too() -> None:
    document = parse("p:\n  x: {values: [1], values: [2]}\n", "f.yaml")
    assert document.value == {"p": {"x": {"values": [2]}}}
    assert [(p.key, p.place.line, p.place.column) for p in document.problems] == [("p.x.values", 2, 20)]


def test_places_count_from_one_and_are_those_of_keys_and_items() -> None:
    document = parse("a:\n  b: [10,\n    20]\n'c': {d: 1}\n", "f.yaml")
    assert document.places == {
        (): (1, 1),
        ("a",): (1, 1),
        ("a", "b"): (2, 3),
        ("a", "b", 0): (2, 7),
        ("a", "b", 1): (3, 5),
        ("c",): (4, 1),
        ("c", "d"): (4, 7),
    }


def test_what_is_not_there_is_placed_at_the_nearest_above_it() -> None:
    document = parse("a:\n  b: 1\n", "f.yaml")
    assert str(document.place(("a", "x", "y"))) == "f.yaml:1:1"
    assert str(document.place(("a", "b", "y"))) == "f.yaml:2:3"
    assert str(Document("none").place(("a",))) == "none"


def test_windows_line_ends_and_byte_order_mark() -> None:
    document = parse("\ufeffa: 1e-5\r\nb:\r\n  c: x\r\n", "f.yaml")
    assert document.value == {"a": 1e-5, "b": {"c": "x"}}
    assert document.places["b", "c"] == (3, 3)


def test_umlauts_do_not_shift_columns() -> None:
    assert parse("größe: {ä: 1, b: 2}\n", "f.yaml").places["größe", "b"] == (1, 15)


@pytest.mark.parametrize("text", ["a:\n\tb: 1\n", "a:\n  b:\n  \tc: 1\n", "\ta: 1\n"])
def test_tabs(text: str) -> None:
    said = refused(text)
    assert "a tab cannot indent YAML; indent with spaces" in said
    assert said.startswith(f"f.yaml:{text.count(chr(10), 0, text.index(chr(9))) + 1}:")


@pytest.mark.parametrize(
    ("text", "place", "tag"),
    [
        ("a: !!python/object/apply:os.system ['x']", "1:4", "!!python/object/apply:os.system"),
        ("a: !!python/name:os.system", "1:4", "!!python/name:os.system"),
        ("a:\n- !mine 3", "2:3", "!mine"),
        ("a: !!set {x, y}", "1:4", "!!set"),
        ("a: !!binary aGk=", "1:4", "!!binary"),
        ("!!omap [a: 1]", "1:1", "!!omap"),
        ("a: !local {b: 1}", "1:4", "!local"),
    ],
)
def test_tags_are_refused(text: str, place: str, tag: str) -> None:
    said = refused(text)
    assert said.startswith(f"f.yaml:{place}: the tag {tag} is not read")


def test_anchors_are_read_again_at_each_place() -> None:
    document = parse("a: &r {x: [1]}\nb: *r\n", "f.yaml")
    assert document.value == {"a": {"x": [1]}, "b": {"x": [1]}}
    assert document.value["a"]["x"] is not document.value["b"]["x"]


def test_merge_keys() -> None:
    text = "r: &r {min: 1, max: 3}\ns: &s {max: 9, q: 2}\none: {<<: *r, max: 5}\ntwo: {<<: [*r, *s], z: 0}\n"
    got = value(text)
    assert got["one"] == {"min": 1, "max": 5}
    assert got["two"] == {"min": 1, "max": 3, "q": 2, "z": 0}
    assert parse("{'<<': 1}", "f.yaml").value == {"<<": 1}


def test_a_repeated_merge_is_told_with_both_lines_and_the_last_wins() -> None:
    document = parse("c:\n  a: 0\n  <<: {a: 1, b: 1, d: 3}\n  <<: {b: 2}\n", "f.yaml")
    assert document.value == {"c": {"a": 0, "b": 2, "d": 3}}
    said = "written on line 3 and again on line 4; both are merged and the last one wins; write one: "
    assert notes(document) == [f"f.yaml:4:3: c.<<: warning: {said}<<: [*winner, *other]"]
    assert value("{<<: [{b: 2}, {a: 1, b: 1}]}") == {"a": 1, "b": 2}


def test_a_merge_is_no_repeated_key() -> None:
    assert notes(parse("r: &r {min: 1}\none: {<<: *r, min: 5, '<<': 3}\n", "f.yaml")) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &p {b: *p}", "1:4: an alias that contains itself"),
        ("a: &p [1, *p]", "1:4: an alias that contains itself"),
        ("a: {<<: 3}", "1:9: '<<' merges mappings only"),
        ("a: *x", "undefined alias"),
        ("? [a]\n: 3", "1:3: a key must be a plain word"),
        ("{a: 1}: 3", "1:1: a key must be a plain word"),
        ("a: !!int abc", "1:4: 'abc' is not a valid int"),
        ("a: !!bool 3", "1:4: '3' is not a valid bool"),
        ("a: 1\n---\nb: 2\n", "2:1: the file holds more than one YAML document"),
        ("a: b: c", "1:5: not YAML: an unexpected ':'"),
        ("a: 'x\n", "not YAML: "),
        ("a: [1, 2\nb: 3\n", "not YAML: "),
        ("a:\n  b: 1\n c: 2\n", "3:2: not YAML: "),
        ("a: [${env}, python]\n", "macros cannot stand in [ ] unquoted"),
        ("a: \x00\n", "1:1: character 0 cannot stand in YAML"),
        ("a: 1\nb: \x07\n", "2:1: character 7 cannot stand in YAML"),
        ("a: " + "9" * 5000, "is not a valid int"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(text: str, said: str) -> None:
    assert said in refused(text)


def test_aliases_cannot_grow_without_limit() -> None:
    lines = ["a0: &a0 [" + ", ".join("1" * 10) + "]"]
    lines += [f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * 10) + "]" for i in range(1, 12)]
    start = time.monotonic()
    assert "more than 50,000 values; check the anchors and aliases" in refused("\n".join(lines))
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("text", ["[" * 200 + "]" * 200, "a: " + "[" * 50_000, "- " * 60_000, "{a: " * 2_000])
def test_depth_is_limited(text: str) -> None:
    assert "nested more than 100 deep" in refused(text)


def test_ninety_levels_are_fine() -> None:
    assert value("[" * 90 + "]" * 90) != []


@pytest.mark.parametrize(("text", "said"), [("010", "8 (octal)"), ("12:30:45", "45045 (base 60)")])
def test_odd_integers_are_told_with_their_value(text: str, said: str) -> None:
    document = parse(f"a: {text}\nhpo: {{time_budget: {text}}}\n", "f.yaml")
    assert notes(document) == [f"f.yaml:1:1: a: warning: YAML reads {text} as {said}; quote it as text"]


@given(st.text())
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        parse(text, "f.yaml")
    except SweepError as error:
        (problem,) = error.problems
        assert problem.place.line >= 1
        assert problem.place.column >= 1
        assert "\n" not in str(problem)


def test_a_dict_becomes_plain_values() -> None:
    document = from_mapping(
        {
            "parameters": {
                "a": {"values": (np.int64(1), np.float32(0.5), np.bool_(True), None)},
                2: {"value": datetime.date(2020, 1, 1)},
                "b": {"min": "1e-5", "max": "0.5"},
            },
            "name": "1e5",
        }
    )
    assert document.value == {
        "parameters": {
            "a": {"values": [1, 0.5, True, None]},
            "2": {"value": "2020-01-01"},
            "b": {"min": 1e-5, "max": "0.5"},
        },
        "name": "1e5",
    }
    assert document.problems == []
    assert type(document.value["parameters"]["a"]["values"][2]) is bool


def test_objects_in_a_dict_are_refused_by_type() -> None:
    document = from_mapping({"parameters": {"a": {"values": [object(), {1, 2}, np.zeros(2)]}}})
    assert [(p.key, p.message.split()[1]) for p in document.problems] == [
        ("parameters.a.values.0", "object"),
        ("parameters.a.values.1", "set"),
        ("parameters.a.values.2", "ndarray"),
    ]


def test_a_dict_may_be_nested_as_deep_as_a_file() -> None:
    def sweep(levels: int) -> dict[str, Any]:
        return reduce(lambda inner, _: {"a": inner}, range(levels), {"b": 1})

    deepest = sweep(DEEPEST - 1)
    assert from_mapping(deepest).value == parse(json.dumps(deepest), "sweep.yaml").value == deepest
    for read in (from_mapping, lambda deeper: parse(json.dumps(deeper), "sweep.yaml")):
        with pytest.raises(SweepError, match="nested"):
            read(sweep(DEEPEST))


def test_a_dict_that_holds_itself_is_refused() -> None:
    sweep: dict[str, Any] = {}
    sweep["a"] = sweep
    with pytest.raises(SweepError, match="nested too deeply"):
        from_mapping(sweep)
