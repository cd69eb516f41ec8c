"""A supervisor is gone when its file is, when its process is, or when it has long been silent elsewhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpo.trial import presence
from hpo.trial.farewell import await_gone
from hpo.trial.identity import Process
from hpo.trial.launch import SupervisorDied, spawn
from hpo.trial.spec import TrialSpec

Spec = Callable[..., TrialSpec]
WaitUntil = Callable[..., None]
BESIDE = "import subprocess; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)']);"


def told(path: Path, process: Process) -> None:
    path.write_text(json.dumps({**vars(process), "directory": "/nowhere"}))


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def of_trial(directory: str) -> list[int]:
    """Processes whose stdout is a log in there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/fd/1"):
        try:
            if os.readlink(path).startswith(f"{directory}/log."):
                found.append(int(path.parts[2]))
        except OSError:
            continue
    return [pid for pid in found if lives(pid)]


def test_one_that_left_by_itself_is_not_waited_for(tmp_path: Path) -> None:
    await_gone(str(tmp_path / "supervisors" / "none.json"), [])


def test_one_that_lives_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    told(path, Process.own())
    waiting = threading.Thread(target=await_gone, args=(str(path), []))
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    path.unlink()
    waiting.join(10)
    assert not waiting.is_alive()


def test_one_on_another_machine_is_gone_after_a_long_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "SILENCE", 1.0)
    path = tmp_path / "one.json"
    told(path, replace(Process.own(), host="elsewhere"))
    waiting = threading.Thread(target=await_gone, args=(str(path), []))
    waiting.start()
    for _ in range(4):
        waiting.join(0.5)
        os.utime(path)
    assert waiting.is_alive()  # it gave signs of life
    waiting.join(20)
    assert not waiting.is_alive()
    assert not path.exists()


@pytest.mark.process
def test_what_a_killed_one_leaves_is_ended_first(tmp_path: Path, spec: Spec, wait_until: WaitUntil) -> None:
    """Its trial, whose death comes with its own, and what that trial had started, which nobody ends."""
    path = tmp_path / "supervisors" / "one.json"
    slot = spawn(str(path))
    trial = spec(BESIDE + "log(loss=1); time.sleep(99)", milestones=None)
    slot.start(trial)
    assert slot.events(30)[0]["event"] == "result"
    supervisor = json.loads(path.read_text())["pid"]
    wait_until(lambda: len(of_trial(trial.directory)) == 2)
    os.kill(supervisor, signal.SIGKILL)
    await_gone(str(path), [trial.directory])
    assert of_trial(trial.directory) == []
    assert not path.exists()
    slot.close()


@pytest.mark.process
def test_a_slot_hears_of_its_death_when_nothing_is_left(tmp_path: Path, spec: Spec) -> None:
    path = tmp_path / "supervisors" / "one.json"
    slot = spawn(str(path))
    trial = spec(BESIDE + "log(loss=1); time.sleep(99)", milestones=None)
    slot.start(trial)
    assert slot.events(30)[0]["event"] == "result"
    os.kill(json.loads(path.read_text())["pid"], signal.SIGKILL)
    with pytest.raises(SupervisorDied):
        slot.events(30)
    assert of_trial(trial.directory) == []
    assert not path.exists()


@pytest.mark.process
def test_no_trial_begins_once_the_slot_is_gone(tmp_path: Path, spec: Spec, wait_until: WaitUntil) -> None:
    """Its order may still wait in the socket; by now the trial may run elsewhere."""
    code = """
        import sys, os
        from hpo.trial.launch import spawn
        from hpo.trial.spec import TrialSpec
        import json
        slot = spawn(sys.argv[1])
        for one in json.loads(sys.argv[2]):
            slot.start(TrialSpec.from_dict(one))
        os._exit(0)
        """
    import textwrap

    path = tmp_path / "supervisors" / "one.json"
    specs = [spec("time.sleep(0.2)", number=number).to_dict() for number in (1, 2, 3)]
    words: list[Any] = [sys.executable, "-c", textwrap.dedent(code), str(path), json.dumps(specs)]
    subprocess.run(words, check=True)
    await_gone(str(path), [])
    wait_until(lambda: not path.exists())
    assert not (tmp_path / "0003").exists()
