"""All 18 distributions: support, quantile against CDF, types, ends, inference; no oracle needed."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.space.distribution import Distribution, Quantised, rounded
from hpo.space.distributions import DISTRIBUTIONS
from hpo.space.parameter import parse_parameter

UNIT = st.floats(0, 1)
INSIDE = st.floats(1e-9, 1 - 1e-9)
CONFIGS: list[dict[str, Any]] = [
    {"value": {"a": [1]}},
    {"values": ["a", 1, None, [1], 1.5]},
    {"values": ["a", "b", "c"], "probabilities": [0.5, 0.2, 0.3]},
    {"min": -3, "max": 12},
    {"min": -0.5, "max": 2.5},
    {"distribution": "q_uniform", "min": 1, "max": 8, "q": 3},
    {"distribution": "log_uniform", "min": -9.2, "max": -2.3},
    {"distribution": "log_uniform_values", "min": 1e-5, "max": 0.1},
    {"distribution": "q_log_uniform", "min": 0, "max": 5, "q": 2},
    {"distribution": "q_log_uniform_values", "min": 1, "max": 300, "q": 8},
    {"distribution": "inv_log_uniform", "min": -2, "max": 3},
    {"distribution": "inv_log_uniform_values", "min": 0.01, "max": 10},
    {"distribution": "normal", "mu": 2, "sigma": 0.5},
    {"distribution": "q_normal", "mu": 2, "sigma": 5, "q": 0.25},
    {"distribution": "log_normal", "mu": -1, "sigma": 2},
    {"distribution": "q_log_normal", "mu": 2, "sigma": 1, "q": 1},
    {"distribution": "beta", "a": 2, "b": 5},
    {"distribution": "q_beta", "a": 2, "b": 5, "q": 0.1},
]


def made(config: dict[str, Any]) -> Distribution:
    parsed = parse_parameter(config)
    assert parsed.distribution is not None, parsed.faults
    return parsed.distribution


ALL = [made(config) for config in CONFIGS]
NUMERIC = [d for d in ALL if d.bounds() is not None]
SMOOTH = [d for d in NUMERIC if d.levels() is None and not isinstance(d, Quantised)]
each = pytest.mark.parametrize("d", ALL, ids=lambda d: d.name)
numeric = pytest.mark.parametrize("d", NUMERIC, ids=lambda d: d.name)


def test_all_are_here() -> None:
    assert {d.name for d in ALL} == set(DISTRIBUTIONS)
    assert len(DISTRIBUTIONS) == 18


@numeric
@given(u=UNIT)
def test_values_are_within_the_support(d: Distribution, u: float) -> None:
    low, high = d.support() or (0, 0)
    assert low <= d.ppf(u) <= high


@numeric
def test_the_ends_are_the_support(d: Distribution) -> None:
    assert (d.ppf(0.0), d.ppf(1.0)) == pytest.approx(d.support())


@numeric
@given(u=UNIT, v=UNIT)
def test_quantiles_never_fall(d: Distribution, u: float, v: float) -> None:
    assert d.ppf(min(u, v)) <= d.ppf(max(u, v))


@each
@given(u=UNIT)
def test_draws_are_finite(d: Distribution, u: float) -> None:
    value = d.draw(u)
    assert not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize("d", SMOOTH, ids=lambda d: d.name)
@given(u=INSIDE)
def test_the_cdf_undoes_the_quantile(d: Distribution, u: float) -> None:
    assert d.cdf(d.ppf(u)) == pytest.approx(u, abs=1e-7)


@numeric
@given(u=INSIDE)
def test_the_quantile_of_a_values_cdf_is_that_value(d: Distribution, u: float) -> None:
    value = d.ppf(u)
    again = d.ppf(min(max(d.cdf(value), 0.0), 1.0))
    if 0 < d.cdf(value) < 1:
        assert again == pytest.approx(value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("d", [d for d in ALL if d.name.startswith("cat")], ids=lambda d: d.name)
def test_categories_round_trip(d: Distribution) -> None:
    values = d.model_dump()["values"]
    middles = [d.cdf(value) - 1e-6 for value in values]
    assert [d.ppf(u) for u in middles] == values
    assert d.cdf(values[-1]) == pytest.approx(1)
    with pytest.raises(ValueError, match="not one of its values"):
        d.cdf("none of them")


@numeric
@given(x=st.floats(-1e9, 1e9))
def test_the_cdf_stays_within_0_and_1_for_any_number(d: Distribution, x: float) -> None:
    assert 0 <= d.cdf(x) <= 1


@pytest.mark.parametrize("d", [d for d in ALL if isinstance(d, Quantised)], ids=lambda d: d.name)
@given(u=INSIDE)
def test_quantised_values_are_multiples_of_q_in_its_type(d: Any, u: float) -> None:
    value = d.ppf(u)
    assert type(value) is type(d.q)
    assert value / d.q == pytest.approx(round(value / d.q), abs=1e-9)


@given(
    low=st.integers(-(10**6), 10**6),
    span=st.integers(1, 10**6),
    u=st.floats(0, 1),
)
def test_integers_are_equally_likely(low: int, span: int, u: float) -> None:
    d = made({"min": low, "max": low + span})
    value = d.ppf(u)
    assert type(value) is int
    assert (value - low) / (span + 1) <= u <= (value - low + 1) / (span + 1)
    assert d.ppf(d.cdf(value)) == value


@given(n=st.integers(1, 200))
def test_each_choice_has_its_slot(n: int) -> None:
    d = made({"values": list(range(n))})
    assert [d.ppf((i + 0.5) / n) for i in range(n)] == list(range(n))
    assert [d.ppf((i + 1) / n) for i in range(n)] == list(range(n))
    assert d.ppf(0.0) == 0


def test_weights_are_kept() -> None:
    d = made({"values": ["a", "b", "c"], "probabilities": [0.0, 0.25, 0.75]})
    drawn = [d.ppf((i + 0.5) / 1000) for i in range(1000)]
    assert [drawn.count(v) for v in "abc"] == [0, 250, 750]
    assert made({"values": ["a", "b"], "probabilities": [1.0, 0.0]}).ppf(1.0) == "a"


def test_a_weighted_choice_has_its_place_in_the_middle_of_its_share() -> None:
    d = made({"values": ["a", "b", "c"], "probabilities": [0.5, 0.2, 0.3]})
    assert [d.locate(value) for value in "abc"] == pytest.approx([0.25, 0.6, 0.85])


def test_known_quantiles() -> None:
    def at(u: float, **config: Any) -> Any:
        return made(config).ppf(u)

    assert at(0.25, min=0.0, max=8.0) == 2.0
    assert at(0.5, distribution="log_uniform_values", min=1e-4, max=1.0) == pytest.approx(1e-2)
    assert at(0.5, distribution="inv_log_uniform_values", min=1e-4, max=1.0) == pytest.approx(1e-2)
    assert at(0.0, distribution="inv_log_uniform", min=0, max=2) == pytest.approx(math.exp(-2))
    assert at(0.975, distribution="normal") == pytest.approx(1.959964, abs=1e-6)
    assert at(0.5, distribution="log_normal", mu=1) == pytest.approx(math.e)
    assert at(0.5, distribution="beta", a=2, b=2) == pytest.approx(0.5)
    assert at(0.3, distribution="uniform", min=0, max=10) == 3.0
    assert at(0.3, distribution="q_uniform", min=0, max=1, q=0.1) == 0.30000000000000004


def test_rounding_leaves_the_bounds_as_on_wandb() -> None:
    d = made({"distribution": "q_uniform", "min": 1, "max": 8, "q": 3})
    drawn = [d.ppf((i + 0.5) / 7000) for i in range(7000)]
    assert [drawn.count(v) for v in (0, 3, 6, 9)] == [500, 3000, 3000, 500]
    assert (d.support(), d.levels()) == ((0, 9), 4)


@pytest.mark.parametrize(
    ("x", "q", "expected"),
    [(0.5, 1, 0), (1.5, 1, 2), (2.5, 1, 2), (-0.5, 1, 0), (7.0, 2, 8), (5.0, 2, 4), (7.2, 1.0, 7.0)],
)
def test_halves_round_to_even(x: float, q: int | float, expected: float) -> None:
    got = rounded(x, q)
    assert got == expected
    assert type(got) is type(q)


def test_the_support_of_a_rounded_log_range_is_what_comes_out() -> None:
    d = made({"distribution": "q_log_uniform_values", "min": 1, "max": 300, "q": 8})
    assert d.support() == (0, 296)  # 300 / 8 would round to 304, but e^ln(300) lies below 300
    assert d.levels() == 38


@pytest.mark.parametrize("u", [1e-300, 1e-285, 5e-324])
def test_beta_where_its_series_fails(u: float) -> None:
    assert made({"distribution": "beta", "a": 2, "b": 5}).ppf(u) == pytest.approx(0, abs=1e-100)
    assert made({"distribution": "q_beta", "a": 2, "b": 5, "q": 1}).ppf(u) == 0


def test_infinity_stays_infinite_when_rounded() -> None:
    assert rounded(-math.inf, 3) == -math.inf


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"value": [1]}, "constant"),
        ({"values": [1]}, "categorical"),
        ({"values": [1, 2], "probabilities": [0.5, 0.5]}, "categorical_w_probabilities"),
        ({"min": 1, "max": 2}, "int_uniform"),
        ({"min": 1.0, "max": 2.0}, "uniform"),
        ({"min": 1, "max": 2.0}, "uniform"),
        ({"min": 1.0, "max": 2}, "uniform"),
        ({"distribution": "uniform", "min": 1, "max": 2}, "uniform"),
        ({"distribution": "int_uniform", "min": 1.0, "max": 2}, "int_uniform"),
    ],
)
def test_what_is_inferred(config: dict[str, Any], name: str) -> None:
    assert made(config).name == name


@pytest.mark.parametrize(
    ("config", "levels"),
    [
        ({"value": 1}, 1),
        ({"values": [1, 1.0, 2]}, 2),
        ({"min": 1, "max": 10}, 10),
        ({"min": 1.0, "max": 10.0}, None),
        ({"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.1}, 11),
        ({"distribution": "q_log_uniform_values", "min": 1e-5, "max": 0.1}, 1),
        ({"distribution": "q_normal"}, None),
        ({"distribution": "q_beta"}, 2),
    ],
)
def test_how_many_values_there_are(config: dict[str, Any], levels: int | None) -> None:
    assert made(config).levels() == levels


def test_distributions_cannot_be_changed() -> None:
    d = made({"min": 1, "max": 2})
    with pytest.raises(ValueError, match="frozen"):
        d.min = 0  # type: ignore[attr-defined]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["min", "max", "value", "values", "q", "distribution", "mu", "a", "probabilities"]
                ),
                inner | st.sampled_from(list(DISTRIBUTIONS)),
                max_size=4,
            )
        ),
        max_leaves=8,
    )
)
def test_anything_at_all_is_read_or_faulted_and_never_raises(entry: Any) -> None:
    parsed = parse_parameter(entry)
    if parsed.distribution is None:
        assert any(fault.severity == "error" for fault in parsed.faults)
    else:
        assert all(fault.severity == "warning" for fault in parsed.faults)
        for u in (0.0, 0.3, 1.0):
            parsed.distribution.draw(u)


@pytest.mark.parametrize(
    "config",
    [
        {"distribution": "q_uniform", "min": 0, "max": 1e300, "q": 1e-300},
        {"distribution": "q_normal", "mu": 1e300, "sigma": 1e300, "q": 5e-324},
        {"distribution": "q_beta", "a": 2, "b": 5, "q": 5e-324},
        {"distribution": "q_log_uniform", "min": 0, "max": 700, "q": 1e-300},
    ],
)
def test_a_q_that_is_nothing_beside_the_range_changes_nothing(config: dict[str, Any]) -> None:
    quantised = made(config)
    plain = made({**{k: v for k, v in config.items() if k != "q"}, "distribution": quantised.name[2:]})
    assert quantised.draw(0.3) == plain.draw(0.3)
    assert quantised.levels() is None
