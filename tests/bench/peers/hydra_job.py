"""Hydra's joblib launcher: `hydra_job --multirun hydra/launcher=joblib kind=KIND x=…`."""

# mypy: disable-error-code="import-not-found,import-untyped,misc,untyped-decorator"

from __future__ import annotations

from dataclasses import dataclass

import hydra
from hydra.core.config_store import ConfigStore

from tests.bench.work import worker


@dataclass
class Job:
    """What a job is configured with."""

    kind: str = "script"
    x: float = 0.5


ConfigStore.instance().store(name="job", node=Job)


@hydra.main(version_base=None, config_name="job", config_path=None)
def main(job: Job) -> float:
    """One job: a call in a process of loky's that serves the next job too."""
    return worker(job.kind)(job.x)


if __name__ == "__main__":
    main()
