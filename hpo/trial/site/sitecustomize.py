"""Found through PYTHONPATH when a trial's Python starts: installs the hook, then runs the user's own file."""

import os
import sys
from _frozen_importlib_external import PathFinder, SourceFileLoader  # importlib.machinery costs loading

_HERE = os.path.dirname(os.path.abspath(__file__))


def _install() -> None:
    """By path: hpo need not be installed in this interpreter."""
    hook = type(sys)("_hpo_hook")
    hook.__file__ = os.path.join(os.path.dirname(_HERE), "hook.py")
    sys.modules["_hpo_hook"] = hook
    SourceFileLoader("_hpo_hook", hook.__file__).exec_module(hook)
    hook.install()


def _chain() -> None:
    """Run the sitecustomize that this file hides, if there is one further along."""
    rest = [entry for entry in sys.path if os.path.realpath(entry or ".") != os.path.realpath(_HERE)]
    spec = PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None and spec.origin is not None:
        module = type(sys)("sitecustomize")
        module.__file__, module.__spec__ = spec.origin, spec
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


try:
    _install()
except Exception as error:  # a trial must start whatever happens here
    print(f"hpo: wandb is not followed: {error!r}", file=sys.stderr)
_chain()
