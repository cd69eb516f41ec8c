"""Programs and commands that start nothing: refused by `hpo check`, with their line and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.sweepfile.load import read_sweep
from hpo.trial.command import MACROS

SWEEP = "method: random\nparameters: {x: {min: 0, max: 1}}\n"
ENV, PYTHON, PROGRAM = '"${env}"', '"${interpreter}"', '"${program}"'
ARGS = '"${args}"'
FRONT = f"{ENV}, {PYTHON}, {PROGRAM}"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("")
    return tmp_path


def said(folder: Path, text: str) -> list[str]:
    (folder / "sweep.yaml").write_text(SWEEP + text)
    return [str(problem).removeprefix(f"{folder}/") for problem in read_sweep(folder / "sweep.yaml").problems]


@pytest.mark.parametrize(
    "macro",
    [name for name in MACROS if name.startswith("args")],
)
def test_macros_alone_start_nothing(here: Path, macro: str) -> None:
    item = f'"${{{macro}}}"'
    (one,) = said(here, f"program: train.py\ncommand: [{item}]\n")
    where = f"sweep.yaml:4:11: command.0: ${{{macro}}} stands where the program to start is named"
    assert one == f"{where}; write [{FRONT}, {item}]"
    (one,) = said(here, f"program: train.py\ncommand: [{ENV}, A=1, {item}]\n")
    assert "stands where" in one or "names no program to start" in one


@pytest.mark.parametrize(
    ("command", "message", "written"),
    [
        (f"[{ENV}]", "command: names no program to start", f"[{FRONT}]"),
        (f"[{ENV}, A=1]", "command: names no program to start", f"[{FRONT}]"),
        (f"[{PYTHON}]", "command.0: ${interpreter} is started without a script", f"[{PYTHON}, {PROGRAM}]"),
        (
            f"[{ENV}, {PYTHON}, -u, '${{args}}']",
            "command.1: ${interpreter} is started without a script",
            f'[{FRONT}, "-u", {ARGS}]',
        ),
        (
            "[python3, '${args}']",
            "command.0: python3 is started without",
            f'["python3", {PROGRAM}, {ARGS}]',
        ),
        (
            "['torchrun --nproc=2', '${program}', '${args}']",
            "command.0: 'torchrun --nproc=2' is one word of the command",
            f'["torchrun", "--nproc=2", {PROGRAM}, {ARGS}]',
        ),
        (
            "[--verbose, '${args}']",
            "command.0: '--verbose' is an option, no program",
            f'[{PYTHON}, {PROGRAM}, "--verbose", {ARGS}]',
        ),
        (
            "[OMP_NUM_THREADS=1, python, '${program}']",
            "command.0: 'OMP_NUM_THREADS=1' is no program",
            f'[{ENV}, "OMP_NUM_THREADS=1", "python", {PROGRAM}]',
        ),
        (
            "[train.py, '${args}']",
            "command.0: 'train.py' is looked for on PATH, and is not there",
            f'[{PYTHON}, "train.py", {ARGS}]',
        ),
        (
            "['${program}', '${args}']",
            "command.0: 'train.py' is looked for on PATH, and is not there",
            f"[{PYTHON}, {PROGRAM}, {ARGS}]",
        ),
        (
            "[./train.py, '${args}']",
            "command.0: './train.py' is not executable",
            f'[{PYTHON}, "./train.py", {ARGS}]',
        ),
    ],
)
def test_other_commands_that_start_nothing(here: Path, command: str, message: str, written: str) -> None:
    (one,) = said(here, f"program: train.py\ncommand: {command}\n")
    assert one.startswith("sweep.yaml:4:")
    assert f": {message}" in one
    assert one.endswith(f"; write {written}")
    assert said(here, f"program: train.py\ncommand: {written}\n") == []


def test_where_no_program_is_named_it_is_asked_for_too(here: Path) -> None:
    (one,) = said(here, "command: ['${args}']\n")
    assert one.endswith("and `program: train.py`")


@pytest.mark.parametrize(
    "command",
    [
        f"[{ENV}, '${{args_no_hyphens}}', {PYTHON}, {PROGRAM}]",
        "[/usr/bin/env, A=1, python3.12, -m, pkg.train, '${args}']",
        "[env, -i, python, train.py]",
        "[python, -c, 'print(1)']",
        "['${envvar:LAUNCHER}', '${program}']",
        "[bash, -c, 'python train.py']",
        "[./go, '${args}']",
        "[a-tool-of-another-node, '${args}']",
        "[python, -X, dev, train.py]",
    ],
)
def test_commands_that_start_something_are_silent(here: Path, command: str) -> None:
    (here / "go").touch(mode=0o755)
    assert said(here, f"program: train.py\ncommand: {command}\n") == []
    assert said(here, f"program: ./go\ncommand: [{PROGRAM}]\n") == []


@pytest.mark.parametrize(
    ("program", "remedy"),
    [
        (
            "torchrun --nproc=2 train.py",
            f'`program: train.py` and `command: [{ENV}, "torchrun", "--nproc=2", {PROGRAM}, {ARGS}]`',
        ),
        ("python train.py", f'`program: train.py` and `command: [{FRONT}, {ARGS}]`'),
        (
            "python3 -u train.py ${args}",
            f'`program: train.py` and `command: [{ENV}, {PYTHON}, "-u", {PROGRAM}, {ARGS}]`'),
        ("train.py --epochs 3", f'`program: train.py` and `command: [{FRONT}, "--epochs", "3", {ARGS}]`'),
        ("python -m pkg.train", f'`command: [{ENV}, {PYTHON}, "-m", "pkg.train", {ARGS}]`'),
        (
            "A=0 python train.py",
            f'`program: train.py` and `command: [{ENV}, "A=0", {PYTHON}, {PROGRAM}, {ARGS}]`',
        ),
        ("julia train.jl", f'`command: [{ENV}, "julia", "train.jl", {ARGS}]`'),
        ("papermill a.ipynb b.ipynb", f'`command: [{ENV}, "papermill", "a.ipynb", "b.ipynb", {ARGS}]`'),
        ("bash run.sh", f'`command: [{ENV}, "bash", "run.sh", {ARGS}]`'),
        ("${env} ${interpreter} train.py", f'`program: train.py` and `command: [{FRONT}, {ARGS}]`'),
    ],
)  # fmt: skip
def test_a_program_that_is_a_command_line(here: Path, program: str, remedy: str) -> None:
    (one,) = said(here, f"program: {program}\n")
    assert one == f"sweep.yaml:3:1: program: {program!r} is a command line, not one file; write {remedy}"
    written = "\n".join(part for part in remedy.split("`") if ": " in part)
    assert said(here, written + "\n") == []
    (one,) = said(here, f"program: {program}\ncommand: [{PROGRAM}]\n")
    assert "into command, one item a word" in one


def test_a_file_with_a_blank_in_its_name_is_a_program(here: Path) -> None:
    (here / "my train.py").write_text("")
    assert said(here, "program: my train.py\n") == []
    assert said(here, "program: some other file.py\n") == []  # it may be elsewhere: `hpo run` looks for it


@pytest.mark.parametrize(
    "line", ["cd src && python train.py", "source env.sh; python train.py", "python train.py > log"]
)
def test_a_program_that_is_a_line_for_a_shell(here: Path, line: str) -> None:
    (one,) = said(here, f"program: {line}\n")
    command = f'[{ENV}, "bash", "-c", "{line} \\"$@\\"", "bash", {ARGS}]'
    assert one.endswith(f"program: {line!r} is a line for a shell, not one file; write `command: {command}`")
    assert said(here, f"command: {command}\n") == []
    (one,) = said(here, f"program: {line} ${{args}}\n")
    assert one.endswith(f"write `command: {command}`")
