"""`import wandb` in a trial → the real package with its calls forwarded, or the stand-in where it is absent.

So with `ray.tune`, if it is there.

Runs at the start of every Python process of a trial: it imports nothing that the interpreter has not loaded.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib_external import PathFinder, SourceFileLoader  # importlib.machinery costs loading

TYPE_CHECKING = False  # the real one's module takes ten times as long to load as all of this
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
STAND_IN = os.path.join(HERE, "standin")
PACKAGE = os.path.dirname(HERE)


class _Following:
    """A loader that lets the real one load a module and then has it followed."""

    def __init__(self, loader: Any, follow: Any) -> None:
        self.loader, self.follow = loader, follow

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def create_module(self, spec: ModuleSpec) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        try:
            _reach_own_package()
            self.follow(module)
        except Exception as error:  # one of another make: the script must run all the same
            version = getattr(module, "__version__", "?")
            print(f"hpo: {module.__name__} {version} is not followed: {error!r}", file=sys.stderr)


def _follow_wandb(module: ModuleType) -> None:
    from hpo.trial.wandb_bridge import patch

    patch(module)


def _follow_torch(module: ModuleType) -> None:
    from hpo.trial.fresh import limit_gpu_memory

    limit_gpu_memory(os.environ)


def _follow_tune(module: ModuleType) -> None:
    from hpo.trial.tune_bridge import patch

    patch(module)


def _follow_hydra(module: ModuleType) -> None:
    from hpo.trial.own_folders import patch_hydra

    patch_hydra(module)


def _follow_writer(module: ModuleType) -> None:
    from hpo.trial.own_folders import patch_summary_writer

    patch_summary_writer(module)


def _follow_serialization(module: ModuleType) -> None:
    from hpo.trial.own_folders import notice_saving

    notice_saving(module)


FOLLOWED = {
    "torch.serialization": _follow_serialization,
    "ray.tune": _follow_tune,
    "ray.train._internal.session": _follow_tune,
    "hydra.core.utils": _follow_hydra,
    "torch.utils.tensorboard.writer": _follow_writer,
    "tensorboardX.writer": _follow_writer,
}
"""Modules that report or write in a way of their own, or that name folders by the second."""


class TrialFinder:
    """Precedes all other finders, for the few modules that a trial loads in a way of its own."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of such a module; None leaves it to the other finders."""
        if name == "wandb":
            return _wandb(target)
        if name == "hpo":
            return _hpo()
        if name in FOLLOWED:
            return _followed(_found(name, target, path), FOLLOWED[name])
        if name == "torch" and "HPO_GPU_MEMORY_FRACTION" in os.environ:
            return _followed(_found(name, target), _follow_torch)
        return None

    def find_distributions(self, context: Any = None) -> list[Any]:
        """The stand-in's version for importlib.metadata, which libraries ask before they import wandb."""
        wanted = getattr(context, "name", None)
        if wanted is None or wanted.lower() != "wandb" or _found("wandb") is not None:
            return []
        _reach_own_package()
        from hpo.trial.metadata import stand_in

        return [stand_in()]


FINDER = TrialFinder()


def install() -> None:
    """Put the finder first in `sys.meta_path`, unless it is there."""
    if not any(type(finder).__name__ == TrialFinder.__name__ for finder in sys.meta_path):
        sys.meta_path[:0] = [FINDER]
        _notice_writes()


def _notice_writes() -> None:
    """By path and under another name, like this module: a process that forks trials forgets its hpo.trial."""
    module = type(sys)("_hpo_writes")
    module.__file__ = os.path.join(HERE, "writes.py")
    sys.modules["_hpo_writes"] = module
    SourceFileLoader("_hpo_writes", module.__file__).exec_module(module)
    module.begin()


def _wandb(target: Any) -> ModuleSpec | None:
    """The real package, or the stand-in; a mere folder of that name, as wandb itself makes, is neither.

    A single file wandb.py is the user's own and left alone.
    """
    spec = _found("wandb", target)
    if spec is None:
        _reach_own_package()
        return PathFinder.find_spec("wandb", [STAND_IN])
    return None if spec.submodule_search_locations is None else _followed(spec, _follow_wandb)


def _hpo() -> ModuleSpec | None:
    """This very package, unless the others find one; modules in a mere folder of that name join ours."""
    if _found("hpo") is not None:
        return None
    spec, folder = PathFinder.find_spec("hpo", [os.path.dirname(PACKAGE)]), PathFinder.find_spec("hpo")
    if spec is not None and folder is not None:
        (spec.submodule_search_locations or []).extend(folder.submodule_search_locations or [])
    return spec


def _followed(spec: ModuleSpec | None, follow: Any) -> ModuleSpec | None:
    if spec is not None:
        spec.loader = _Following(spec.loader, follow)  # type: ignore[assignment]
    return spec


def _found(name: str, target: Any = None, path: Any = None) -> ModuleSpec | None:
    """What all other finders make of a name, `path` of its parent package; a namespace package is nothing."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        if find is not None and finder is not FINDER:
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None and spec.loader is not None and spec.origin is not None:
                return spec
    return None


def _reach_own_package() -> None:
    """Make `hpo.trial` importable where `hpo` is something of the user's own, such as a script hpo.py."""
    spec = None if "hpo.trial" in sys.modules else _found("hpo")
    if spec is None or PACKAGE in map(os.path.abspath, spec.submodule_search_locations or ()):
        return
    own = type(sys)("hpo.trial")
    own.__path__ = [HERE]
    sys.modules["hpo.trial"] = own
