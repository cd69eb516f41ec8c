from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.lab import Lab, tidy, up


@pytest.fixture(scope="session")
def cluster() -> Iterator[Lab]:
    with up() as lab:
        yield lab


@pytest.fixture
def lab(cluster: Lab) -> Iterator[Lab]:
    with tidy(cluster):
        yield cluster
