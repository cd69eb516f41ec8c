from __future__ import annotations

import json
import math
from pathlib import Path

from hpo.trial.rows import FLUSH, Rows


def test_rows_wait_for_a_flush(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("an attempt before\n")
    warnings: list[str] = []
    rows = Rows(str(path), warnings.append)
    assert rows.due == math.inf
    rows.add({"loss": 0.5}, None, 100.0, now=10.0)
    rows.add({"loss": 0.25, "_step": "mine"}, 5, 101.0, now=10.2)
    rows.add({}, None, 102.0, now=10.3)
    assert (rows.due, path.read_text()) == (10.0 + FLUSH, "")
    rows.flush()
    assert rows.due == math.inf
    rows.add({"last": [1]}, None, 103.0, now=11.0)
    rows.close()
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"_step": 0, "_time": 100.0, "loss": 0.5},
        {"_step": 5, "_time": 101.0, "loss": 0.25},
        {"_step": 6, "_time": 102.0},
        {"_step": 7, "_time": 103.0, "last": [1]},
    ]
    assert warnings == []


def test_a_full_disk_is_told_once() -> None:
    warnings: list[str] = []
    rows = Rows("/dev/full", warnings.append)
    for _ in range(2):
        rows.add({"loss": 1}, None, 0.0, now=0.0)
        rows.flush()
    rows.close()
    assert warnings == ["rows could not be written: No space left on device"]
