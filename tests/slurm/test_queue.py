"""What Slurm says of a job, in a few words."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hpo.cli.main import app
from hpo.slurm.queue import told

BEGIN = "JobId=42 JobName=x UserId=a(1) JobState="


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("PENDING Reason=Resources Restarts=0 StartTime=Unknown", "job 42 pending: Resources"),
        (
            "PENDING Reason=BeginTime Restarts=2 StartTime=2031-01-02T03:04:05",
            "job 42 pending: requeued 2 times, BeginTime, may start 2031-01-02 03:04:05",
        ),
        (
            f"RUNNING NodeList=node[1-3] TimeLimit=01:00:00 EndTime={time.strftime('%Y-%m-%d')}T14:05:09",
            "job 42 running: on node[1-3], until 14:05:09",
        ),
        ("RUNNING NodeList=node1 TimeLimit=UNLIMITED EndTime=Unknown", "job 42 running: on node1"),
        ("FAILED ExitCode=70:0 Restarts=1", "job 42 failed: requeued once, exit code 70"),
        ("COMPLETED ExitCode=0:0", "job 42 completed"),
    ],
)
def test_a_job_in_a_few_words(line: str, said: str) -> None:
    assert str(told("42", BEGIN + line)) == said


def test_a_run_that_was_submitted_and_has_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / "submitted.json").write_text('{"job": "42"}')
    done = CliRunner().invoke(app, ["status", str(tmp_path)])
    assert done.exit_code == 0
    assert "has not begun: job 42 is not known here: Slurm's commands are not on the PATH" in done.stdout
    as_json = json.loads(CliRunner().invoke(app, ["status", str(tmp_path), "--json"]).stdout)
    assert (as_json["state"], as_json["slurm"]["number"]) == ("submitted", "42")
