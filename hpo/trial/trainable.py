"""A class with Ray Tune's methods of a Trainable → trials, stepped to their end, one after another.

Ray is never imported here: whether a class is Ray's is told by its methods.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

from hpo.trial import client
from hpo.trial.call import as_row, attempt, takes_config
from hpo.trial.checkpoint import DEMAND, DONE

MAX_ITERATIONS = "HPO_MAX_ITERATIONS"
"""Environment variable with the number of steps after which a trial ends by itself."""
FILLED_IN = frozenset(
    {
        "config",
        "date",
        "done",
        "hostname",
        "iterations_since_restore",
        "node_ip",
        "pid",
        "time_since_restore",
        "time_this_iter_s",
        "time_total_s",
        "timestamp",
        "timesteps_since_restore",
        "training_iteration",
        "trial_id",
    }
)
"""What Ray's `train` adds to each result of `step`."""


class Trainable:
    """`module:Class`, found from the working directory, and its instance, used again where that can be.

    `setup(config)`, `step()`, and where they are there `reset_config(config)` and `cleanup()`. A step's
    result is one row; `done: True` in it ends the trial. Where a checkpoint is needed
    `save_checkpoint(folder)` writes there or returns a dictionary, which `load_checkpoint` gets back.
    """

    def __init__(self, target: str) -> None:
        self._module, _, self._name = target.partition(":")
        self._class: Any = None
        self._instance: Any = None
        self._of_ray = False

    @property
    def holds(self) -> bool:
        """Whether there is an instance, whose threads and processes outlive a trial."""
        return self._instance is not None

    def __call__(self, config: dict[str, Any], stopping: Callable[[], bool]) -> None:
        """Step one trial to its end, or until `stopping`; an instance that raises is used no more."""
        try:
            self._prepare(config)
            self._steps(stopping)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Clean the instance up and drop it; what that raises is printed."""
        instance, self._instance = self._instance, None
        names = ("stop", "cleanup") if self._of_ray else ("cleanup", "stop")
        clean = next((found for name in names if callable(found := getattr(instance, name, None))), None)
        if clean is not None:
            attempt(clean)

    def _prepare(self, config: dict[str, Any]) -> None:
        if self._instance is not None and not self._reset(config):
            self.discard()
        if self._instance is None:
            self._make(config)
        state = client.get_checkpoint()
        if state is not None:
            self._instance.load_checkpoint(state if isinstance(state, dict) else str(state))

    def prepare(self) -> None:
        """Import what a checkpoint takes."""
        import tempfile  # noqa: F401

    def load(self) -> None:
        """Import the class, once. TypeError where it cannot be stepped."""
        if self._class is not None:
            return
        __import__(self._module)
        found = getattr(sys.modules[self._module], self._name)
        if not callable(getattr(found, "step", None)) and not callable(getattr(found, "train", None)):
            raise TypeError(f"{self._module}:{self._name} has no step(), so it is no trainable class")
        self._of_ray = all(hasattr(found, name) for name in ("train", "setup", "step", "reset", "stop"))
        if self._of_ray and hasattr(found, "_setup_logdir"):
            found._setup_logdir = _log_to_trial  # Ray's own makes a folder in ~/ray_results for each trial
        self._class = found

    def _make(self, config: dict[str, Any]) -> None:
        if self._of_ray:
            self._instance = self._class(config)  # which calls setup
        elif hasattr(self._class, "setup"):
            instance = self._class()
            instance.setup(config)
            self._instance = instance
        else:
            self._instance = self._class(config) if takes_config(self._class) else self._class()

    def _reset(self, config: dict[str, Any]) -> bool:
        """Whether the instance took the new configuration; Ray's `reset` also sets its counters back."""
        name = "reset" if self._of_ray else "reset_config"
        reset = getattr(self._instance, name, None)
        return reset is not None and bool(reset(config))

    def _steps(self, stopping: Callable[[], bool]) -> None:
        step = getattr(self._instance, "train" if self._of_ray else "step", None) or self._instance.train
        metric = os.environ.get("HPO_METRIC", "")
        not_its_own = (FILLED_IN if self._of_ray else {"done"}) - {metric}
        left = int(os.environ.get(MAX_ITERATIONS) or 0) - int(os.environ.get(DONE) or 0)
        on_demand = bool(os.environ.get(DEMAND))
        while not (stopped := stopping()):
            result = as_row(step(), metric)
            if result is None:
                raise TypeError(f"{self._name}.step() returned no dictionary of metrics")
            row = {key: value for key, value in result.items() if key not in not_its_own}
            if row:
                self._report(row, saved=on_demand)
            left -= 1
            if result.get("done") or left == 0:
                break
        if stopped and not on_demand and hasattr(self._instance, "save_checkpoint"):
            with contextlib.suppress(NotImplementedError):  # Ray's own class has one that does nothing else
                self._report({}, saved=True)  # it goes on here if it was interrupted

    def _report(self, row: dict[str, Any], *, saved: bool) -> None:
        """A row, `saved` with the state after it, if the class can save it."""
        save = getattr(self._instance, "save_checkpoint", None)
        if save is None or not saved:
            client.report(row)
            return
        import tempfile

        with tempfile.TemporaryDirectory() as folder:

            def state() -> Any:
                kept = save(folder)
                return kept if isinstance(kept, dict) else folder

            client.report(row, checkpoint=state)


def _log_to_trial(instance: Any) -> None:
    instance._logdir = os.environ.get("HPO_TRIAL_DIR") or os.getcwd()
