"""A small sweep as a user starts it, and what must hold of its run directory in the end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpo.record.journal import JOURNAL, read_journal
from tests.engine.left_behind import rows
from tests.faults.family import environment, family

COUNT, STEPS = 12, 6
SCRIPT = """
import time, hpo
for step in range(1, 7):
    time.sleep(0.02)
    hpo.report({"loss": hpo.config()["x"] + 1 / step})
"""
PATIENCE = 300.0
"""Seconds for what takes some, on a busy machine."""


def write_sweep(folder: Path, script: str = SCRIPT, **changes: Any) -> None:
    """train.py and sweep.yaml."""
    (folder / "train.py").write_text(script)
    sweep = {
        "program": "train.py",
        "method": "random",
        "metric": {"name": "loss"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "run_cap": COUNT,
        "hpo": {"kill_grace": 2, "seed": 1, "concurrency": 2},
    }
    (folder / "sweep.yaml").write_text(json.dumps(sweep | changes))


def started(words: list[str], mark: str, **options: Any) -> subprocess.Popen[str]:
    """A command that is marked, and all that it starts; its output is to be read by `over`."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(words, **{"env": environment(mark), "text": True, **pipes, **options})


def start(folder: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """`hpo` with these arguments, in a folder that marks it; `more` of its environment."""
    env = environment(str(folder)) | more
    return started([sys.executable, "-m", "hpo", *arguments], str(folder), cwd=folder, env=env)


def until(condition: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    """Wait for a condition, while a process that is to bring it about runs."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def done_in(run: Path) -> set[int]:
    """Trials whose good end is in the journal."""
    try:
        events = read_journal(run)
    except Exception:
        return set()
    return {e["trial"] for e in events if e["event"] == "end" and e["state"] in ("finished", "stopped")}


def until_ended(run: Path, number: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many trials have ended well."""
    until(lambda: len(done_in(run)) >= number, process)


def over(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """Exit code and what was said on stderr, which never is a trace."""
    _, said = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in said, said
    return process.returncode, said.splitlines()


def until_all_left(mark: str) -> None:
    """Wait until no process lives that the command has started."""
    until(lambda: not family(mark))


def check_whole(run: Path, count: int = COUNT, steps: int = STEPS) -> None:
    """Every trial is there once, ended well once, and with all of its rows; no file ends halfway."""
    events = [json.loads(line) for line in (run / JOURNAL).read_text().splitlines()]
    begun = [event["trial"] for event in events if event["event"] == "trial"]
    assert begun == list(range(1, count + 1))
    ended = [event for event in events if event["event"] == "end" and event["state"] != "interrupted"]
    assert sorted(event["trial"] for event in ended) == begun
    assert {event["state"] for event in ended} == {"finished"}
    for number in begun:
        folder = run / "trials" / f"{number:04d}"
        assert [row["_step"] for row in rows(run, number)] == list(range(steps))
        assert (folder / "params.yaml").read_text().endswith("\n")
    partial = (".partial", ".probe", ".driver.part")
    assert not [path for path in run.rglob("*") if path.name.startswith(partial)]
