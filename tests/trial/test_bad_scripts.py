"""Scripts that misbehave: the next trial runs as usual, and nothing of the bad one is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

import hpo
from hpo.trial.launch import Supervisor, SupervisorDied
from hpo.trial.spec import TrialEnd, TrialSpec
from tests.trial.warm_runner import Ended, Runner

Spec = Callable[..., TrialSpec]
Run = Callable[..., TrialEnd]
START = "import os, shutil, signal, subprocess, sys, time, hpo\n"
NAP = "import os, time; open('pids', 'a').write(f'{os.getpid()}\\n'); time.sleep(300)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + NAP
POPEN = "subprocess.Popen([sys.executable, '-S', '-c', NAP], start_new_session=True)\n"
DAEMON = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 100)
        exec(NAP)
    os._exit(0)
"""
LEFTOVERS = {
    "a child with a session of its own": POPEN,
    "a child in its group that ignores SIGTERM": POPEN.replace(", start_new_session=True", "").replace(
        "NAP", "DEAF"
    ),
    "a daemon": DAEMON,
    "a daemon that ignores SIGTERM": DAEMON.replace("NAP", "DEAF"),
    "a daemon without environment": "os.system(f'env -i setsid {sys.executable} -S -c \"{NAP}\" &')\n",
    "ten daemons with children": DAEMON.replace("exec", "os.fork(); exec") * 10,
}
WAIT = "\nwhile open('pids').read().count('\\n') < COUNT: time.sleep(0.01)\nhpo.report({'loss': 1})\n"
WELL = START + "hpo.report({'loss': 1})"


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "forked"])
def runner(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Runner]:
    runner = Runner(tmp_path_factory.mktemp("bad"), modules=["hpo.trial.client"])
    runner.warm = request.param
    yield runner
    runner.supervisor.close(10)


def play(runner: Runner, code: str) -> Ended:
    """The trial of a script, and then that of a good one."""
    ended = runner("python", runner.script("bad.py", START + code), metric="loss")
    well = runner("python", runner.script("well.py", WELL), metric="loss")
    assert (well.end["state"], well.end["value"], well.log) == ("finished", 1.0, "")
    return ended


def supervisor_of(directory: str) -> int:
    """The process that listens on a socket in its directory."""
    sockets = Path("/proc/net/unix").read_text().splitlines()
    inodes = {f"socket:[{line.split()[6]}]" for line in sockets if directory in line}
    for folder in Path("/proc").glob("[0-9]*/fd"):
        with contextlib.suppress(OSError):
            if any(os.readlink(one) in inodes for one in folder.iterdir()):
                return int(folder.parent.name)
    raise AssertionError(directory)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int], timeout: float = 8.0) -> list[int]:
    """Those that still run after some seconds."""
    deadline = time.monotonic() + timeout
    while (left := [pid for pid in pids if runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


@pytest.mark.parametrize("name", LEFTOVERS)
def test_what_a_trial_leaves_running_is_ended(runner: Runner, name: str) -> None:
    (runner.folder / "pids").write_text("")
    count = 20 if "ten" in name else 1
    code = f"NAP, DEAF = {NAP!r}, {DEAF!r}\n" + LEFTOVERS[name] + WAIT.replace("COUNT", str(count))
    ended = play(runner, code)
    assert (ended.end["state"], ended.end["value"]) == ("finished", 1.0)
    pids = [int(pid) for pid in (runner.folder / "pids").read_text().split()]
    assert len(pids) == count
    assert gone(pids) == []


def test_a_daemon_of_a_stopped_trial_is_ended(runner: Runner) -> None:
    (runner.folder / "pids").write_text("")
    code = f"NAP = {NAP!r}\n" + DAEMON + "signal.signal(15, signal.SIG_IGN)\ntime.sleep(300)"
    directory = runner.begin("python", runner.script("bad.py", START + code), kill_grace=0.5)
    while not (runner.folder / "pids").read_text().endswith("\n"):
        time.sleep(0.01)
    runner.supervisor.stop("stopped")
    assert runner.ended(directory).end["signal"] == signal.SIGKILL
    assert gone([int((runner.folder / "pids").read_text())]) == []


def test_a_daemon_is_not_touched_while_its_trial_runs(runner: Runner) -> None:
    (runner.folder / "pids").write_text("")
    code = f"NAP = {NAP!r}\n" + DAEMON
    code += "while not open('pids').read().endswith('\\n'): time.sleep(0.01)\ntime.sleep(1.5)\n"
    code += "os.kill(int(open('pids').read()), 0)\nhpo.report({'loss': 1})"
    assert play(runner, code).end["state"] == "finished"


def test_a_daemon_of_a_killed_supervisor_is_ended(tmp_path: Path, runner: Runner) -> None:
    own = Runner(tmp_path, modules=["hpo.trial.client"])
    own.warm = runner.warm
    (tmp_path / "pids").write_text("")
    code = f"NAP = {NAP!r}\n" + POPEN + "time.sleep(300)"
    own.begin("python", own.script("bad.py", START + code))
    while not (tmp_path / "pids").read_text().endswith("\n"):
        time.sleep(0.01)
    own.supervisor.events(0.1)
    assert own.supervisor._directory
    os.kill(supervisor_of(own.supervisor._directory), signal.SIGKILL)
    with pytest.raises(SupervisorDied):
        own.supervisor.events(5)
    assert gone([int((tmp_path / "pids").read_text())]) == []


def test_closed_descriptors(runner: Runner) -> None:
    code = "hpo.report({'loss': 3})\nos.closerange(0, 1000)\nhpo.report({'loss': 2})\nhpo.report({'loss': 1})"
    end = play(runner, code).end
    assert (end["state"], end["value"], end["rows"]) == ("finished", 1, 3)


def test_an_end_without_a_word(runner: Runner) -> None:
    end = play(runner, "os._exit(0)").end
    assert (end["state"], end["reason"]) == ("failed", "never logged 'loss'; it logged nothing")


def test_a_removed_working_directory(runner: Runner) -> None:
    code = "os.mkdir('own'); os.chdir('own'); shutil.rmtree(os.getcwd())\nhpo.report({'loss': 1})"
    assert play(runner, code).end["state"] == "finished"
    missing = runner("python", "bad.py", cwd=str(runner.folder / "own")).end
    assert missing["reason"] == f"the working directory does not exist: {runner.folder}/own"


def test_a_removed_trial_directory(runner: Runner) -> None:
    code = (
        "shutil.rmtree(os.environ['HPO_TRIAL_DIR'])\nhpo.report({'loss': 1})\nprint('so', flush=True)\n1 / 0"
    )
    (runner.folder / "bad.py").write_text(START + code)
    directory = runner.begin("python", "bad.py", metric="loss")
    end = runner.end(directory)
    assert (end["state"], end["value"]) == ("failed", 1)
    assert end["reason"] == "exit code 1: ZeroDivisionError: division by zero"
    assert not directory.exists()
    assert play(runner, "hpo.report({'loss': 1})").end["state"] == "finished"


def test_removed_directories_of_sockets(runner: Runner) -> None:
    """As «rm -rf /tmp/*» does, or a janitor of old files in a run of weeks."""
    code = "shutil.rmtree(os.path.dirname(os.environ['HPO_CHANNEL']))\n"
    code += f"shutil.rmtree({runner.settings.directory!r}, ignore_errors=True)\nhpo.report({{'loss': 1}})"
    assert "No such file" in play(runner, code).log
    assert play(runner, "hpo.report({'loss': 1})").end["state"] == "finished"


def test_binary_and_invalid_text(runner: Runner) -> None:
    code = "sys.stdout.buffer.write(bytes(range(256)) * 4096); sys.stdout.flush()\n"
    code += "sys.stderr.buffer.write(b'\\x1b[2J\\xff\\xfe\\xed\\xa0\\x80 \\x00 last'); sys.exit(3)"
    end = play(runner, code).end
    assert end["reason"].endswith(" last")
    assert json.loads(json.dumps(end)) == end


def test_unreadable_reports(runner: Runner) -> None:
    code = (
        "import socket\nchannel = socket.socket(socket.AF_UNIX)\nchannel.connect(os.environ['HPO_CHANNEL'])\n"
    )
    code += 'channel.sendall(os.urandom(2**20)); channel.sendall(b\'\\n{"row": {"loss": "\\xff"}}\\n\')\n'
    code += "channel.sendall(b'{\"row\": {\"\\\\ud800\": 1, \"loss\": 1}}\\n' + b'[' * 10**6 + b'\\n')\n"
    end = play(runner, code).end
    assert (end["state"], end["value"], end["rows"]) == ("finished", 1, 1)


def closes_all(config: dict[str, Any]) -> None:
    hpo.report({"loss": 3.0})
    os.closerange(0, 1000)
    hpo.report({"loss": 2.0})
    hpo.report({"loss": 1.0})
    if config["lr"] > 0.5:
        raise ValueError


def leaves_at_once(config: dict[str, Any]) -> None:
    os._exit(0)


def good(config: dict[str, Any]) -> float:
    return 1.0


@pytest.mark.parametrize(
    ("train", "lr", "found"),
    [
        (closes_all, 0.1, ("finished", 1.0, "", 3)),
        (closes_all, 0.9, ("failed", 1.0, "exit code 1", 3)),
        (leaves_at_once, 0.1, ("failed", None, "never logged 'loss'; it logged nothing", 0)),
    ],
)
def test_bad_functions(
    supervisor: Supervisor, spec: Spec, run: Run, train: Any, lr: float, found: tuple[Any, ...]
) -> None:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    pickled, config = cloudpickle.dumps(train), {"lr": lr}
    for number in (1, 2):
        bad = spec(function=True, number=number, config=config, env=spec(config=config).env)
        end = run(supervisor, bad, pickled)
        assert (end.state, end.value, end.reason, end.rows) == found
    assert run(supervisor, spec(function=True, number=3), cloudpickle.dumps(good)).value == 1.0


def test_a_daemon_of_a_function_stays_for_the_next_trial_and_ends_with_the_slot(
    supervisor: Supervisor, spec: Spec, run: Run, tmp_path: Path
) -> None:
    """What functions keep from trial to trial may be a server of theirs."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    (tmp_path / "pids").write_text("")
    child = f"import os\nNAP = {NAP!r}" + DAEMON

    def train(config: dict[str, Any]) -> float:
        if not (tmp_path / "pids").read_text():
            subprocess.run([sys.executable, "-S", "-c", child])
        while not (tmp_path / "pids").read_text().endswith("\n"):
            time.sleep(0.01)
        os.kill(int((tmp_path / "pids").read_text()), 0)
        return 1.0

    pickled = cloudpickle.dumps(train)
    assert [run(supervisor, spec(function=True, number=n), pickled).state for n in (1, 2)] == ["finished"] * 2
    (pid,) = map(int, (tmp_path / "pids").read_text().split())
    assert runs(pid)
    supervisor.close(5)
    assert gone([pid]) == []
