"""What several folders of tests need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("hpo", deadline=None, derandomize=True)  # the same examples on every machine
settings.load_profile("hpo")

LAB = "tests/cluster/"
SLOWER = {
    "tests/browser/": pytest.mark.browser,
    LAB: pytest.mark.slurm,
    "tests/cli/": pytest.mark.process,
    "tests/record/test_lock": pytest.mark.process,
    "tests/test_architecture.py": pytest.mark.process,
    "tests/trial/": pytest.mark.process,
    "tests/tune/": pytest.mark.ray,
}
"""Where nearly every test starts processes of its own or imports Ray; the fast tests are all others."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by the folder they stand in; those that take longest come first, beside whatever follows.

    A test of the method `gp` is one that needs torch.
    """
    for item in items:
        place = item.path.relative_to(config.rootpath).as_posix()
        parametrized = getattr(item, "callspec", None)
        if parametrized and any(str(value) == "gp" for value in parametrized.params.values()):
            item.add_marker(pytest.mark.torch)
        for start, mark in SLOWER.items():
            if place.startswith(start):
                item.add_marker(mark)
    items.sort(key=lambda item: item.get_closest_marker("slurm") is None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A searcher with a numerical model has one thread, as in the process beside the driver."""
    if {"ray", "torch"} <= {mark.name for mark in item.iter_markers()}:
        import torch

        torch.set_num_threads(1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile` give all tests of the Slurm lab to one worker: there is one lab."""
    from xdist.scheduler import LoadFileScheduling

    if config.getoption("dist") != "loadfile":
        return None
    scheduling = LoadFileScheduling(config, log)
    file_of = scheduling._split_scope
    scheduling._split_scope = lambda test: LAB if test.startswith(LAB) else file_of(test)
    return scheduling


@pytest.fixture(scope="session")
def shared_ray() -> Iterator[str]:
    """One Ray on this machine for all tests of this process that take it; its address."""
    import ray

    from hpo.engine.cluster import connected

    with connected(None):
        yield str(ray.get_runtime_context().gcs_address)


@pytest.fixture
def ray_here(shared_ray: str) -> Iterator[str]:
    """The shared Ray, which a test has to leave as it was: with none of its slots alive."""
    from tests.slots import await_no_slots

    yield shared_ray
    await_no_slots()
