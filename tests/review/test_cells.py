"""Values, parameters and logs as a terminal shows them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from hpo.review.cells import duration, metric_text, strict, value_text
from hpo.review.logs import tail
from hpo.review.parameters import searched


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.50000"),
        (0.123456789, "0.12346"),
        (1e-7, "1.0000e-07"),
        (12345.678, "12346"),
        (123456.78, "123457"),
        (1.5e12, "1.5000e+12"),
        (3.0, "3"),
        (-2.0, "-2"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (None, "-"),
    ],
)
def test_objective_values(value: float | None, text: str) -> None:
    assert metric_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-5, "1e-05"),
        (0.000123456789, "0.00012346"),
        (3.0, "3"),
        (2**31, "2147483648"),
        (True, "true"),
        (None, "null"),
        ("adam", "adam"),
        ([0.1 + 0.2, "a"], '[0.3, "a"]'),
        ({"a": {"b": 1.0}}, '{"a": {"b": 1}}'),
        ("a\tb", "a\\tb"),
        ("x" * 40, "x" * 27 + "…"),
    ],
)
def test_parameter_values(value: Any, text: str) -> None:
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (61, "1:01"), (3723, "1:02:03"), (93784, "1d 02:03:04")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_json_without_nan() -> None:
    assert strict({"a": [math.nan, (math.inf, 1.5)], "b": "nan"}) == {"a": [None, [None, 1.5]], "b": "nan"}


def test_only_searched_parameters_are_shown() -> None:
    parameters = {
        "fixed": {"value": 1},
        "one": {"values": [1]},
        "same": {"min": 2, "max": 2},
        "named": {"distribution": "constant", "value": 1},
        "b": {"values": [1, 2]},
        "a": {"parameters": {"x.y": {"mu": 0, "sigma": 1, "distribution": "normal"}, "z": {"value": 1}}},
    }
    assert searched({"parameters": parameters}) == [("b",), ("a", "x.y")]


def test_without_a_space_what_differs_is_shown() -> None:
    configs = [{"a": 1, "b": {"c": 1, "d": 2}}, {"a": 1, "b": {"c": 3, "d": 2}}]
    assert searched({}, configs) == [("b", "c")]


def test_a_log_is_read_from_its_end_only(tmp_path: Path) -> None:
    log = tmp_path / "trials" / "0003" / "log.txt"
    log.parent.mkdir(parents=True)
    assert tail(tmp_path, 3, 5) == []
    log.write_bytes(b"")
    assert tail(tmp_path, 3, 5) == []
    log.write_bytes(b"x" * 10_000 + b"\n10%\r50%\r100%\n\n\xff\xfe\x00end")
    assert tail(tmp_path, 3, 2) == ["100%", "��\\x00end"]
