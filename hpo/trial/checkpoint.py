"""What a script saves of its state → a folder below its trial's, never half-written, and back.

    trials/0001/checkpoints/000003/   checkpoint.json: what form it has
                                      state.pkl (a dictionary), or a copy of the file or folder
                            000004.2/ made by the second attempt

Written by the trial's own process, which alone reads it back: the dictionary is pickled by the script for
the script. Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pickle
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Union

from hpo.trial.disk import at_fault
from hpo.trial.files import named
from hpo.trial.objective import Objective
from hpo.trial.values import plain_row

FOLDER = "checkpoints"
START = "HPO_CHECKPOINT"
"""Environment variable with the folder of the checkpoint that a trial is to go on from."""
DEMAND = "HPO_CHECKPOINT_AT"
"""Environment variable with the iterations at which one is needed, joined by commas; without it: all."""
DONE = "HPO_ITERATIONS"
"""Environment variable with the iterations that a trial had done at the checkpoint that it goes on from."""
NAN = "HPO_NAN_COUNTS"
"""Environment variable that is set where a report of NaN is an iteration too."""
ATTEMPT = "HPO_ATTEMPT"
"""The trial's attempt, counted from 1."""
PARTIAL = ".partial-"
"""Begins the name of a checkpoint that is being saved."""
_META, _STATE, _FILES = "checkpoint.json", "state.pkl", "files"
_NAME = re.compile(r"\d+(\.\d+)?")
_saves = itertools.count()

State = Union[Mapping[str, Any], str, "os.PathLike[str]"]
"""A dictionary of anything that can be pickled, or a file or folder that was written."""


def save(source: State | Callable[[], State], folder: str) -> str:
    """Keep a copy below `folder`; its name. Names count upwards.

    A function is called for what it returns. An object with a `path`, such as Ray's Checkpoint, stands for
    the folder there.

    Raises:
        TypeError: `source` is none of these.
        OSError: It could not be read or written (`disk.at_fault` tells); nothing of it is left then.
    """
    if callable(source):
        source = source()
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder)  # and nothing above it: a run directory that has vanished stays away
    # each its own: a signal handler may save in the middle of a save
    partial = os.path.join(folder, f"{PARTIAL}{os.getpid()}-{next(_saves)}")
    os.mkdir(partial)
    try:
        form = _write(source, partial)
        with open(os.path.join(partial, _META), "w", encoding="utf-8") as file:
            json.dump(form, file)
        _to_disk(partial)
        return _put(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def load(path: str) -> Any:
    """The dictionary that was saved, or the path of the file's or folder's copy. Raises OSError."""
    with open(os.path.join(path, _META), encoding="utf-8") as file:
        form = json.load(file)
    if form["form"] == "dictionary":
        with open(os.path.join(path, _STATE), "rb") as state:
            return pickle.load(state)  # noqa: S301 (this very script has written it)
    return Path(path, form["name"])


def newest(folder: str) -> str | None:
    """The name of the newest checkpoint in a folder, None where there is none."""
    try:
        names = [name for name in os.listdir(folder) if _NAME.fullmatch(name)]
    except OSError:
        return None
    return max(names, key=_place, default=None)


def _place(name: str) -> tuple[int, ...]:
    return tuple(map(int, name.split(".")))


def discard_partial(folder: str) -> None:
    """Remove what an attempt that was killed had begun to save; its processes must be gone."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(PARTIAL):
                shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


class Demand:
    """Counts a trial's iterations, and knows after which of them a checkpoint is needed."""

    def __init__(self) -> None:
        self._at = frozenset(map(int, os.environ[DEMAND].split(",")))
        nan_counts = bool(os.environ.get(NAN))
        self._objective = Objective(os.environ.get("HPO_METRIC", ""), "minimize", nan_counts=nan_counts)
        self._objective.iterations = int(os.environ.get(DONE) or 0)

    def after(self, row: Mapping[str, Any]) -> bool:
        """Count a row; whether one is needed after it."""
        self._objective.add_row(plain_row(row))
        return self._objective.iterations in self._at


def _write(source: Any, partial: str) -> dict[str, str]:
    if isinstance(source, Mapping):
        with open(os.path.join(partial, _STATE), "wb") as file:
            pickle.dump(dict(source), file, pickle.HIGHEST_PROTOCOL)
        return {"form": "dictionary"}
    own = getattr(source, "path", None)
    path = own if isinstance(own, str) else source  # Ray's is an os.PathLike, too, one that raises
    if not isinstance(path, (str, os.PathLike)):
        kind = type(source).__name__
        raise TypeError(f"a checkpoint is a dictionary, or the path of a file or folder, not {kind}")
    if os.path.isdir(path):
        _copy_folder(path, os.path.join(partial, _FILES))
        return {"form": "folder", "name": _FILES}
    name = os.path.basename(os.fspath(path))
    shutil.copy2(path, os.path.join(partial, name))
    return {"form": "file", "name": name}


def _copy_folder(source: Any, target: str) -> None:
    """shutil gathers all errors of a folder and loses what they were: the disk's own comes out as it is."""

    def copy(name: str, copied: str) -> str:
        try:
            return shutil.copy2(name, copied)
        except OSError as error:
            if at_fault(error):
                raise _DiskError(error) from error
            raise

    try:
        shutil.copytree(source, target, symlinks=True, copy_function=copy)
    except _DiskError as wrapped:
        raise wrapped.args[0] from None


class _DiskError(Exception):
    """An OSError, as its argument, that shutil is not to catch."""


def _to_disk(folder: str) -> None:
    """Have the system write it out: the journal will say that it is there."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                _sync(path)
        _sync(parent)


def _put(partial: str, folder: str) -> str:
    while True:
        number = _place(newest(folder) or "0")[0] + 1
        name = named(f"{number:06d}", int(os.environ.get(ATTEMPT) or 1))
        path = os.path.join(folder, name)
        try:
            os.mkdir(path)  # another process of the trial may have taken the name
        except FileExistsError:
            continue
        os.rename(partial, path)
        _sync(folder)
        return name


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
