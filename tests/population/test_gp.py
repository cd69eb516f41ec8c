"""The process behind pb2."""

from __future__ import annotations

import numpy as np
import pytest

from hpo.tune.population.gp import Data, fit, given, highest


def data(peak: float, count: int = 40, at: float = 5.0) -> Data:
    draw = np.random.default_rng(0)
    places = draw.random((count, 1))
    values = -((places[:, 0] - peak) ** 2) * 10
    return Data(np.full(count, at), places, (values - values.mean()) / values.std())


def test_it_knows_what_it_has_seen() -> None:
    process = fit(data(0.3))
    mean, deviation = process.predict(process.data.times, process.data.places)
    assert np.abs(mean - process.data.values).max() < 0.3
    assert deviation.max() < 0.5


def test_the_highest_bound_is_where_gains_were_largest() -> None:
    process = fit(data(0.3, count=60))
    found = highest(process, process, 5.0, np.array([0.9]), np.random.default_rng(1))
    assert abs(found[0] - 0.3) < 0.15
    assert 0.0 <= found[0] <= 1.0


@pytest.mark.parametrize("seed", range(3))
def test_the_search_goes_on_around_the_best_of_its_first_points(seed: int) -> None:
    draw, peak = np.random.default_rng(0), np.array([0.3, 0.6, 0.45, 0.7])
    places = draw.random((100, 4))
    values = -((places - peak) ** 2).sum(axis=1)
    process = fit(Data(np.full(100, 5.0), places, (values - values.mean()) / values.std()))
    found = highest(process, process, 5.0, np.full(4, 0.9), np.random.default_rng(seed))
    assert np.abs(found - peak).max() < 0.09  # random points alone come no closer than 0.11


def test_newer_intervals_count_more() -> None:
    old, new = data(0.1, at=0.0), data(0.9, at=10.0)
    both = Data(*(np.concatenate(pair) for pair in zip(vars(old).values(), vars(new).values(), strict=True)))
    found = highest(fit(both), fit(both), 10.0, np.array([0.5]), np.random.default_rng(1))
    assert found[0] > 0.6


def test_points_under_way_push_the_next_one_away() -> None:
    process = fit(data(0.5, count=4))
    begin, draws = np.array([0.5]), [np.random.default_rng(3) for _ in range(2)]
    first = highest(process, process, 5.0, begin, draws[0])
    known = process.data
    waiting = Data(
        np.append(known.times, [5.0] * 5),
        np.vstack([known.places, np.repeat(first[None, :], 5, axis=0)]),
        np.append(known.values, [0.0] * 5),
    )
    second = highest(process, given(waiting, process.shape), 5.0, begin, draws[1])
    assert abs(second[0] - first[0]) > 0.01
