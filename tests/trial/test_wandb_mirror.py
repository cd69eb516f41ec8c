"""`hpo.wandb: offline`: what the real wandb writes beside hpo, told by its own files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trial.conftest import SWEPT
from tests.trial.test_wandb_real import history, records

pytestmark = pytest.mark.wandb
REPORTS = """
import hpo
for step in range(3):
    hpo.report({"loss": 1 / (step + 1), "train": {"acc": step}})
"""
LOGS = """
import wandb
with wandb.init() as run:
    for step in range(3):
        wandb.log({"loss": 1 / (step + 1), "train": {"acc": step}})
"""
STOPPED = """
import os, signal, time
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(60)
"""
ROWS = [(n, {"loss": 1 / (n + 1), "train": {"acc": n}}) for n in range(3)]
FLAT = {n: {"loss": 1 / (n + 1), "train.acc": n} for n in range(3)}


@pytest.fixture
def offline(play: Any) -> Any:
    """Plays a script as a trial of a sweep with `hpo: {wandb: offline}`."""
    return lambda script, **more: play(script, **{"wandb": "offline", "mode": "offline"} | more)


def run_of(folder: Path) -> tuple[Any, int]:
    """The one run that was written: its record and its exit code."""
    (path,) = folder.glob("*/wandb/offline-run-*/*.wandb")
    found = list(records(path))
    runs = [record.run for record in found if record.WhichOneof("record_type") == "run"]
    exits = [record.exit.exit_code for record in found if record.WhichOneof("record_type") == "exit"]
    assert len(exits) == 1
    return runs[0], exits[0]


def steps(played: Any) -> list[Any]:
    """The rows that reached hpo, numbered."""
    return [(number, row) for number, (_, row) in enumerate(played.rows)]


@pytest.mark.parametrize("script", [LOGS, REPORTS])
def test_each_trial_is_a_run_of_the_sweeps_group(script: str, offline: Any, tmp_path: Path) -> None:
    played = offline(script)
    assert played.code == 0, played.err
    assert steps(played) == ROWS
    assert history(tmp_path) == FLAT
    run, code = run_of(tmp_path)
    assert (run.run_id, run.display_name, run.run_group, run.sweep_id, code) == ("run", "run", "sweep", "", 0)
    config = {item.key: json.loads(item.value_json) for item in run.config.update if item.key != "_wandb"}
    assert config == SWEPT


@pytest.mark.parametrize("script", [LOGS, REPORTS])
def test_another_rank_tells_its_rows_once_and_makes_no_run_of_the_trials(
    script: str, offline: Any, tmp_path: Path
) -> None:
    played = offline("import os; os.environ['RANK'] = '1'\n" + script)
    assert played.code == 0, played.err
    assert steps(played) == ROWS
    assert {told["rank"] for told in played.told if "row" in told} == {1}
    assert [told for told in played.told if "summary" in told] == []
    runs = [*tmp_path.glob("*/wandb/offline-run-*")]
    assert len(runs) == (script == LOGS)  # what the script itself asks wandb for is its own


@pytest.mark.parametrize(
    "script", [LOGS + "    " + STOPPED.strip().replace("\n", "\n    "), REPORTS + STOPPED]
)
def test_a_trial_that_is_stopped_early_loses_no_row(
    script: str, offline: Any, loaded: Any, tmp_path: Path
) -> None:
    played = offline(script, fork=loaded("wandb"))
    assert played.code == 143
    assert "Traceback" not in played.err
    assert steps(played) == ROWS
    assert history(tmp_path) == FLAT
    assert run_of(tmp_path)[1] == 0


def test_a_script_with_a_run_of_its_own_says_what_is_logged(
    offline: Any, loaded: Any, tmp_path: Path
) -> None:
    code = "import hpo, wandb\nwandb.init()\nwandb.log({'chart': 1})\nhpo.report({'loss': 2})\n"
    played = offline(code + "wandb.finish()\nhpo.report({'loss': 1})", fork=loaded("wandb"))
    assert [row for _, row in played.rows] == [{"chart": 1}, {"loss": 2}, {"loss": 1}]
    assert history(tmp_path) == {0: {"chart": 1}}


def test_the_scripts_own_handler_of_sigterm_stays(offline: Any, loaded: Any) -> None:
    code = "import os, signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
    assert offline(code + REPORTS + STOPPED, fork=loaded("wandb")).code == 7


def test_a_python_without_wandb_reports_each_row_once(offline: Any, bare_python: str) -> None:
    root = str(Path(__file__).parents[2])
    played = offline(REPORTS, python=bare_python, PYTHONPATH=root)
    assert (played.code, steps(played)) == (0, ROWS), played.err
    assert played.err.count("wandb is not installed") == 1


def test_wandb_that_fails_stops_no_script(offline: Any, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "wandb").mkdir()
    (tmp_path / "own" / "wandb" / "__init__.py").write_text("def init():\n    raise OSError('no network')")
    played = offline(REPORTS, PYTHONPATH=f"{tmp_path / 'own'}:{Path(__file__).parents[2]}")
    assert (played.code, steps(played)) == (0, ROWS), played.err
    assert played.err.count("no network") == 1


def test_the_environment_can_turn_it_off(offline: Any, tmp_path: Path) -> None:
    played = offline(REPORTS, mode="disabled")
    assert steps(played) == ROWS
    assert list(tmp_path.glob("*/wandb")) == []
