"""`hpo.setup: module:function` → called once a node; its value is `hpo.setup_value()` in every trial.

A forked trial shares it with the warm parent, copy-on-write. A plain process calls the function itself when
it first asks. Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from hpo.trial.environment import SETUP

_values: dict[str, Any] = {}


class SetupFailed(Exception):
    """The setup function raised or is not there; the message ends with its last line of traceback."""


def setup_value() -> Any:
    """What the sweep's `hpo.setup` function returned; None where there is none, and outside of a trial."""
    target = os.environ.get(SETUP)
    if not target:
        return None
    shared: Any = sys.modules.get("_hpo_setup")
    values: dict[str, Any] = _values if shared is None else shared.values
    if target not in values:
        values[target] = _function(target)()
    elif shared is not None and shared.variables:
        os.environ.update(shared.variables)
        shared.variables = {}
    return values[target]


def run(target: str, imported: Callable[[], None]) -> None:
    """Call the function in the warm parent, for all trials to come. Raises SetupFailed.

    When its module is there, `imported` is called, and what that raises is passed on.

    torch computes with one thread meanwhile: its thread pool would not survive a fork.
    """
    environment = dict(os.environ)
    try:
        function = _function(target)
    except BaseException as error:
        raise _failed(target, error) from error
    imported()
    try:
        with _OneThread():
            value = function()
    except BaseException as error:
        raise _failed(target, error) from error
    shared: Any = type(sys)("_hpo_setup")
    shared.values = {target: value}
    shared.variables = {name: text for name, text in os.environ.items() if environment.get(name) != text}
    sys.modules["_hpo_setup"] = shared


def _failed(target: str, error: BaseException) -> SetupFailed:
    traceback.print_exception(type(error), error, error.__traceback__)
    return SetupFailed(f"{target}: {type(error).__name__}: {error}")


def _function(target: str) -> Callable[[], Any]:
    module, _, name = target.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


class _OneThread:
    """torch, where it is loaded, on one thread inside."""

    def __enter__(self) -> None:
        self.torch = sys.modules.get("torch")
        if self.torch is not None:
            self.threads = self.torch.get_num_threads()
            self.torch.set_num_threads(1)

    def __exit__(self, *error: object) -> None:
        if self.torch is not None:
            self.torch.set_num_threads(self.threads)
