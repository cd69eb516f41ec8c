"""`hpo tensorboard` at a shell."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hpo.record.observed import observe
from hpo.record.scribe import rebuild
from hpo.record.trials import load_run, rank
from hpo.trial.media import LOGS
from tests.command import hpo
from tests.record.board import Board
from tests.record.made import Made, asha_run, pbt_run

PATIENCE = 60.0


@dataclass(frozen=True)
class Started:
    """A dashboard that runs, what it printed, and the folder for its temporary files."""

    process: subprocess.Popen[bytes]
    links: dict[str, str]
    scratch: Path

    @property
    def board(self) -> Board:
        return Board(self.links["HParams"].partition("/#")[0])


@contextmanager
def started(tmp_path: Path, *arguments: object) -> Iterator[Started]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "hpo", "tensorboard", *map(str, arguments), "--port", "0"]
    said = tmp_path / "said"
    with said.open("wb") as out:
        env = {**os.environ, "TMPDIR": str(scratch)}
        process = subprocess.Popen(command, stdout=out, stderr=out, env=env)
    try:
        deadline = time.monotonic() + PATIENCE
        while "Ctrl-C" not in said.read_text():
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        pairs = re.findall(r"^(HParams|Time Series) +(\S+)$", said.read_text(), re.MULTILINE)
        yield Started(process, dict(pairs), scratch)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_one_run_is_shown_whole_and_its_best_are_linked(tmp_path: Path) -> None:
    """It has no log directory, as if it were older than these are."""
    run = asha_run(tmp_path / "run", 50)
    best = rank(load_run(run).trials, "minimize")[:10]
    with started(tmp_path, run) as dashboard:
        board = dashboard.board
        board.until(board.sessions, lambda found: len(found) == 50)
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(dashboard.links["Time Series"]).query)
        assert query["pinnedCards"] == ['[{"plugin":"scalars","tag":"loss"}]']
        assert query["smoothing"] == ["0"]
        pattern = re.compile(query["runFilter"][0])
        assert [n for n in range(1, 51) if pattern.fullmatch(f"t{n:04d}")] == sorted(t.number for t in best)
    assert list(dashboard.scratch.glob("hpo-*")) == []
    assert (run / LOGS).is_dir()


def test_several_runs_are_one_experiment(tmp_path: Path) -> None:
    first, second = asha_run(tmp_path / "first", 20), asha_run(tmp_path / "second", 30)
    with started(tmp_path, first, second, "--top", 4) as dashboard:
        board = dashboard.board
        sessions = board.until(board.sessions, lambda found: len(found) == 8)
        columns = board.columns()
    assert {name.partition("/")[0] for name in sessions} == {"first", "second"}
    names = {one["name"] for one in columns["hparamInfos"]}
    assert all(set(one["hparams"]) == names for one in sessions.values())
    best = min(one["metrics"]["best/loss"] for name, one in sessions.items() if name.startswith("second"))
    known = load_run(second).trials
    assert best == pytest.approx(min(trial.value for trial in known if trial.value is not None), rel=1e-6)
    assert list(dashboard.scratch.glob("hpo-*")) == []


def test_the_best_of_a_population_with_what_led_to_them(tmp_path: Path) -> None:
    run = pbt_run(tmp_path / "run", 6)
    with started(tmp_path, run, "--top", 2) as dashboard:
        board = dashboard.board
        tags = board.until(lambda: board.tags("scalars"), lambda found: "_best_lineage" in found)
        query = urllib.parse.unquote(dashboard.links["Time Series"])
    assert len({name.partition("/")[0] for name in tags if name.startswith("t")}) == 2
    assert "hparam/lr" in query
    assert "_best_lineage" in query


def test_rebuild_makes_it_anew_and_starts_nothing(tmp_path: Path) -> None:
    run = asha_run(tmp_path / "run", 5)
    rebuild(run)
    shutil.rmtree(run / LOGS / "t0003")
    (run / LOGS / "t0099").mkdir()
    done = hpo("tensorboard", "--rebuild", run)
    assert (done.returncode, done.stdout.strip()) == (0, str(run / LOGS))
    names = {path.name for path in (run / LOGS).iterdir()}
    assert "t0003" in names
    assert "t0099" not in names


def test_a_log_directory_that_its_writer_left_unfinished_is_completed(tmp_path: Path) -> None:
    run = asha_run(tmp_path / "run", 5)
    root = rebuild(run)
    (root / "ended.txt").write_text("1 1\n")
    shutil.rmtree(root / "t0004")
    with started(tmp_path, run) as dashboard:
        dashboard.board.until(dashboard.board.sessions, lambda found: len(found) == 5)
    assert observe(run).record.state == "complete"


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    run = asha_run(tmp_path / "run", 3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = hpo("tensorboard", run, "--port", server.getsockname()[1])
    assert done.returncode == 1
    assert re.fullmatch(r"hpo: port \d+ of 127.0.0.1 is taken; give another one .*\n", done.stderr)


@pytest.mark.parametrize("option", [[], ["--rebuild"]])
def test_there_is_nothing_to_show(tmp_path: Path, option: list[str]) -> None:
    done = hpo("tensorboard", tmp_path, *option)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "holds no journal.jsonl" in done.stderr
    empty = Made(tmp_path / "run", {"metric": {"name": "loss"}, "method": "grid"}, 1, 1).write()
    done = hpo("tensorboard", empty, *option)
    assert done.returncode == 1
    assert "has no trials yet" in done.stderr


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("192.0.2.1", "Cannot assign requested address"),
        ("no.such.host.invalid", ""),  # how a resolver says so depends on it
        ("x" * 70, "that is no name of a machine"),
        ("2001:db8::1", ""),  # a machine may have no such addresses at all
    ],
)
def test_a_host_that_is_none_is_said(tmp_path: Path, host: str, said: str) -> None:
    done = hpo("tensorboard", asha_run(tmp_path / "run", 3), "--host", host)
    assert done.returncode == 1
    pattern = rf"hpo: --host {re.escape(host)}: {said or '.+'}; give an address of this machine\n"
    assert re.fullmatch(pattern, done.stderr), done.stderr
