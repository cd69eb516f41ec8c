"""What a run directory holds from its beginning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from hpo.engine.live import open_record
from hpo.engine.plan import RunOptions
from hpo.engine.planning import plan
from hpo.sweepfile.load import read_sweep


def test_the_sweep_of_a_dict_stands_in_the_directory_as_it_was_written(tmp_path: Path) -> None:
    """Keys keep their order and text its letters, so that users recognise their sweep."""
    values = [{"width": 3, "depth": 2}, {"width": 1, "depth": 4}]
    parameters = {"net": {"values": values}, "lr": {"min": 0.0, "max": 1.0}}
    sweep: dict[str, Any] = {
        "name": "größer",
        "method": "random",
        "parameters": parameters,
        "hpo": {"seed": 3},
    }
    options = RunOptions(out=tmp_path / "run", count=1, train=lambda: None)
    open_record(plan(read_sweep(sweep), options)).journal.close()
    text = (tmp_path / "run" / "sweep.yaml").read_text(encoding="utf-8")
    found = yaml.safe_load(text)
    assert found == sweep
    assert list(found) == list(sweep)
    assert list(found["parameters"]) == list(parameters)
    assert list(found["parameters"]["net"]["values"][0]) == ["width", "depth"]
    assert "größer" in text
