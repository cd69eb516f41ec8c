"""What packaging and continuous integration rely on: one version, one test command, files that are there."""

from __future__ import annotations

import os
import re
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import hpo
from hpo.package_name import NAME

ROOT = Path(__file__).parents[1]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_versions_agree() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d[^\]]*)\]", changelog, re.MULTILINE)
    declared = re.findall(r'^version = "(.+)"$', PROJECT, re.MULTILINE)
    assert [hpo.__version__] == declared == released[:1]


def test_changelog_has_a_place_for_what_comes_next() -> None:
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_ci_runs_the_test_command_and_nothing_else() -> None:
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith(("#", "set ", "cd "))] == [
        "exec bash tests/run.sh"
    ]


@pytest.mark.parametrize("name", [".ci/run", "tests/run.sh"])
def test_scripts_can_be_started(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    assert (ROOT / name).read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")


def test_licence_is_the_one_declared() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert '\nlicense = "Apache-2.0"\n' in PROJECT
    assert "Apache License\n" in text
    assert "the hpo authors" in text


def test_public_names_are_callable_and_stay_so() -> None:
    assert sorted(hpo.__all__) == hpo.__all__
    for name in [*hpo.__all__, *hpo.__all__]:  # twice: loading a package may not hide a function of its name
        assert callable(getattr(hpo, name)), name


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_each_dependency_is_locked_within_its_bounds(python: str) -> None:
    here = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": "linux"}
    locked = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#") and holds(one := Requirement(line), here):
            assert one.name not in locked, f"two versions of {one.name} for Python {python}"
            (pin,) = one.specifier
            assert pin.operator == "=="
            locked[canonicalize_name(one.name)] = pin.version
    wanted = [Requirement(text) for text in requires(NAME) or ()]
    assert len(wanted) > 30
    for one in wanted:
        assert one.specifier.contains(locked[canonicalize_name(one.name)]), one


def holds(requirement: Requirement, environment: dict[str, str]) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(environment)


def test_torch_is_the_newest_without_gigabytes_of_gpu_packages() -> None:
    assert re.findall(r'^  "torch([<>=].*)",', PROJECT, re.MULTILINE) == [">=1.13,<2.14"]
    assert re.findall(r"^torch==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE) == ["2.13.0"]


def test_the_set_up_command_installs_what_is_locked() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "pip install -c constraints.txt -e" in readme
