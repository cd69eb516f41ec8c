"""Found through PYTHONPATH when a trial's Python starts: installs the hook, then runs the user's own file."""

import importlib.util
import os
import sys
from importlib.machinery import PathFinder


def _install() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(os.path.dirname(here), "hook.py")
    spec = importlib.util.spec_from_file_location("_hpo_hook", path)
    if spec is not None and spec.loader is not None:
        hook = importlib.util.module_from_spec(spec)
        sys.modules["_hpo_hook"] = hook
        spec.loader.exec_module(hook)
        hook.install()


def _chain() -> None:
    """Run the sitecustomize that this file hides, if there is one further along."""
    here = os.path.dirname(os.path.abspath(__file__))
    rest = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    spec = PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


try:
    _install()
except Exception as error:  # a trial must start whatever happens here
    print(f"hpo: wandb is not followed: {error!r}", file=sys.stderr)
_chain()
