"""The package's name on an index: what messages tell pip to install; another project's package beside it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hpo.package_name import NAME, install, namesake

ROOT = Path(__file__).parents[1]
STRANGER = """Metadata-Version: 2.1
Name: HPO
Version: 0.4
"""


def installed(site: Path, entry: str) -> None:
    """Lay what pip leaves of a distribution called `hpo` into a folder of packages."""
    place = site / "HPO-0.4.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(STRANGER)
    (place / "entry_points.txt").write_text(f"[console_scripts]\nx = {entry}\n")


def test_commands_name_a_distribution_of_this_project_and_its_extra() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nname = "{NAME}"' in project
    optional = project.split("[project.optional-dependencies]")[1]
    extras = set(re.findall(r"^(\w+) = \[", optional, re.MULTILINE))
    files = (*ROOT.glob("*.md"), *(ROOT / "hpo").rglob("*.py"))
    texts = [path.read_text(encoding="utf-8") for path in files]
    named = {extra for text in texts for extra in re.findall(r"install\('(\w+)'\)", text)}
    written = {one for text in texts for one in re.findall(r"pip install '([\w-]+\[\w+\])'", text)}
    assert named <= extras
    assert named
    assert written
    assert written <= {f"{NAME}[{extra}]" for extra in extras}
    assert install("parquet") == "pip install 'hpo-sweeps[parquet]'"


def test_another_projects_hpo_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, "HPO.other:main")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert namesake() == (
        "HPO 0.4 is installed here and is another project's: pip uninstall hpo; this one is hpo-sweeps"
    )


def test_an_installation_of_ours_under_the_old_name_is_no_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, "hpo.cli.main:main")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert namesake() == ""


@pytest.mark.process
def test_commands_say_it_once_on_stderr(tmp_path: Path) -> None:
    installed(tmp_path, "HPO.other:main")
    command = [sys.executable, "-m", "hpo", "schema"]
    done = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stderr.count("HPO 0.4 is installed here") == 1
    assert done.stdout.startswith("{")
