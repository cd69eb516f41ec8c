"""Live progress: a display on a terminal, a line a trial elsewhere, all of it on stderr."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from hpo.record.trials import RunState
from hpo.review.logs import LogFollower
from hpo.review.progress import LiveProgress, fitted
from hpo.sweepfile.load import load_sweep

PARAMETERS = {
    "learning_rate": {"min": 1e-5, "max": 0.1},
    "epochs": {"value": 10},
    "batch_size": {"values": [16, 32]},
}
METRIC = {"name": "val_loss", "goal": "minimize"}
SWEEP = load_sweep({"method": "random", "metric": METRIC, "program": "t.py", "parameters": PARAMETERS})
RUN: dict[str, Any] = {"event": "run", "sweep": {"parameters": PARAMETERS}, "metric": METRIC, "time": 100.0}


def trial_events(
    number: int, state: str = "finished", value: float = 0.1, reason: str = ""
) -> list[dict[str, Any]]:
    config = {"learning_rate": 0.0123456789 * number, "epochs": 10, "batch_size": 32}
    begun = [
        {"event": "trial", "trial": number, "config": config},
        {"event": "start", "trial": number, "attempt": 1},
    ]
    told = {"value": value, "last": value, "iterations": 10, "reason": reason}
    return (
        begun if state == "running" else [*begun, {"event": "end", "trial": number, "state": state, **told}]
    )


def folded(*trials: list[dict[str, Any]]) -> RunState:
    state = RunState()
    for event in (RUN, *(event for trial in trials for event in trial)):
        state.apply(event)
    return state


def shown(renderable: Any, width: int = 80) -> list[str]:
    console = Console(width=width, file=io.StringIO(), highlight=False, markup=False)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_plain_progress_is_a_line_a_trial(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "trials" / "0002" / "log.txt"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"epoch 1\n\x1b[31mValueError: bad\x1b[0m [red]lr\n")
    state = RunState()
    ends = [trial_events(1), trial_events(2, "failed", reason="exit code 1: bad 0.1")]
    ends += [trial_events(3, value=0.05), trial_events(4, "failed", reason="exit code 1: bad 0.2")]
    with LiveProgress(tmp_path, 6, SWEEP) as progress:
        state.apply(RUN)
        for number, trial in enumerate(ends, 1):
            for event in trial:
                state.apply(event)
            progress.update(state, now=progress._began + 61.0 * number)
        state.apply({"event": "requeue", "trial": 3, "reason": "node gone", "time": 1.0})
        progress._began = time.monotonic()  # however long all this has taken
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"run directory: {tmp_path}",
        "   1:01  1/6  trial 1 finished  val_loss 0.10000  best so far",
        "   2:02  2/6  trial 2 failed: exit code 1: bad 0.1",
        "    epoch 1",
        "    ValueError: bad [red]lr",
        "   3:03  3/6  trial 3 finished  val_loss 0.050000  best so far",
        "   4:04  4/6  trial 4 failed: exit code 1: bad 0.2",
        "trial 3 starts again: node gone",
        "4 trials: 1 finished, 2 failed, 1 running in 0:00",
    ]


def test_a_trial_that_failed_and_began_again_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = folded(trial_events(1, "failed", reason="exit code 1"))
    state.apply({"event": "requeue", "trial": 1, "reason": "failed: exit code 1", "time": 1.0})
    with LiveProgress(tmp_path, None, SWEEP) as progress:
        progress.update(state, now=progress._began + 1)
        for event in trial_events(1):
            state.apply(event)
        progress.update(state, now=progress._began + 2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1:3] == [
        "trial 1 starts again: failed: exit code 1",
        "   0:02  1  trial 1 finished  val_loss 0.10000  best so far",
    ]


def test_the_display_shows_counts_best_and_an_estimate(tmp_path: Path) -> None:
    state = folded(trial_events(1), trial_events(2, "running"), trial_events(3, "running"))
    progress = LiveProgress(tmp_path, 6, SWEEP)
    assert "starting" in shown(progress.display(1.0, 80), 80)[0]
    progress.update(state)
    lines = shown(progress.display(60.0, 80), 80)
    assert re.search(r"1/6  1:00  ~2:00 left$", lines[0])  # two trials' worth a minute, four to go
    assert lines[1:] == [
        "3 trials: 1 finished, 2 running",
        "best val_loss 0.10000 (trial 1)",
        "  learning_rate=0.012346  batch_size=32",
    ]
    assert (
        shown(LiveProgress(tmp_path, None, SWEEP).display(60.0, 80), 80)[0].strip()
        == "0 done  1:00  starting"
    )


def test_a_long_configuration_is_cut_at_whole_parameters() -> None:
    words = [f"name_{i}=0.12345" for i in range(20)]
    for width in (40, 80, 140):
        lines = list(fitted(words, width))
        assert len(lines) == 2
        assert max(map(cell_len, lines)) <= width
        kept = sum(line.count("name_") for line in lines)
        assert lines[1].endswith(f"… {20 - kept} more")
    assert list(fitted(words[:2], 80)) == ["  name_0=0.12345  name_1=0.12345"]
    assert [cell_len(line) for line in fitted(["x" * 200], 30)] == [30]
    assert list(fitted([], 80)) == []


DRIVER = """
import sys, time
from pathlib import Path
from hpo.record.trials import RunState
from hpo.review.terminal import LiveProgress
from hpo.sweepfile.load import load_sweep
sweep = load_sweep({"method": "random", "program": "t.py", "parameters": {"lr": {"min": 0.0, "max": 1.0}},
                    "metric": {"name": "loss"}})
state = RunState()
state.apply({"event": "run", "sweep": {"parameters": {"lr": {"min": 0.0, "max": 1.0}}}, "time": 1.0,
             "metric": {"name": "loss", "goal": "minimize"}})
with LiveProgress(Path("runs/a"), 40, sweep) as progress:
    for number in range(1, 41):
        state.apply({"event": "trial", "trial": number, "config": {"lr": number / 100}, "time": 1.0})
        bad = number == 7
        state.apply({"event": "end", "trial": number, "state": "failed" if bad else "finished",
                     "value": None if bad else 1 / number, "reason": "exit code 1" if bad else ""})
        for _ in range(50):
            progress.update(state)
        time.sleep(0.02)
print("the result", flush=True)
"""


def test_on_a_terminal_the_display_is_redrawn_in_place_and_not_too_often() -> None:
    began = time.monotonic()
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    process = subprocess.Popen([sys.executable, "-c", DRIVER], stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    chunks: list[bytes] = []
    reader = threading.Thread(target=drain, args=(master, chunks))
    reader.start()
    assert process.wait(60) == 0
    reader.join(60)
    os.close(master)
    text = b"".join(chunks).decode()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert plain.count("trial 7 failed: exit code 1") == 1
    assert "40/40" in plain
    assert re.search(r"best loss 0\.0\d+ \(trial \d+\)", plain)
    assert plain.rstrip().endswith("the result")
    assert "\x1b[1A" in text  # up again, to draw over what stood there
    drawn = len(re.findall(r"\d/40  \d+:\d\d", plain))
    assert 3 <= drawn <= 4 * (time.monotonic() - began) + 3  # of 2000 updates


def drain(descriptor: int, chunks: list[bytes]) -> None:
    try:
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
    except OSError:
        pass  # Linux ends a terminal whose other side is closed with EIO


def test_verbose_shows_what_trials_print_once_and_in_whole_lines(
    tmp_path: Path,
) -> None:
    log = tmp_path / "trials" / "0001" / "log.txt"
    log.parent.mkdir(parents=True)
    state = RunState()
    state.apply({"event": "trial", "trial": 1, "config": {}})
    state.apply({"event": "start", "trial": 1, "time": 0.0})
    follower = LogFollower(tmp_path)
    log.write_text("epoch 1\n\x1b[31mepo")
    assert list(follower.lines(state)) == ["trial 1: epoch 1"]
    log.write_text("epoch 1\n\x1b[31mepoch 2\x1b[0m\nthe end")
    assert list(follower.lines(state)) == ["trial 1: epoch 2"]
    state.apply({"event": "end", "trial": 1, "state": "finished", "time": 1.0})
    assert list(follower.lines(state)) == ["trial 1: the end"]
    assert list(follower.lines(state)) == []
