"""Trials that write each other's files are told of, once; those that have their own are not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.engine.overlaps import Overlaps

SWEEP = {
    "parameters": {"x": {"values": [1, 2]}},
    "method": "grid",
    "hpo": {"resources": {"cpu": 0.5}, "concurrency": 2},
}
BEGIN = """
import os, pathlib, time, hpo
folder = pathlib.Path("outputs/2026-01-31/12-00-00"); folder.mkdir(parents=True, exist_ok=True)
number, x = os.environ["HPO_TRIAL"], hpo.config()["x"]
meeting = pathlib.Path("meeting"); meeting.mkdir(exist_ok=True)
(meeting / number).touch()
while len(list(meeting.iterdir())) < 2: time.sleep(0.02)
"""
WRITING = {
    "a file": "(folder / 'result.json').write_text(str(x))",
    "a file that is moved into place": "(folder / number).write_text(number)\n"
    "os.replace(folder / number, folder / 'best.pt')",
    "a log": "open(folder / 'train.log', 'a').write('line')",
    "files of its own in a folder named by the second": "(folder / f'events.{number}').write_text(number)",
    "a file after its last row": "hpo.report({'loss': 1}); (folder / 'result.json').write_text(str(x))",
}
OWN = {
    "a folder of its own": "(folder / number).mkdir(); (folder / number / 'result.json').touch()",
    "a table that all add to": "(folder / 'sub').mkdir(exist_ok=True); open('table.csv', 'a').write('1')",
    "the trial's folder": "pathlib.Path(os.environ['HPO_TRIAL_DIR'], 'a').touch()\n"
    "(folder / 'sub').mkdir(exist_ok=True)",
    "a cache": "pathlib.Path('.cache').mkdir(exist_ok=True); open('.cache/a', 'w')\n"
    "(folder / 'sub').mkdir(exist_ok=True)",
}


def notes(result: hpo.RunResult) -> list[str]:
    assert {trial.state for trial in result.trials} == {"finished"}
    lines = (result.directory / "journal.jsonl").read_text().splitlines()
    texts = [event["text"] for event in map(json.loads, lines) if event.get("event") == "note"]
    return [text for text in texts if "at the same time" in text]


@pytest.mark.ray
@pytest.mark.parametrize("what", list(WRITING))
def test_trials_that_write_the_same_are_told_of_once(run_script: Any, what: str) -> None:
    (text,) = notes(run_script(BEGIN + WRITING[what] + "\nhpo.report({'loss': x})", SWEEP))
    assert "trials 1 and 2 ran at the same time" in text
    assert "outputs/2026-01-31/12-00-00" in text


@pytest.mark.ray
def test_a_stock_tuner_says_so_too(run_script: Any) -> None:
    script = BEGIN + "hpo.report({'loss': x})\n" + WRITING["a file"] + "\nhpo.report({'loss': x})"
    assert len(notes(run_script(script, SWEEP, engine="tune"))) == 1


@pytest.mark.ray
@pytest.mark.parametrize("what", list(OWN))
def test_trials_that_write_files_of_their_own_are_not_told_of(run_script: Any, what: str) -> None:
    assert notes(run_script(BEGIN + OWN[what] + "\nhpo.report({'loss': x})", SWEEP)) == []


@pytest.mark.ray
def test_functions_are_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def train(config: dict[str, Any]) -> None:
        exec(BEGIN + WRITING["a file"])
        hpo.report({"loss": config["x"]})

    sweep = SWEEP | {"metric": {"name": "loss"}}
    assert len(notes(hpo.run(sweep, train=train, out=tmp_path / "run"))) == 1


def test_only_trials_that_ran_at_the_same_time_overlap() -> None:
    overlaps = Overlaps("/home")
    assert overlaps.wrote(1, 10.0, ["/home/model.pt", "/home/model.pt"]) == ""
    overlaps.ended(1, 20.0)
    assert overlaps.wrote(2, 20.5, ["/home/model.pt"]) == ""
    assert overlaps.wrote(2, 20.5, ["/home/model.pt"]) == ""  # another attempt
    assert "trials 2 and 3" in overlaps.wrote(3, 21.0, ["/home/model.pt"])
    assert overlaps.wrote(4, 21.0, ["/home/model.pt"]) == ""


def test_what_ended_before_the_other_told_of_it_overlaps_all_the_same() -> None:
    overlaps = Overlaps("/home")
    overlaps.wrote(1, 10.0, [f"/home/sub{os.sep}"])
    overlaps.ended(1, 20.0)
    assert "both made the folder sub:" in overlaps.wrote(2, 15.0, [f"/home/sub{os.sep}"])
