"""A sample of `python -m tests.faithful`: scripts whose packages the tests have installed anyway."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faithful.case import CASES, Case
from tests.faithful.compare import differences
from tests.faithful.running import run

pytestmark = [pytest.mark.process, pytest.mark.ray, pytest.mark.wandb]
SAMPLE = ("wandb_define", "files", "at_import")


@pytest.mark.parametrize("case", [case for case in CASES if case.name in SAMPLE], ids=lambda case: case.name)
def test_forked_trials_do_what_processes_do(case: Case, tmp_path: Path) -> None:
    warm = run(case, Path(sys.executable), tmp_path / "warm", warm=True, trials=4, slots=2)
    cold = run(case, Path(sys.executable), tmp_path / "cold", warm=False, trials=4, slots=2)
    assert differences(warm, cold) == []
    assert [trial.forked for trial in warm.trials.values()] == [True] * 4
    assert not any(trial.forked for trial in cold.trials.values())
