"""wandb.init and the run it gives: rows and summary go to hpo, everything else is accepted and ignored."""

from __future__ import annotations

import atexit
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from hpo.trial import client
from hpo.trial.history import History

from ._config import Config, as_mapping
from ._media import Artifact
from ._summary import Summary

_active: Run | None = None


def active() -> Run | None:
    """The run that is under way."""
    return _active


class Settings(SimpleNamespace):
    """Accepted, kept, and without effect."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(**values)

    def __getattr__(self, name: str) -> None:
        return None


class Run:
    """One run, which is this trial."""

    def __init__(self, **options: Any) -> None:
        environment = os.environ.get
        self.id = environment("WANDB_RUN_ID") or options.get("id") or secrets.token_hex(4)
        self.name = options.get("name") or environment("WANDB_NAME") or self.id
        self.project = environment("WANDB_PROJECT") or options.get("project") or "uncategorized"
        self.entity = environment("WANDB_ENTITY") or options.get("entity") or ""
        self.group = options.get("group") or environment("WANDB_RUN_GROUP") or ""
        self.job_type = options.get("job_type") or ""
        self.tags = tuple(options.get("tags") or ())
        self.notes = options.get("notes")
        self.sweep_id = environment("WANDB_SWEEP_ID")
        self.settings = Settings(mode="offline")
        self.url = self.sweep_url = self.project_url = None
        self.resumed, self.offline, self.disabled = False, True, False
        self.config = Config()
        self.summary = Summary()
        self._attach_id = None
        self._history = History()

    @property
    def step(self) -> int:
        """The step that the next log call without one belongs to."""
        return self._history.step

    @property
    def dir(self) -> str:
        """A folder for the run's files, made when it is asked for."""
        path = os.path.join(os.environ.get("HPO_TRIAL_DIR") or tempfile.gettempdir(), "files")
        os.makedirs(path, exist_ok=True)
        return path

    @property
    def path(self) -> str:
        """entity/project/id."""
        return f"{self.entity}/{self.project}/{self.id}"

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        self.finish(1 if kind else 0)
        return kind is None

    def log(
        self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None, sync: Any = None
    ) -> None:
        """Log a row; raises TypeError unless it is a mapping with text keys."""
        if not isinstance(data, Mapping):
            raise TypeError("wandb.log must be passed a dictionary")
        if any(not isinstance(key, str) for key in data):
            raise TypeError("Key values passed to `wandb.log` must be strings.")
        self._history.log(data, step, commit)
        self.summary.follow(data)

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """Report what is pending and end the run."""
        global _active
        self._history.flush()
        if _active is self:
            _active = None

    join = finish

    def define_metric(self, name: str, step_metric: Any = None, **options: Any) -> SimpleNamespace:
        """Note which aggregate of a metric its summary is."""
        aggregates = options.get("summary")
        if isinstance(aggregates, str):
            self.summary.define(name, aggregates)
            client.define(name, aggregates)
        return SimpleNamespace(name=name, step_metric=step_metric, summary=aggregates)

    def log_artifact(self, artifact: Any, *args: Any, **options: Any) -> Artifact:
        """Accept an artifact; it stays where it is."""
        return artifact if isinstance(artifact, Artifact) else Artifact(str(artifact))

    use_artifact = link_artifact = upsert_artifact = finish_artifact = log_artifact

    def save(self, *args: Any, **options: Any) -> bool:
        """Accept: files stay where they are."""
        return True

    def get_url(self) -> None:
        """There is none."""

    def project_name(self) -> str:
        """The project."""
        return self.project

    def _ignore(self, *args: Any, **options: Any) -> None:
        """Accepted and ignored."""

    alert = log_code = log_model = link_model = use_model = mark_preempting = _ignore
    restore = watch = unwatch = status = write_logs = display = to_html = _label = _ignore


def start(
    job_type: Any = None,
    dir: Any = None,
    config: Any = None,
    project: Any = None,
    entity: Any = None,
    **options: Any,
) -> Run:
    """The run that is under way, or a new one where there is none or `reinit` asks for it."""
    global _active
    if _active is not None:
        if options.get("reinit") in (None, False, "default", "return_previous"):
            if config:
                _active.config.update(config, allow_val_change=True)
            return _active
        _active.finish()
    run = Run(job_type=job_type, project=project, entity=entity, **options)
    if os.path.exists("config-defaults.yaml"):
        run.config.update("config-defaults.yaml", allow_val_change=True)
    run.config.update(_chosen(config, options), allow_val_change=True)
    run.config.lock(client.config())
    _active = run
    return run


def _chosen(config: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(as_mapping(config))
    include, exclude = options.get("config_include_keys"), options.get("config_exclude_keys") or ()
    return {k: v for k, v in values.items() if (not include or k in include) and k not in exclude}


@atexit.register
def _end() -> None:
    if _active is not None:
        _active.finish()


if not client.in_trial():
    print("wandb: hpo's stand-in is loaded outside of a trial: nothing is kept", file=sys.stderr)
