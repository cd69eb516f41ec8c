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
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

Set = tuple[int, str, Any, bool]
"""So many modules were imported before, the variable's name, its value or None where it was removed, and
whether the user's own code set it: a package may do so when it is called, with a trial's seed say."""
STANDARD = getattr(sys, "stdlib_module_names", frozenset(sys.builtin_module_names))
"""The standard library: what of it goes by a variable reads os.environ."""
SHARED = "_hpo_sets"
"""The module in which they are kept: the trial imports this one anew."""


def note_sets() -> None:
    """In the trial that is learnt from: keep each variable that is set, but for what an import sets."""
    putenv, unsetenv = os.putenv, os.unsetenv
    shared: Any = type(sys)(SHARED)
    kept: list[Set] = []
    shared.kept, shared.begun = kept, _Begun()
    sys.modules[SHARED] = shared
    sys.meta_path.insert(0, shared.begun)

    def put(name: Any, value: Any) -> None:
        putenv(name, value)
        _note(kept, len(shared.begun.places), os.fsdecode(name), os.fsdecode(value))

    def unset(name: Any) -> None:
        unsetenv(name)
        _note(kept, len(shared.begun.places), os.fsdecode(name), None)

    os.putenv, os.unsetenv = put, unset


def learnt(modules: Iterable[str]) -> tuple[list[str], list[Set]]:
    """In that trial, of these modules in the order of sys.modules: as their imports began, and what was set.

    sys.modules has a package behind all that it imports, for which it may have set variables.
    """
    shared = sys.modules.get(SHARED)
    if shared is None:
        return list(modules), []
    if shared.begun in sys.meta_path:
        sys.meta_path.remove(shared.begun)
    places: dict[str, int] = {}
    place = -1
    for name in modules:
        place = places[name] = shared.begun.places.get(name, place)
    ordered = sorted(places, key=places.__getitem__)
    ranks = [places[name] for name in ordered]
    return ordered, [(bisect_left(ranks, at), name, value, own) for at, name, value, own in shared.kept]


class _Begun:
    """Stands first among Python's finders and finds nothing: the order in which imports begin."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """A module is looked for."""
        self.places.setdefault(name, len(self.places))


def _note(kept: list[Set], at: int, name: str, value: str | None) -> None:
    frame: Any = sys._getframe(2)
    while str(frame.f_globals.get("__name__")).partition(".")[0] in STANDARD:
        frame = frame.f_back
    by_package = _is_installed(frame.f_code.co_filename)
    while frame is not None:
        if frame.f_code.co_name == "<module>" and _is_installed(frame.f_code.co_filename):
            return
        frame = frame.f_back
    if not name.startswith("HPO_"):
        kept.append((at, name, value, not by_package))


def _is_standard(package: str) -> bool:
    return package in STANDARD or package.startswith("_sysconfigdata_")


def _is_installed(file: str) -> bool:
    return "site-packages" in file or "dist-packages" in file


class Imports:
    """What modules were imported with; made in the warm parent, asked in its forks."""

    def __init__(self) -> None:
        self.sets: list[Set] = []
        self.before: dict[str, dict[str, str | None]] = {}
        """Variables that the script had set when it imported a package first, and their values."""
        self.reads: dict[str, dict[str, str | None]] = {}
        """Variables that modules, and what these import, have read: their values."""
        self.writes: dict[str, dict[str, str | None]] = {}
        """Variables that modules, and what these import, have set."""
        self._known: dict[str, str | None] | None = None
        """What the script had set before the present import; None where it is a setup that imports."""
        self._inner: dict[str, set[str]] = {}
        """For each package that set variables: those that it imported afterwards."""
        self.asked: set[str] = set()
        """Variables that were read since this was emptied."""
        self._marked: set[str] = set()
        self._looked_at = 0
        self._hears = False
        self._seen: set[str] = set()
        self._environment: Mapping[str, str] | None = None
        self._channel = ""

    def learn(self, sets: Iterable[Any]) -> None:
        """The first trial's script has set these variables."""
        self.sets = [(int(at), str(name), value, bool(own)) for at, name, value, own in sets]

    def hear(self) -> None:
        """Have `importlib.import_module` tell, too: before Python 3.11 it does not ask a module's spec."""
        if sys.version_info >= (3, 11) or self._hears:
            return
        self._hears = True
        bootstrap: Any = sys.modules["_frozen_importlib"]
        unlock = bootstrap._lock_unlock_module

        def imported(name: str) -> None:
            self.imported(name)
            unlock(name)

        bootstrap._lock_unlock_module = imported

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Inside, it is kept which variables are read and set."""
        environments: list[Any] = [os.environ, os.environb]
        plain = environments[0]._data
        for one in environments:
            one._data = _Recorder(plain, self)
        try:
            yield
        finally:
            for one in environments:
                one._data = plain

    def importing(self, at: int) -> None:
        """The module that was the script's `at`-th is imported next: with what the script had set by then."""
        for place, name, value, _ in self.sets:
            if place <= at:
                _assign(name, value)
        self._known = {name: value for place, name, value, own in self.sets if place <= at and own}
        self.asked.clear()

    def over(self) -> None:
        """What is imported from here on is not the script's."""
        self._known = None

    def read(self, name: str, value: str | None) -> None:
        """A variable is asked for."""
        self.asked.add(name)
        for module in [] if name.startswith("HPO_") else loading():  # hpo asks for its own anew in each trial
            if name not in self.writes.get(module, {}):
                self.reads.setdefault(module, {}).setdefault(name, value)

    def wrote(self, name: str, value: str | None) -> None:
        """A variable is set, by what is imported."""
        for module in loading():
            self.writes.setdefault(module, {})[name] = value

    def nest(self, package: str) -> None:
        """A package is looked for, perhaps by another one: with what that one has set by now."""
        if _is_standard(package) or package == "hpo" or (not self.writes and package in self.before):
            return
        outer = [name for name in loading() if name in self.writes and name.partition(".")[0] != package]
        for name in outer:
            self._inner.setdefault(name.partition(".")[0], set()).add(package)
        if self._known is not None and package not in self.before:
            self.before[package] = dict(self._known)
            for name in outer:
                self.before[package] |= self.writes[name]

    def inside(self, packages: Iterable[str]) -> list[str]:
        """What goes by variables that these packages set: where they are left to each trial, it is too."""
        return sorted(set().union(*(self._inner.get(package, ()) for package in packages)))

    def mark_new(self) -> None:
        """Mark those of the modules that were imported since this was called."""
        names = list(sys.modules)
        self.mark(names[self._looked_at :])
        self._looked_at = len(names)

    def mark(self, names: Iterable[str]) -> None:
        """Have each module of which something is known tell when it is imported, here and in forks.

        Of a module that it has already, Python asks only whether it is being initialised. A function in place
        of `__import__` would see as much, but stand in the traceback of whatever an import raises.
        """
        known = {*self.reads, *self.writes}
        packages = {*self.before, *(name.partition(".")[0] for name in known)}
        for name in names:
            spec = getattr(sys.modules.get(name), "__spec__", None)
            if name in self._marked or name.partition(".")[0] not in packages or spec is None:
                continue
            if not getattr(spec, "_initializing", True):
                self._marked.add(name)
                with contextlib.suppress(AttributeError):
                    spec._initializing = _Imported(self, name)

    def watch(self, environment: Mapping[str, str], channel: str) -> None:
        """In a fork, which began with this environment: compare as each module is imported."""
        self._environment, self._channel = environment, channel

    def imported(self, name: str) -> None:
        """A module that was here already is imported."""
        package = name.partition(".")[0]
        if self._environment is None:  # in the parent: who imports it has gone by the same variables
            for module in loading():
                for known in (self.reads, self.writes):
                    if name in known:
                        known[module] = {**known[name], **known.get(module, {})}
            return
        parts = name.split(".")
        for module in (".".join(parts[:end]) for end in range(1, len(parts) + 1)):
            if module not in self._seen:
                self._seen.add(module)
                if variable := self._differs(module):
                    _start_afresh(self._channel, package, variable)
                for variable, value in self.writes.get(module, {}).items():
                    _assign(variable, value)
                    self._seen.add(f"={variable}")
        _unmark(name)  # an import inside a function is made again and again

    def _differs(self, module: str) -> str:
        """The variable that this trial's script has set otherwise before it imports a module."""
        assert self._environment is not None
        expected = self.before.get(module)
        if expected is not None:  # whatever else was set: code in C may read it, which nobody sees
            passed_over = {name for _, name, _, own in self.sets if not own}
            for name in {*os.environ, *self._environment, *expected} - passed_over:
                if name.startswith("HPO_"):  # hpo itself removes some
                    continue
                wanted = expected.get(name, self._environment.get(name))
                if os.environ.get(name) != wanted and f"={name}" not in self._seen:
                    return name
        for name, value in self.reads.get(module, {}).items():
            if os.environ.get(name) != value and f"={name}" not in self._seen:
                return name
        return ""


def loading() -> list[str]:
    """The modules that are being imported just now, each by the one before it."""
    names = []
    frame: Any = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == "_find_and_load" and "importlib" in frame.f_code.co_filename:
            names.append(frame.f_locals["name"])
        frame = frame.f_back
    return names[::-1]


class _Imported:
    """In place of the False with which a module's spec says that the module is there."""

    __slots__ = ("imports", "name")

    def __init__(self, imports: Imports, name: str) -> None:
        self.imports, self.name = imports, name

    def __bool__(self) -> bool:
        self.imports.imported(self.name)
        return False


def _unmark(name: str) -> None:
    """Have a module tell of its imports no more."""
    spec: Any = getattr(sys.modules.get(name), "__spec__", None)
    if isinstance(getattr(spec, "_initializing", None), _Imported):
        spec._initializing = False


class _Recorder:
    """The inside of os.environ, which says what is asked for and what is set."""

    def __init__(self, data: dict[Any, Any], imports: Imports) -> None:
        self.data, self.imports = data, imports

    def __getattr__(self, name: str) -> Any:
        return getattr(self.data, name)

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.data)

    def __contains__(self, key: Any) -> bool:
        self.imports.read(os.fsdecode(key), _text(self.data.get(key)))
        return key in self.data

    def __getitem__(self, key: Any) -> Any:
        self.imports.read(os.fsdecode(key), _text(self.data.get(key)))
        return self.data[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.imports.wrote(os.fsdecode(key), _text(value))
        self.data[key] = value

    def __delitem__(self, key: Any) -> None:
        self.imports.wrote(os.fsdecode(key), None)
        del self.data[key]


def _text(value: Any) -> str | None:
    return None if value is None else os.fsdecode(value)


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
