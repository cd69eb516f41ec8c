"""`module:Class` of the user's own, or of Ray Tune: found, imported, and made."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hpo.errors import UserError


def instance(
    target: str, kind: type, folders: Iterable[Path], arguments: Mapping[str, Any], where: str
) -> Any:
    """An instance of the class `module:Class`, which must be a `kind`; `folders` are searched first.

    Raises UserError, with the reason, where it cannot be imported, is none of that kind, or does not take its
    arguments, which stand under the key `where`.
    """
    module, _, name = target.partition(":")
    with _looked_for_in(folders):
        try:
            found = getattr(importlib.import_module(module), name)
        except Exception as error:  # whatever the user's module raises
            raise UserError(f"{target} cannot be imported: {type(error).__name__}: {error}") from error
        if not (isinstance(found, type) and issubclass(found, kind)):
            base = f"{kind.__module__.rpartition('.')[0]}.{kind.__name__}"
            raise UserError(f"{target} is no {kind.__name__}; derive it from {base}")
        try:
            return found(**arguments)
        except Exception as error:
            raise unfit(target, arguments, where, error) from error


def unfit(target: str, arguments: Mapping[str, Any], where: str, error: Exception) -> UserError:
    """What to tell of a class that does not take what the sweep gives it."""
    what = f"{target} cannot be built with {', '.join(arguments) or 'no keys'}"
    return UserError(f"{what}: {type(error).__name__}: {error}; its arguments stand under {where}")


@contextmanager
def _looked_for_in(folders: Iterable[Path]) -> Iterator[None]:
    """Modules are first looked for where a script's would be."""
    before = list(sys.path)
    sys.path[:0] = [str(folder.resolve()) for folder in folders]
    try:
        yield
    finally:
        sys.path[:] = before
