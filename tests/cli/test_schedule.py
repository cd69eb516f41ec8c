"""`hpo schedule` at a shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.command import hpo


def journal(folder: Path, changed: bool) -> Path:
    events: list[dict[str, Any]] = [
        {"event": "run", "sweep": {"early_terminate": {"mutate": ["lr"]}}, "metric": {"name": "loss"}},
        {"event": "trial", "trial": 1, "config": {"lr": 0.1, "n": 2}},
        {"event": "start", "trial": 1},
        {"event": "trial", "trial": 2, "config": {"lr": 0.2, "n": 2}},
        {"event": "start", "trial": 2},
    ]
    if changed:
        places: dict[str, Any] = {"iteration": 10, "donor": 1, "donor_iteration": 10, "checkpoint": "000001"}
        events.append({"event": "exploit", "trial": 2, "config": {"lr": 0.01, "n": 2}, **places})
    end: dict[str, Any] = {"value": 1.0, "last": 1.0, "iterations": 30, "state": "finished"}
    events.append({"event": "end", "trial": 2, **end})
    folder.mkdir()
    (folder / "journal.jsonl").write_text("".join(json.dumps({"time": 0.0, **one}) + "\n" for one in events))
    return folder


def test_the_schedule_is_yaml_on_stdout_and_the_rules_are_talk(tmp_path: Path) -> None:
    done = hpo("schedule", journal(tmp_path / "run", changed=True))
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load(done.stdout)
    assert found["schedule"] == {"lr": {0: 0.1, 10: 0.01}}
    assert found["config"] == {"lr": 0.1, "n": 2}
    assert "# trained by trial 1 to 10, trial 2 to 30" in done.stdout
    for rule in ("multistep", "exponential", "cosine", "MultiStepLR(optimizer, milestones=[10], gamma=0.1)"):
        assert rule in done.stderr


def test_the_nearest_rule_is_code_to_paste(tmp_path: Path) -> None:
    done = hpo("schedule", journal(tmp_path / "run", changed=True), "--code")
    assert done.stdout.splitlines() == [
        "# lr: multistep, error 0.0%; the optimizer begins with lr=0.1",
        "scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[10], gamma=0.1)",
    ]


def test_where_nothing_changed_there_is_no_rule(tmp_path: Path) -> None:
    done = hpo("schedule", journal(tmp_path / "run", changed=False), "--code")
    assert done.returncode == 1
    assert "no mutated parameter" in done.stderr
