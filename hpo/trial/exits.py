"""What the warm parent's imports and setup want done at exit: done by the parent, once, and by no trial.

A trial that removed a temporary folder which its parent made at import would take it from all others.
Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

import atexit
import contextlib
import weakref
from collections.abc import Callable, Iterator
from typing import Any


class Exits:
    """A process's own last things to do, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """What is registered with atexit inside is this process's business."""
        register = atexit.register

        def note(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
            self.calls.append(lambda: function(*args, **kwargs))
            return function

        atexit.register = note  # type: ignore[assignment]
        try:
            yield
        finally:
            atexit.register = register

    def keep_finalizers(self) -> None:
        """Finalizers that exist by now do not run at the end of a fork, nor do `cleanup`s left to atexit."""
        for finalizer in list(getattr(weakref.finalize, "_registry", {})):
            if finalizer.atexit:
                finalizer.atexit = False
                self.calls.append(finalizer)
                cleanup = getattr((finalizer.peek() or [None])[0], "cleanup", None)
                if cleanup is not None:  # a TemporaryDirectory's; wandb has that of its media registered
                    atexit.unregister(cleanup)

    def run(self) -> None:
        """Do it all, the newest first; what fails has nobody left to tell."""
        while self.calls:
            with contextlib.suppress(BaseException):
                self.calls.pop()()
