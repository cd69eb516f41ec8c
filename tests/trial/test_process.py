from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hpo.trial.process import CannotStart, TrialProcess, adopt_orphans, reap

Start = Callable[..., TrialProcess]
PYTHON = [sys.executable, "-S", "-E", "-c"]
IGNORES = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); "


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.txt"


@pytest.fixture(scope="module", autouse=True)
def parent_of_orphans() -> Iterator[None]:
    """As the supervisor is; the init of a container may take seconds to reap, or never do."""
    adopt_orphans()
    yield
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)


@pytest.fixture
def start(tmp_path: Path, log: Path) -> Iterator[Start]:
    started: list[TrialProcess] = []

    def run(*argv: str, env: dict[str, str] | None = None, cwd: str | None = None) -> TrialProcess:
        fd = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            environment = {"PATH": os.environ["PATH"]} if env is None else env
            process = TrialProcess(argv, env=environment, cwd=cwd or str(tmp_path), log=fd)
        finally:
            os.close(fd)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        finish(process)


def finish(process: TrialProcess, leftover_grace: float = 2.0, timeout: float = 60.0) -> int:
    """What the supervisor does: reap, tick, until the group is gone."""
    end = time.monotonic() + timeout
    while not process.gone and time.monotonic() < end:
        for pid, status in reap():
            if pid == process.pid:
                process.exited(status, time.monotonic(), leftover_grace)
        process.tick(time.monotonic())
        time.sleep(0.002)
    assert process.gone
    assert process.status is not None
    return process.status


def wait_for(path: Path, text: str, timeout: float = 60.0) -> None:
    end = time.monotonic() + timeout
    while text not in (path.read_text() if path.exists() else "") and time.monotonic() < end:
        time.sleep(0.002)
    assert text in path.read_text()


def test_output_goes_to_the_log_and_input_is_empty(start: Start, log: Path, tmp_path: Path) -> None:
    log.write_text("earlier\n")
    code = (
        "import sys, os; print(repr(sys.stdin.read()), os.getcwd(), flush=True);"
        "print(os.getsid(0) == os.getpgid(0) == os.getpid(), file=sys.stderr)"
    )
    assert finish(start(*PYTHON, code)) == 0
    assert log.read_text().splitlines() == ["earlier", f"'' {tmp_path}", "True"]


@pytest.mark.parametrize(
    ("code", "status"), [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 6)", -6)]
)
def test_status_of_the_leader(start: Start, code: str, status: int) -> None:
    assert finish(start(*PYTHON, code)) == status


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "the command is empty"),
        (["/usr/bin/env", "A=b"], "the command is empty"),
        (["no-such-program"], "command not found: no-such-program (not on PATH)"),
        (["/usr/bin/env", "A=b", "no-such-program"], "command not found: no-such-program (not on PATH)"),
        (["./no-such-file.py"], "no such file: ./no-such-file.py"),
        (["./plain.txt"], "not an executable file: ./plain.txt (chmod +x, or call it by its interpreter)"),
        (["/"], "not an executable file: / (chmod +x, or call it by its interpreter)"),
        (["./bare"], "cannot start './bare': Exec format error (has it no #! line?)"),
        (["./lost"], "cannot start './lost': No such file or directory (is the interpreter of"),
        (["true", "a\0b"], "cannot start 'true': embedded null byte"),
        (["true", "\ud800"], "cannot start 'true': 'utf-8' codec can't encode character"),
        (["true", "x" * 2**18], "cannot start 'true': Argument list too long (the configuration"),
    ],
)
def test_what_cannot_start_says_why(start: Start, tmp_path: Path, argv: list[str], message: str) -> None:
    (tmp_path / "plain.txt").write_text("x")
    for name, text in (("bare", "echo x"), ("lost", "#!/no/such/interpreter\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    with pytest.raises(CannotStart) as caught:
        start(*argv)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_missing_working_directory(start: Start) -> None:
    with pytest.raises(CannotStart, match="the working directory does not exist: /no/where"):
        start("true", cwd="/no/where")


def test_python_stands_in_for_a_missing_python(start: Start, log: Path) -> None:
    (log.parent / "bin").mkdir()
    env = {"PATH": str(log.parent / "bin")}
    assert (
        finish(start("/usr/bin/env", "A=b", "python", "-c", "import os; print(os.environ['A'])", env=env))
        == 0
    )
    assert log.read_text() == "b\n"


def test_sigterm_is_enough_for_most(start: Start) -> None:
    process = start("sleep", "60")
    begun = time.monotonic()
    process.terminate(begun, grace=60)
    assert finish(process) == -signal.SIGTERM
    assert time.monotonic() - begun < 30


def test_who_ignores_sigterm_is_killed_after_the_grace_period(start: Start, log: Path) -> None:
    process = start(*PYTHON, IGNORES + "time.sleep(60)")
    wait_for(log, "up")
    begun = time.monotonic()
    process.terminate(begun, grace=0.2)
    process.terminate(begun, grace=60)  # asked again: not later
    assert finish(process) == -signal.SIGKILL
    assert 0.2 <= time.monotonic() - begun < 30


def test_a_stopped_process_handles_its_end(start: Start, log: Path) -> None:
    code = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); print('up', flush=True)"
    process = start(*PYTHON, code + "; time.sleep(60)")
    wait_for(log, "up")
    os.kill(process.pid, signal.SIGSTOP)
    process.terminate(time.monotonic(), grace=5)
    assert finish(process) == 7


def test_the_whole_group_ends(start: Start, log: Path) -> None:
    child = f"{IGNORES}time.sleep(60)"
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-S', '-c', {child!r}])"
    code += "; time.sleep(60)"
    process = start(*PYTHON, code)
    wait_for(log, "up")
    begun = time.monotonic()
    process.terminate(begun, grace=0.2)
    assert finish(process) == -signal.SIGTERM
    assert 0.2 <= time.monotonic() - begun < 30
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_what_a_script_leaves_behind_is_ended(start: Start) -> None:
    begun = time.monotonic()
    process = start("sh", "-c", "sleep 60 & sleep 60 & exit 3")
    assert finish(process) == 3
    assert time.monotonic() - begun < 30
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_leftovers_that_ignore_sigterm_are_killed(start: Start, log: Path) -> None:
    code = f'{sys.executable} -S -c "{IGNORES}time.sleep(60)" & while ! grep -q up {log}; do :; done'
    begun = time.monotonic()
    assert finish(start("sh", "-c", code), leftover_grace=0.2) == 0
    assert 0.2 <= time.monotonic() - begun < 30
