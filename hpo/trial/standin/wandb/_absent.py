"""Modules of wandb that the stand-in does not have: importing one says what it needs."""

from __future__ import annotations

import sys
from typing import Any


def needs(name: str) -> str:
    """The sentence about a module or name of wandb."""
    return f"{name} needs the real wandb, which is not installed here: pip install wandb"


class Finder:
    """The last to be asked for a module of wandb."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        """Raise ModuleNotFoundError for one that nobody has found.

        What is missing is called `wandb`: Python passes over a missing submodule in `from wandb import …`.
        """
        if name.startswith("wandb.") and hasattr(sys.modules.get("wandb"), "STAND_IN"):
            raise ModuleNotFoundError(needs(name), name="wandb")


def install() -> None:
    """Put the finder in place, once."""
    if Finder not in sys.meta_path:
        sys.meta_path.append(Finder)


def attribute(package: str, name: str) -> Any:
    """A submodule as an attribute of its package; AttributeError where there is none."""
    from importlib import import_module

    try:
        return import_module(f"{package}.{name}")
    except ModuleNotFoundError as error:
        raise AttributeError(str(error)) from None
