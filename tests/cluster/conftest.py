from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.lab import Lab, until, up


@pytest.fixture(scope="session")
def cluster() -> Iterator[Lab]:
    with up() as lab:
        yield lab


@pytest.fixture
def lab(cluster: Lab) -> Iterator[Lab]:
    """The cluster with all nodes up and idle; nothing of a test's jobs may be left on them."""
    yield cluster
    for job in cluster.call("squeue", "-h", "-o", "%A").split():
        cluster.call("scancel", job)
    cluster.repair()
    until(cluster.ready, 120, cluster.call("sinfo", "-N", "-l"))
    assert cluster.left() == ""
