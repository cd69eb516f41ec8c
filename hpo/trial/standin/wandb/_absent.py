"""Modules and names of wandb that the stand-in does not have: importing one says what it needs."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any


def needs(name: str) -> str:
    """The sentence about a module or name of wandb."""
    return f"{name} needs the real wandb, which is not installed here: pip install wandb"


def _look_below(module: ModuleType) -> None:
    if not hasattr(module, "__path__"):
        module.__path__ = []


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        """Load it, and have Python look for names that it lacks among modules below it: none is there."""
        super().exec_module(module)
        _look_below(module)


class Finder:
    """Finds the stand-in's own modules of wandb, and says of all others what they need."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Raise ModuleNotFoundError for one that is not there.

        What is missing is called `wandb`: Python passes over a missing submodule in `from wandb import …`.
        """
        if not name.startswith("wandb.") or not hasattr(sys.modules.get("wandb"), "STAND_IN"):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None:
            raise ModuleNotFoundError(needs(name), name="wandb")
        if type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def install() -> None:
    """Put the finder in place, once."""
    if Finder not in sys.meta_path:
        sys.meta_path.insert(0, Finder)
        for name in [name for name in sys.modules if name.startswith("wandb.")]:
            _look_below(sys.modules[name])


def attribute(package: str, name: str) -> Any:
    """A submodule as an attribute of its package; AttributeError where there is none."""
    from importlib import import_module

    try:
        return import_module(f"{package}.{name}")
    except ModuleNotFoundError as error:
        raise AttributeError(str(error)) from None
