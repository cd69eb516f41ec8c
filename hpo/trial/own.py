"""What each process has of its own and an import went by or changed → why it is left to each trial.

The command line, variables that each trial has of its own, and what holds for a process as a whole: signal
handlers, the working directory, limits, the precision of decimals. A fork would have what its parent had,
or would have what its own script never asked for. Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

from hpo.trial.environment import WANDB
from hpo.trial.learning import Imports
from hpo.trial.moments import Moments
from hpo.trial.randomness import Randomness

EACH_TRIAL = {"HPO_CONFIG", "HPO_TRIAL", "HPO_TRIAL_DIR", "HPO_ATTEMPT", "HPO_CHECKPOINT", *WANDB}
"""Variables that differ from trial to trial, and that others than hpo ask for."""
DEVICES = {"CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK"}
"""Variables that differ from slot to slot where they are set."""
LIMITS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]


class Own:
    """Used around what the warm parent imports and sets up: says what of that cannot be shared."""

    def __init__(self, imports: Imports, randomness: Randomness, moments: Moments, target: str) -> None:
        self._imports, self._randomness, self._moments = imports, randomness, moments
        self._command_line = _CommandLine([target])
        self._lost: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}

    def __enter__(self) -> Own:
        self._plain, sys.argv = sys.argv, self._command_line
        self._holders = sys.getrefcount(self._command_line)
        self.begin()
        return self

    def __exit__(self, *error: object) -> None:
        sys.argv = self._plain
        sys.argv[:] = list.copy(self._command_line)

    def begin(self) -> None:
        """What is done from here on counts."""
        self._command_line.read = False
        self._imports.asked.clear()
        self._randomness.begin()
        self._moments.begin()
        self._lost, self._kept = _lost(), _kept()

    def imported(self, *, shared: bool = False) -> tuple[str, str] | None:
        """Why what was imported cannot be shared: a package that it has imported, or none, and what it does.

        Where all trials import it, what a fork takes over from its parent may be `shared`.
        """
        self._imports.mark_new()
        self._randomness.look()
        if (
            why := self.done()
            or self._changed(self._kept, {} if shared else _kept())
            or self._randomness.why()
        ):
            return "", f"{why} when it is imported"
        for package in sorted(self._randomness.drawn):
            if shared and _is_installed(package):
                continue  # an id in its requests or the like, which is no reason to load all data anew
            return package, "draws random bytes when it is imported, as an id"
        if module := self._moments.keeper():
            return module.partition(".")[0], f"keeps the time at which it is imported ({module})"
        return None

    def done(self) -> str:
        """What was done that a fork would not have as a fresh process has it; empty where nothing was."""
        if self._command_line.read or sys.getrefcount(self._command_line) > self._holders:
            return "reads the command line"
        asked = self._imports.asked
        for name in sorted(asked & EACH_TRIAL | {name for name in asked & DEVICES if os.environ.get(name)}):
            return f"reads {name}, which each trial has of its own,"
        return self._changed(self._lost, _lost())

    def _changed(self, before: dict[str, Any], now: dict[str, Any]) -> str:
        for what, value in now.items():
            if what in before and before[what] != value:
                return f"changes {what}"
        return ""


class _CommandLine(list[str]):
    """A `sys.argv` with the script's name, which all trials have; notes when more is asked for."""

    read = False

    def __getitem__(self, index: Any) -> Any:
        self.read |= index != 0
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[str]:
        self.read = True
        return super().__iter__()

    def __len__(self) -> int:
        self.read = True
        return super().__len__()

    def __contains__(self, word: object) -> bool:
        self.read = True
        return super().__contains__(word)


def _is_installed(package: str) -> bool:
    path = str(getattr(getattr(sys.modules.get(package), "__spec__", None), "origin", None))
    return f"{os.sep}site-packages{os.sep}" in path or f"{os.sep}dist-packages{os.sep}" in path


def _lost() -> dict[str, Any]:
    """What a forked trial does not take over from its parent."""
    return {
        "signal handlers": [signal.getsignal(one) for one in signal.valid_signals()],
        "a timer": [signal.getitimer(one)[1] > 0 or signal.getitimer(one)[0] > 0 for one in range(3)],
        "the working directory": os.getcwd(),
    }


def _kept() -> dict[str, Any]:
    """What a forked trial has of its parent, whatever its own script imports."""
    umask = os.umask(0o22)
    os.umask(umask)
    found: dict[str, Any] = {
        "sys.path": list(sys.path),
        "hooks of sys": (sys.excepthook, sys.displayhook, sys.unraisablehook),
        "standard streams": (sys.stdin, sys.stdout, sys.stderr),
        "limits of the interpreter": (sys.getrecursionlimit(), sys.getswitchinterval()),
        "limits of the process": ([resource.getrlimit(one) for one in LIMITS], os.nice(0)),
        "the umask": umask,
        "the timeout of sockets": socket.getdefaulttimeout(),
    }
    modules = sys.modules
    if (python := modules.get("decimal")) is not None:
        context = python.getcontext()
        found["the precision of decimals"] = (context.prec, context.rounding, dict(context.traps))
    if (python := modules.get("_locale")) is not None:
        found["the locale"] = python.setlocale(python.LC_ALL, None)
    if (context := getattr(modules.get("multiprocessing.context"), "_default_context", None)) is not None:
        found["multiprocessing's start method"] = context.get_start_method(allow_none=True)
    if (errors := getattr(modules.get("numpy"), "geterr", None)) is not None:
        found["numpy's treatment of errors"] = errors()
    if (default := getattr(modules.get("torch"), "get_default_dtype", None)) is not None:
        found["torch's default type"] = default()
    return found
