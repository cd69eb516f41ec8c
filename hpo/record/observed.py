"""A run directory → its record and its driver as they are now: a run whose driver is dead has died."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from hpo.errors import UserError
from hpo.record.holder import LOCK, Owner, owner
from hpo.record.trials import RunRecord, load_run

DIED = "died"
"""State of a run that its driver did not live to end."""


@dataclass(frozen=True)
class Observed:
    """A run, and who drives it; None where nobody does. `record.state` is "died" where its driver is dead."""

    record: RunRecord
    driver: Owner | None


def observe(run_dir: Path | str) -> Observed:
    """Look at a run, which may be running; raises UserError where there is none."""
    driver = _owner(run_dir)
    record = load_run(run_dir)
    if record.state != "running" or (driver and driver.alive):
        return Observed(record, driver)
    driver = _owner(run_dir)  # it may have begun, or ended, between the two looks
    record = load_run(run_dir)
    if record.state != "running" or (driver and driver.alive):
        return Observed(record, driver)
    trials = tuple(
        replace(trial, state="interrupted") if trial.state in ("running", "paused") else trial
        for trial in record.trials
    )
    reason = f"its driver died; `hpo resume {run_dir}` goes on"
    return Observed(replace(record, state=DIED, reason=reason, trials=trials), driver)


def _owner(run_dir: Path | str) -> Owner | None:
    try:
        return owner(run_dir)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"cannot read {Path(run_dir) / LOCK}: {error.strerror}") from error
