"""Variables that a script sets before it imports → set so in the warm parent, and compared in each fork.

`os.environ["KERAS_BACKEND"] = args.backend; import keras`: what a module was imported with in the warm parent
must be what it would be imported with here. Where it is not, the trial starts afresh. Nothing but the
standard library, from Python 3.9 on.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

Set = tuple[int, str, Any]
"""So many modules were imported before, the variable's name, its value or None where it was removed."""
SHARED = "_hpo_sets"
"""The module in which they are kept: the trial imports this one anew."""


def note_sets(count: Callable[[], int]) -> None:
    """In the trial that is learnt from: keep each variable that is set, but for what an import sets."""
    putenv, unsetenv = os.putenv, os.unsetenv
    shared: Any = type(sys)(SHARED)
    kept: list[Set] = []
    shared.kept = kept
    sys.modules[SHARED] = shared

    def put(name: Any, value: Any) -> None:
        putenv(name, value)
        _note(kept, count, os.fsdecode(name), os.fsdecode(value))

    def unset(name: Any) -> None:
        unsetenv(name)
        _note(kept, count, os.fsdecode(name), None)

    os.putenv, os.unsetenv = put, unset


def sets() -> list[Set]:
    """What was kept so far."""
    return list(getattr(sys.modules.get(SHARED), "kept", []))


def _note(kept: list[Set], count: Callable[[], int], name: str, value: str | None) -> None:
    frame = sys._getframe(3)
    while frame is not None:
        file = frame.f_code.co_filename
        if frame.f_code.co_name == "<module>" and ("site-packages" in file or "dist-packages" in file):
            return
        frame = frame.f_back  # type: ignore[assignment]
    if not name.startswith("HPO_"):
        kept.append((count(), name, value))


class Imports:
    """What modules were imported with, by their packages; made in the warm parent, asked in its forks."""

    def __init__(self) -> None:
        self.sets: list[Set] = []
        self.before: dict[str, dict[str, str | None]] = {}
        """Variables that the script had set when it imported a package, and their values."""
        self.reads: dict[str, set[str]] = {}
        """Variables that packages have read."""
        self._now: list[str] = []
        self._unseen: set[str] = set()
        self._environment: Mapping[str, str] = {}
        self._channel = ""

    def learn(self, sets: Iterable[Any]) -> None:
        """The first trial's script has set these variables."""
        self.sets = [(int(at), str(name), value) for at, name, value in sets]

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Inside, it is kept which variables are read."""
        environ: Any = os.environ
        recorder = _Recorder(environ._data)
        recorder.read = self._read
        environ._data = recorder
        try:
            yield
        finally:
            environ._data = dict(environ._data)
            self._now = []

    def importing(self, at: int, package: str) -> None:
        """The module that was the script's `at`-th is imported next: with what the script had set by then."""
        for place, name, value in self.sets:
            if place <= at:
                _assign(name, value)
        known = {name: value for place, name, value in self.sets if place <= at}
        self.before.setdefault(package, known)
        self._now = [package]

    def nested(self, packages: Iterable[str]) -> None:
        """These are being imported by what is imported now."""
        self._now = list(dict.fromkeys([*self._now, *packages]))

    def _read(self, key: bytes) -> None:
        for package in self._now:
            self.reads.setdefault(package, set()).add(os.fsdecode(key))

    def mark(self) -> None:
        """Have each module of these packages tell when it is imported, here and in forks.

        Of a module that it has already, Python asks only whether it is being initialised. A function in place
        of `__import__` would see as much, but stand in the traceback of whatever an import raises.
        """
        packages = {*self.before, *self.reads}
        for name, module in list(sys.modules.items()):
            package = name.partition(".")[0]
            spec = getattr(module, "__spec__", None)
            if package in packages and spec is not None and not getattr(spec, "_initializing", True):
                with contextlib.suppress(AttributeError):
                    spec._initializing = _Imported(self, package)

    def watch(self, environment: Mapping[str, str], channel: str) -> None:
        """In a fork, which began with this environment: compare as each package is imported."""
        self._unseen = {*self.before, *self.reads}
        self._environment, self._channel = environment, channel

    def imported(self, package: str) -> None:
        """One of its modules is imported."""
        if package in self._unseen:
            self._unseen.discard(package)
            if variable := self._differs(package, self._environment):
                _start_afresh(self._channel, package, variable)

    def _differs(self, package: str, environment: Mapping[str, str]) -> str:
        """The variable that this trial's script has set otherwise before it imports a package."""
        expected = self.before.get(package, {})
        for name, value in expected.items():
            if os.environ.get(name) != value:
                return name
        for name in self.reads.get(package, set()) - expected.keys():
            if os.environ.get(name) != environment.get(name):
                return name
        return ""


class _Imported:
    """In place of the False with which a module's spec says that the module is there."""

    __slots__ = ("imports", "package")

    def __init__(self, imports: Imports, package: str) -> None:
        self.imports, self.package = imports, package

    def __bool__(self) -> bool:
        self.imports.imported(self.package)
        return False


class _Recorder(dict[Any, Any]):
    """The inside of os.environ, which says what is asked for."""

    read: Callable[[bytes], None]

    def __getitem__(self, key: Any) -> Any:
        self.read(key)
        return super().__getitem__(key)

    def __contains__(self, key: Any) -> bool:
        self.read(key)
        return super().__contains__(key)


def _assign(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    elif os.environ.get(name) != value:
        os.environ[name] = value


def _start_afresh(channel: str, package: str, variable: str) -> NoReturn:
    """Tell the supervisor that this process cannot be what a fresh one would be, and end."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(channel)
            told = {"unfit": {"package": package, "variable": variable}, "pid": os.getpid()}
            connection.sendall(json.dumps(told).encode() + b"\n")
    finally:
        os._exit(1)
