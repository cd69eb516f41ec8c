"""What several folders of tests need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("hpo", deadline=None, derandomize=True)  # the same examples on every machine
settings.load_profile("hpo")


PROCESSES = ("tests/trial/", "tests/cli/", "tests/test_architecture.py")
"""Where nearly every test starts processes of its own; the fast tests are all others."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that start processes by the folder they stand in."""
    for item in items:
        place = item.path.relative_to(config.rootpath).as_posix()
        if place.startswith(PROCESSES):
            item.add_marker(pytest.mark.process)


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """One Ray on this machine for all tests that take it."""
    from hpo.engine.cluster import connected

    with connected(None):
        yield
