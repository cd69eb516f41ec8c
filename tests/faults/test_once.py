"""A sample of `python -m tests.faults.once`."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.family import family
from tests.faults.once import KINDS, STEPS, run

COUNT = 10


@pytest.mark.ray
@pytest.mark.parametrize("preload", ["auto", "off"])
def test_a_trial_runs_once_whatever_breaks_between_driver_and_slot(tmp_path: Path, preload: str) -> None:
    due = [kind for kind in KINDS for _ in range(3)]
    random.Random(preload).shuffle(due)
    verdict = run(tmp_path, COUNT, due, preload=preload)
    assert verdict.made == Counter(due)
    assert verdict.overlaps == ()
    assert (verdict.code, verdict.finished, verdict.reasons) == (0, COUNT, ())
    assert verdict.twice == 0
    assert verdict.rows == {STEPS: COUNT}
    assert family(tmp_path) == {}
