"""What several folders of tests need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("hpo", deadline=None, derandomize=True)  # the same examples on every machine
settings.load_profile("hpo")


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """One Ray on this machine for all tests that take it."""
    from hpo.engine.cluster import connected

    with connected(None):
        yield
