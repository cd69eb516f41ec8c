"""The hook at the start of a trial's Python: what `wandb` and `hpo` are found as, and what is left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LOOK = """
import importlib.metadata, importlib.util, sys
spec = importlib.util.find_spec("wandb")
print(importlib.metadata.version("wandb"), len(list(importlib.metadata.distributions(name="wandb"))))
print("wandb" in sys.modules, spec.name, bool(spec.origin), bool(spec.submodule_search_locations))
import wandb
assert wandb.__spec__.origin == wandb.__file__ == spec.origin
assert importlib.metadata.version("wandb") == wandb.__version__
print(type(wandb.__loader__).__name__, type(wandb.__spec__.loader).__name__)
"""
LOADED = "False wandb True True\nSourceFileLoader SourceFileLoader\n"


def test_the_stand_in_has_a_spec_and_a_version(play: Any, bare_python: str) -> None:
    played = play(LOOK, python=bare_python)
    assert played.out == f"0.31.0 1\n{LOADED}", played.err


@pytest.mark.wandb
def test_the_real_wandb_goes_first_and_keeps_its_loader(play: Any) -> None:
    import wandb

    played = play(LOOK)
    assert played.out == f"{wandb.__version__} 1\n{LOADED}", played.err


def test_other_metadata_is_as_it_was(play: Any, bare_python: str) -> None:
    code = "import importlib.metadata as m\nprint([d.name for d in m.distributions()])\nm.version('none')"
    played = play(code, python=bare_python)
    assert played.out == "[]\n"
    assert "PackageNotFoundError: No package metadata was found for none" in played.err


def test_a_folder_that_wandb_has_left_is_not_wandb(play: Any, bare_python: str, tmp_path: Path) -> None:
    (tmp_path / "wandb" / "offline-run-1").mkdir(parents=True)
    code = "import wandb; wandb.init(); wandb.log({'loss': 1})"
    played = play(code, python=bare_python, PYTHONPATH=str(tmp_path))
    assert played.rows == [(0, {"loss": 1})], played.err


def test_a_users_own_file_wandb_py_is_left_alone(play: Any, bare_python: str, tmp_path: Path) -> None:
    (tmp_path / "wandb.py").write_text("mine = 3")
    played = play("import wandb; print(wandb.mine)", python=bare_python, PYTHONPATH=str(tmp_path))
    assert played.out == "3\n", played.err


def test_an_hpo_of_the_users_own_goes_first(play: Any, bare_python: str, tmp_path: Path) -> None:
    (tmp_path / "hpo.py").write_text("mine = 3")
    played = play("import hpo; print(hpo.mine)", python=bare_python, PYTHONPATH=str(tmp_path))
    assert played.out == "3\n", played.err


SHOW = "import builtins, sys, wandb; print(builtins.mine, sys.modules['sitecustomize'].__file__)"


def test_a_folder_hpo_and_ours_are_one_package(play: Any, bare_python: str, tmp_path: Path) -> None:
    (tmp_path / "hpo").mkdir()
    (tmp_path / "hpo" / "search.py").write_text("mine = 3")
    code = "import hpo; from hpo.search import mine; hpo.report({'loss': mine})"
    played = play(code, python=bare_python, PYTHONPATH=str(tmp_path))
    assert played.rows == [(None, {"loss": 3})], played.err


@pytest.mark.parametrize("python", ["stand-in", pytest.param("real", marks=pytest.mark.wandb)])
@pytest.mark.parametrize("own", ["hpo.py", "hpo/__init__.py", "hpo/notes.txt"])
def test_an_hpo_of_the_users_own_does_not_hide_ours_from_wandb(
    own: str, python: str, play: Any, bare_python: str, tmp_path: Path
) -> None:
    file = tmp_path / "project" / own
    file.parent.mkdir(parents=True)
    file.write_text("mine = 3")
    code = "import importlib.metadata as m, wandb; m.version('wandb'); wandb.init(); wandb.log({'loss': 1})"
    interpreter = bare_python if python == "stand-in" else sys.executable
    played = play(code, python=interpreter, PYTHONPATH=str(tmp_path / "project"))
    assert (played.rows, played.err) == ([(0, {"loss": 1})], "")


def own_sitecustomize(text: str, code: str = SHOW) -> str:
    """Code that puts a sitecustomize.py behind ours and starts Python anew."""
    return (
        "import os, subprocess, sys\n"
        f"open('sitecustomize.py', 'w').write({text!r})\n"
        "env = {**os.environ, 'PYTHONPATH': os.environ['PYTHONPATH'] + os.pathsep + os.getcwd()}\n"
        f"sys.exit(subprocess.call([sys.executable, '-c', {code!r}], env=env))\n"
    )


def test_the_users_own_sitecustomize_still_runs(play: Any, bare_python: str) -> None:
    played = play(own_sitecustomize("import builtins; builtins.mine = 5"), python=bare_python)
    mine, file = played.out.split()
    assert (mine, Path(file).name, played.code) == ("5", "sitecustomize.py", 0)
    assert "hpo" not in Path(file).parts


def test_what_the_users_sitecustomize_raises_is_said_as_ever(play: Any, bare_python: str) -> None:
    text = "import builtins; builtins.mine = 5; raise RuntimeError('theirs')"
    played = play(own_sitecustomize(text, "import wandb, builtins; print(mine)"), python=bare_python)
    assert played.out == "5\n"
    assert "theirs" in played.err


def test_the_hook_loads_no_module_that_python_has_not_loaded(play: Any, bare_python: str) -> None:
    code = "import sys; print(*sys.modules)"
    known = subprocess.run([bare_python, "-E", "-c", code], capture_output=True, text=True, check=True)
    played = play(code, python=bare_python)
    added = {"_hpo_hook", "_hpo_writes", "sitecustomize", "__future__"}
    assert {*played.out.split()} - {*known.stdout.split()} == added


def test_without_the_site_folder_nothing_is_changed(play: Any) -> None:
    code = (
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-I', '-c', 'import sys; print(len(sys.meta_path))'])\n"
        "print(len(sys.meta_path))"
    )
    alone, hooked = map(int, play(code, python=sys.executable).out.split())
    assert hooked == alone + 1
