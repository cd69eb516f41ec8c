"""Folders that a framework names by the second → one of its own for each trial, by the framework's own means.

Of trials that start together each would write into the others' files.
"""

from __future__ import annotations

import functools
import os
import sys
from types import ModuleType
from typing import Any


def patch_hydra(utils: ModuleType) -> None:
    """Have `hydra.core.utils.run_job` append the trial to a `hydra.run.dir` that has the time in it."""
    original = utils.run_job

    @functools.wraps(original)
    def run_job(*args: Any, **options: Any) -> Any:
        config, trial = options.get("config"), _trial()
        if trial and config is not None and options.get("job_dir_key") == "hydra.run.dir":
            folder = utils.OmegaConf.to_container(config.hydra.run, resolve=False)["dir"]
            if "${now:" in str(folder):
                with utils.read_write(config):
                    config.hydra.run.dir = f"{folder}{trial}"
        return original(*args, **options)

    utils.run_job = run_job  # type: ignore[attr-defined]


def patch_summary_writer(writer: ModuleType) -> None:
    """Have a SummaryWriter without a folder, torch's or tensorboardX's, take the trial as its comment."""
    original = writer.SummaryWriter.__init__

    @functools.wraps(original)
    def start(self: Any, log_dir: Any = None, comment: str = "", *args: Any, **options: Any) -> None:
        named = log_dir or options.get("logdir")
        original(self, log_dir, comment if named else f"{comment}{_trial()}", *args, **options)

    writer.SummaryWriter.__init__ = start


def notice_saving(serialization: ModuleType) -> None:
    """Have `torch.save`, which opens files in C, tell what it has written."""
    original = serialization.save

    @functools.wraps(original)
    def save(obj: Any, f: Any, *args: Any, **options: Any) -> Any:
        result = original(obj, f, *args, **options)
        writes = getattr(sys.modules.get("_hpo_writes"), "writes", None)
        if writes is not None and isinstance(f, (str, os.PathLike)):
            writes.opened(f, "w")
        return result

    serialization.save = save  # type: ignore[attr-defined]


def _trial() -> str:
    """What follows the folder's name; nothing outside of a trial."""
    number = os.environ.get("HPO_TRIAL", "") if os.environ.get("HPO_CHANNEL") else ""
    return f"-trial-{int(number):04d}" if number.isdigit() else ""
