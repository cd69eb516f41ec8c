"""Temporary files and folders that imports make in the warm parent: theirs alone, as if no trial knew them.

A trial has a TemporaryDirectory of its own where a fresh process would have made one. What else an import has
made stays when a trial's exit handlers, which the import has registered, would remove it: the process that
made it does that. Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from typing import Any

Folder = tempfile.TemporaryDirectory[str]
_made: list[str] = []
_folders: list[Folder] = []


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """What is made inside belongs to this process."""
    before = tempfile.mkdtemp, tempfile.mkstemp
    noting = [True]

    def folder(*args: Any, **options: Any) -> Any:
        path = before[0](*args, **options)
        _made.extend([os.fsdecode(path)] if noting else [])
        return path

    def file(*args: Any, **options: Any) -> Any:
        descriptor, path = before[1](*args, **options)
        _made.extend([os.fsdecode(path)] if noting else [])
        return descriptor, path

    tempfile.mkdtemp, tempfile.mkstemp = folder, file
    try:
        yield
    finally:
        noting.clear()  # somebody may have kept them
        tempfile.mkdtemp, tempfile.mkstemp = before
        if _made:
            _folders.extend(one for one in gc.get_objects() if _is_ours(one))


def own_folders() -> None:
    """In a fork: a TemporaryDirectory that the parent has made becomes another one with the same files."""
    for folder in _folders:
        parent, name = os.path.split(folder.name)
        old: weakref.finalize[..., Folder] = folder._finalizer  # type: ignore[attr-defined]
        kept = old.detach()
        folder.name = os.path.join(parent, f"{name}-{os.urandom(4).hex()}")
        os.mkdir(folder.name, 0o700)  # tempfile would make a generator of names first
        with contextlib.suppress(OSError):
            if os.listdir(os.path.join(parent, name)):
                shutil.copytree(os.path.join(parent, name), folder.name, symlinks=True, dirs_exist_ok=True)
        if kept is not None:
            _, function, args, options = kept
            finalizer = weakref.finalize(folder, function, folder.name, *args[1:], **options)
            folder._finalizer = finalizer  # type: ignore[attr-defined]


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Inside, nothing that the parent has made is removed."""
    if not _made:
        yield
        return
    before = os.unlink, os.remove, os.rmdir, shutil.rmtree
    sparing: list[Any] = [_sparing(remove) for remove in before]
    os.unlink, os.remove, os.rmdir, shutil.rmtree = sparing
    try:
        yield
    finally:
        os.unlink, os.remove, os.rmdir, shutil.rmtree = before


def _sparing(remove: Callable[..., Any]) -> Callable[..., Any]:
    def spare(path: Any, *args: Any, **options: Any) -> Any:
        if _is_made(path) and not options.get("dir_fd"):
            return None
        return remove(path, *args, **options)

    return spare


def _is_made(path: Any) -> bool:
    try:
        full = os.path.abspath(os.fsdecode(path))
    except TypeError:  # a descriptor
        return False
    return any(full == made or full.startswith(made + os.sep) for made in _made)


def _is_ours(one: Any) -> bool:
    return isinstance(one, tempfile.TemporaryDirectory) and one.name in _made
