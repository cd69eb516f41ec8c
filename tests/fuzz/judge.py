"""What must hold for any sweep file: `hpo check` tells all of it, or where it is wrong, and nothing else."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import typer

from hpo.cli.check import check
from hpo.errors import UserError
from hpo.space.grid import Grid
from hpo.space.space import SearchSpace
from hpo.sweepfile.document import BREAKS
from hpo.sweepfile.explain import configurations
from hpo.sweepfile.load import Loaded, read_sweep
from hpo.sweepfile.model import Sweep
from hpo.sweepfile.replay import read_schedule, replayed

SMALL = b"method: random\nprogram: train.py\nparameters:\n  lr: {min: 0.0, max: 1.0}\n"
CELLS = 30
"""Of a grid so many are listed."""


def judge(file: Path, *, set_too: bool = True) -> bool:
    """Whether the file is a valid sweep; raises whatever goes wrong with it, AssertionError too."""
    loaded = read_sweep(file)
    _placed(loaded, file)
    for as_json in (False, True):
        code, out, err = _checked(file, as_json)
        assert code == (1 if loaded.errors else 0), code
        assert all(c.isprintable() or c in "\n\t" for c in err), err
        if as_json:
            told = json.loads(out)
            assert len(told["errors"]) == len(loaded.errors)
        else:
            assert all(c.isprintable() or c == "\n" for c in out), out
    if loaded.sweep:
        _used(loaded.sweep)
    _as_schedule(file, loaded)
    return loaded.sweep is not None


def judge_setting(text: str, file: Path) -> None:
    """The same for `--set text` beside a valid file."""
    loaded = read_sweep(file, [text])
    assert loaded.sweep or loaded.errors
    _one_line_each(loaded)
    if loaded.sweep:
        _used(loaded.sweep)


def _placed(loaded: Loaded, file: Path) -> None:
    """Errors where there is no sweep; all of them in one line each, inside the file."""
    assert (loaded.sweep is None) == bool(loaded.errors)
    _one_line_each(loaded)
    text = file.read_bytes().decode(errors="replace") if file.is_file() else ""
    lines = len(BREAKS.split(text))
    for problem in loaded.problems:
        assert problem.place.file == str(file)
        assert problem.place.line <= lines, str(problem)


def _one_line_each(loaded: Loaded) -> None:
    for problem in loaded.problems:
        assert "\n" not in str(problem)
        assert str(problem).isprintable(), str(problem)
        assert len(str(problem)) < 10_000


def _checked(file: Path, as_json: bool) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `hpo check`, whose output can be encoded."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            check(file, as_json=as_json, strict=False, samples=3, seed=None)
        except typer.Exit as end:
            code = end.exit_code
    return code, out.getvalue(), err.getvalue()


def _used(sweep: Sweep) -> None:
    """Its first configurations are points of the space; a grid's cells are as many as it says."""
    for config in configurations(sweep, CELLS if sweep.method == "grid" else 3):
        assert _fits(sweep.space, config), config
    if sweep.method == "grid":
        grid = Grid(sweep.space)
        assert grid.size > 0
        assert grid[grid.size - 1]


def _fits(space: SearchSpace, config: dict[str, object]) -> bool:
    there = 0
    for leaf in space.leaves:
        with contextlib.suppress(KeyError, TypeError):
            SearchSpace.value(config, leaf)
            there += 1
    return there == len(space.leaves) or (space.conditional and there <= len(space.leaves))


def _as_schedule(file: Path, loaded: Loaded) -> None:
    """Read as what `hpo run --replay` takes, it is one or is refused."""
    with contextlib.suppress(UserError):
        changes = read_schedule(file)
        if loaded.sweep:
            replayed(loaded.sweep, changes)
