"""`import wandb` in a trial → the real package, its calls forwarded, or else the stand-in."""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, cast

HERE = os.path.dirname(os.path.abspath(__file__))
STAND_IN = os.path.join(HERE, "standin")


class _Forwarding:
    """A loader that lets another one load wandb and then connects it to the supervisor."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def create_module(self, spec: ModuleSpec) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        try:
            from hpo.trial.wandb_bridge import patch

            patch(module)
        except Exception as error:  # a wandb of another make: the script must run all the same
            print(
                f"hpo: wandb {getattr(module, '__version__', '?')} is not followed: {error!r}",
                file=sys.stderr,
            )


class WandbFinder:
    """Finds `wandb` before the usual finders do; all other names are left to them."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The real package, forwarded, or the stand-in; a mere folder named wandb is neither."""
        if name != "wandb":
            return None
        spec = PathFinder.find_spec(name, None)
        if spec is not None and spec.loader is not None and spec.origin is not None:
            spec.loader = cast(Any, _Forwarding(spec.loader))
            return spec
        return PathFinder.find_spec(name, [STAND_IN])


class HpoFinder:
    """Finds `hpo` after all others: for trials whose interpreter does not have it installed."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """This very package."""
        package = os.path.dirname(HERE)
        if name != "hpo":
            return None
        file = os.path.join(package, "__init__.py")
        return importlib.util.spec_from_file_location(name, file, submodule_search_locations=[package])


def install() -> None:
    """Put both finders in place, once."""
    if not any(finder.__name__ == "WandbFinder" for finder in sys.meta_path if isinstance(finder, type)):
        sys.meta_path.insert(0, WandbFinder)
        sys.meta_path.append(HpoFinder)
