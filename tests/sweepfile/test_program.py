"""`program: module:Class`: the module is found and read, but not imported."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from hpo.sweepfile.load import read_sweep
from hpo.sweepfile.program import hidden, is_class, whereabouts, working_directory

NET = "raise SystemExit('imported')\nclass Net:\n    def step(self): return {}\n"


def write(folder: Path, program: str, more: str = "") -> Path:
    text = f"method: random\nprogram: {program}\nparameters: {{x: {{min: 0, max: 1}}}}\n{more}"
    (folder / "sweep.yaml").write_text(text)
    return folder / "sweep.yaml"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    "code",
    [
        NET,
        "class Net(Other): pass",
        "from other import Net",
        "from other import *",
        "import other\nNet = other.Net",
        "if True:\n    class Net: pass",
        "class Net:\n    step = None",
        "@decorated\nclass Net: pass",
    ],
)
def test_a_class_that_may_be_there(here: Path, code: str) -> None:
    (here / "models").mkdir()
    (here / "models/net.py").write_text(code)
    loaded = read_sweep(write(here, "models.net:Net"))
    assert loaded.problems == ()
    assert is_class(loaded.valid())
    assert working_directory(loaded.valid(), loaded.file, here) == here


@pytest.mark.parametrize(
    ("code", "program", "said"),
    [
        (NET, "nets:Net", "module 'nets' is not in {here}; did you mean 'net'?"),
        (NET, "net:Nett", "net.py has no class 'Nett'; did you mean 'Net'?"),
        ("x = 1", "net:Net", "net.py has no class 'Net'; define it there"),
        ("class Net:\n    def run(self): pass", "net:Net", "class Net of net.py has no step(); return a"),
        ("class Net:\n  def", "net:Net", "net.py cannot be read, line 2: invalid syntax; correct the file"),
    ],
)
def test_what_is_not_there_is_said_with_its_place(here: Path, code: str, program: str, said: str) -> None:
    (here / "net.py").write_text(code)
    (problem,) = read_sweep(write(here, program)).errors
    assert str(problem).startswith(f"{here}/sweep.yaml:2:1: program: {said.format(here=here)}")


def test_a_module_beside_the_sweep_file(here: Path, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    file = write(tmp_path, "net:Net")
    sweep = read_sweep(file).valid()
    assert working_directory(sweep, file, here) == tmp_path
    assert whereabouts(sweep, file, here) == f"net:Net, in {tmp_path}"
    (here / "net").mkdir()
    (here / "net/__init__.py").write_text(NET)
    assert working_directory(sweep, file, here) == here
    assert "not the one beside" in hidden(sweep, file, here)


def test_an_installed_module_is_left_to_the_trial(here: Path) -> None:
    assert read_sweep(write(here, "pytest.models:Net")).errors == []


@pytest.mark.parametrize("more", ["command: ['${program}']", ""])
def test_what_is_no_class(here: Path, more: str) -> None:
    """A program of the user's own command, and a file of such a name."""
    if not more:
        (here / "net:Net").write_text("")
    loaded = read_sweep(write(here, "net:Net", textwrap.dedent(more)))
    assert loaded.errors == []
    assert not is_class(loaded.valid())


def test_scripts_are_found_as_before(here: Path, tmp_path: Path) -> None:
    sweep: Any = read_sweep(write(tmp_path, "train.py")).valid()
    (tmp_path / "train.py").write_text("")
    assert not is_class(sweep)
    assert working_directory(sweep, tmp_path / "sweep.yaml", here) == tmp_path


LOAD = "    setup: data:load\n"
SET_UP = "hpo:\n" + LOAD


@pytest.mark.parametrize("code", ["def load(): pass", "from other import load", "load = partial(f)"])
def test_a_setup_that_may_be_there(here: Path, code: str) -> None:
    (here / "src").mkdir()
    (here / "src/train.py").touch()
    (here / "src/data.py").write_text(code)
    assert read_sweep(write(here, "src/train.py", SET_UP)).problems == ()


@pytest.mark.parametrize(
    ("code", "more", "said"),
    [
        ("def lod(): pass", SET_UP, "data.py has no function 'load'; did you mean 'lod'?"),
        ("x = 1", SET_UP, "data.py has no function 'load'; define it there"),
        ("", "hpo: {setup: 'dat:load'}", "module 'dat' is not in {here}; did you mean 'data'?"),
        ("", f"command: [x]\n{SET_UP}", "warning: data.py has no function 'load'; define it there"),
    ],
)
def test_a_setup_that_is_not_there(here: Path, code: str, more: str, said: str) -> None:
    (here / "train.py").touch()
    (here / "data.py").write_text(code)
    (problem,) = read_sweep(write(here, "train.py", more)).problems
    assert str(problem).partition("hpo.setup: ")[2] == said.format(here=here)
