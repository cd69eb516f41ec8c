"""A run: rows and summary go to hpo, everything else is accepted and ignored."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from hpo.trial import client
from hpo.trial.history import History
from hpo.trial.on_server import OnServer
from hpo.trial.summary import OPERATIONS, Summary, files_directory
from hpo.trial.values import has_text_keys

from ._artifacts import Artifact
from ._config import Config
from ._preinit import set_globals
from ._settings import Settings
from .errors import Error, UsageError
from .util import generate_id

_OLD_OPERATIONS = {"best"}
"""Asked for by scripts of wandb before 0.20; W&B refuses it since."""


class Metric:
    """What define_metric gives back."""

    def __init__(self, name: str, step_metric: str | None, summary: tuple[str, ...] | None) -> None:
        self.name, self.step_metric, self.summary = name, step_metric, summary
        self.step_sync, self.hidden = step_metric is not None, None


class Run:
    """One run, which is this trial."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        told, chosen = os.environ.get, options.get
        self.id = told("WANDB_RUN_ID") or chosen("id") or generate_id()
        self.name = chosen("name") or told("WANDB_NAME") or self.id
        self.project = told("WANDB_PROJECT") or chosen("project") or "uncategorized"
        self.entity = told("WANDB_ENTITY") or chosen("entity") or ""
        self.group = chosen("group") or told("WANDB_RUN_GROUP") or ""
        self.job_type = chosen("job_type") or told("WANDB_JOB_TYPE") or ""
        self.tags = tuple(chosen("tags") or ())
        self.notes = chosen("notes")
        self.sweep_id = told("WANDB_SWEEP_ID")
        self.settings = chosen("settings") if isinstance(chosen("settings"), Settings) else Settings()
        self.url = self.sweep_url = self.project_url = None
        self.resumed, self.offline, self.disabled = False, True, False
        self.start_time, self.starting_step = time.time(), 0
        self.config, self.summary = Config(), Summary()
        self._history = History(self.summary.follow)
        self._attach_id, self._is_finished = self.id, False

    @property
    def step(self) -> int:
        """The step that the next log call without one belongs to."""
        return self._history.step

    @property
    def dir(self) -> str:
        """A folder for the run's files, made when it is asked for."""
        return files_directory()

    @property
    def path(self) -> str:
        """entity/project/id."""
        return "/".join(part for part in (self.entity, self.project, self.id) if part)

    @property
    def config_static(self) -> Settings:
        """The configuration as it is now."""
        return Settings(**self.config.as_dict())

    def __repr__(self) -> str:
        return f"<wandb run {self.path}, a trial of hpo>"

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.finish(1 if kind else 0)

    def log(
        self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None, sync: Any = None
    ) -> None:
        """Log a row; raises TypeError unless it is a mapping with text keys."""
        if self._is_finished:
            raise UsageError(
                f"Run ({self.id}) is finished. The call to `log` will be ignored."
                " Please make sure that you are using an active run."
            )
        if not isinstance(data, Mapping):
            raise TypeError("wandb.log must be passed a dictionary")
        if not has_text_keys(data) and any(not isinstance(key, str) for key in data):
            raise TypeError("Key values passed to `wandb.log` must be strings.")
        self._history.log(data, step, commit)

    _log = log

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """Report what is pending and end the run."""
        if not self._is_finished:
            self._history.flush()
            self._is_finished = True
            forget(self)

    join = _finish = finish

    def define_metric(
        self,
        name: str,
        step_metric: Any = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        overwrite: bool | None = None,
        **old: Any,
    ) -> Metric:
        """Note which aggregates of a metric its summary is; raises Error where there is no such."""
        if not name or not isinstance(name, str):
            raise Error("define_metric() requires non-empty name argument")
        if "*" in name[:-1]:
            raise Error(f"Unhandled define_metric() arg: name (glob suffixes only): {name}")
        words = tuple(word.lower() for word in summary.split(",")) if summary else None
        for word in words or ():
            if word not in OPERATIONS | _OLD_OPERATIONS:
                raise Error(f"Unhandled define_metric() arg: summary op: {word}")
        if summary and OPERATIONS.issuperset(words or ()):
            self.summary.define(name, summary)
            client.define(name, summary)
        return Metric(name, getattr(step_metric, "name", step_metric), words)

    def log_artifact(self, artifact: Any, *args: Any, **options: Any) -> Artifact:
        """Accept an artifact; it stays where it is."""
        return artifact if isinstance(artifact, Artifact) else Artifact(str(artifact))

    link_artifact = upsert_artifact = finish_artifact = log_artifact

    def use_artifact(self, artifact_or_name: Any, *args: Any, **options: Any) -> Any:
        """An artifact as it was given; by a name, one that says where it is when it is used."""
        if not isinstance(artifact_or_name, str):
            return artifact_or_name
        return OnServer(artifact_or_name, Error, "install wandb and set WANDB_MODE=online")

    def use_model(self, name: str, *args: Any, **options: Any) -> Any:
        """Raise: models are on W&B's server."""
        raise Error(f"model {name!r} is on W&B's server; install wandb and set WANDB_MODE=online")

    def save(self, *args: Any, **options: Any) -> bool:
        """Accept: files stay where they are."""
        return True

    def restore(self, name: str, *args: Any, **options: Any) -> Any:
        """Raise: files of other runs are on W&B's server."""
        raise Error(f"wandb.restore({name!r}) needs W&B's server; install wandb and set WANDB_MODE=online")

    def project_name(self) -> str:
        """The project."""
        return self.project

    get_project_url = get_sweep_url = get_url = lambda self: None

    def _ignore(self, *args: Any, **options: Any) -> None:
        """Accepted and ignored."""

    alert = log_code = log_model = link_model = mark_preempting = pin_config_keys = _ignore
    watch = unwatch = status = write_logs = display = to_html = _label = _set_console = _ignore


_active: list[Run] = []
"""Runs that are under way, the newest last."""


def active() -> Run | None:
    """The run that is under way."""
    return _active[-1] if _active else None


def activate(run: Run, globally: bool = True) -> None:
    """Begin a run; wandb.log means it from now on."""
    _active.append(run)
    if globally:
        set_globals(run)


def forget(run: Run) -> None:
    """End a run; wandb.log means none, if it meant this one."""
    from . import run as meant

    if run in _active:
        _active.remove(run)
    if meant is run:
        set_globals(None)
