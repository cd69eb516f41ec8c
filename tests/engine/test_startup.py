"""How a run starts: nothing is begun that is refused, and nothing stays behind that was broken off."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hpo.errors import UserError

pytestmark = pytest.mark.ray

SWEEP = """\
program: train.py
method: random
metric: {name: loss}
parameters: {lr: {min: 0.0, max: 1.0}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text("import hpo; hpo.report({'loss': 1})")
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return tmp_path


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    env = {**os.environ, "HPO_TEST_FOLDER": str(folder)}
    command = [sys.executable, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def started_in(folder: Path) -> list[str]:
    """Command lines of the processes that a command in `folder` started, itself included."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if (
                entry.name.isdigit()
                and f"HPO_TEST_FOLDER={folder}".encode() in (entry / "environ").read_bytes()
            ):
                found.append((entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " "))
        except OSError:
            continue
    return found


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_while_ray_starts_leaves_nothing_behind(folder: Path, times: int) -> None:
    process = start(folder, "-m", "hpo", "run", "sweep.yaml", "--count", "3", "--out", "run")
    wait_for(lambda: any("gcs_server" in line for line in started_in(folder)))
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not (folder / "run").exists()
    wait_for(lambda: not started_in(folder), 30)


def test_a_refused_run_loads_no_ray(folder: Path) -> None:
    process = start(folder, "-X", "importtime", "-m", "hpo", "run", "sweep.yaml")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "--count" in err
    loaded = {line.rpartition("|")[2].strip() for line in err.splitlines() if line.startswith("import time")}
    assert "hpo.engine.plan" in loaded
    assert not loaded & {"ray", "numpy", "optuna"}


def test_what_is_loaded_while_ray_starts_sets_no_environment_variables(folder: Path) -> None:
    """Ray's threads read them meanwhile, which glibc before 2.41 does not survive."""
    code = """
    import sys, threading
    import hpo.engine.run
    started = threading.Thread.start
    def start(thread):
        sys.addaudithook(lambda name, what: name in ("os.putenv", "os.unsetenv") and print(name, what))
        started(thread)
    threading.Thread.start = start
    hpo.engine.run._load_beside("auto").join()
    print("ray.tune" in sys.modules)
    """
    out, err = start(folder, "-c", textwrap.dedent(code)).communicate(timeout=60)
    assert out.splitlines() == ["True"], err


def test_neither_a_run_nor_a_check_of_bayes_needs_optuna_here(folder: Path) -> None:
    code = """
    import sys
    import hpo
    sweep = {"method": "bayes", "metric": {"name": "loss"}, "parameters": {"x": {"min": 0.0, "max": 1.0}}}
    search = hpo.translate(sweep, seed=1).search_alg
    for number in range(search.startup):
        search.on_trial_complete(str(number), {"loss": search.suggest(str(number))["x"]})
    print("optuna" in sys.modules)
    search.suggest("next")
    print("optuna" in sys.modules)
    """
    out, err = start(folder, "-c", textwrap.dedent(code)).communicate(timeout=60)
    assert out.split() == ["False", "True"], err


def test_ray_starts_here_without_what_no_sweep_uses(folder: Path) -> None:
    code = """
    import logging, sys
    from hpo.engine.cluster import connected
    with connected(None):
        print(logging.getLogger("ray._private.services").getEffectiveLevel() == logging.ERROR, flush=True)
        sys.stdin.read()
    """
    process = start(folder, "-c", textwrap.dedent(code))
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"  # Ray's errors are shown again
    commands = "\n".join(started_in(folder))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    assert "/raylet/raylet" in commands
    assert not [name for name in ("dashboard.py", "log_monitor.py", "monitor.py") if name in commands]


def test_a_machine_too_busy_for_ray_gets_another_try(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hpo.engine import cluster

    tries: list[str] = []

    def init(**settings: object) -> None:
        tries.append("try")
        if len(tries) < 3:
            raise Exception("The current node timed out during startup. This could happen because …")

    monkeypatch.setattr("ray.init", init)
    cluster._start(None)
    assert len(tries) == 3
    assert "this machine is busy: once more" in capsys.readouterr().err
    monkeypatch.setattr("ray.init", lambda **settings: fail("no room"))
    with pytest.raises(UserError, match="does not answer: no room"):
        cluster._start(None)


def test_an_address_at_which_nothing_listens_is_told_at_once(folder: Path) -> None:
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        words = ("run", "sweep.yaml", "--count", "1", "--address", address, "--out", "run")
        process = start(folder, "-m", "hpo", *words)  # this one may be connected to a Ray
        _, said = process.communicate(timeout=120)
    refusal = f"hpo: nothing listens at {address}; a cluster is reached at the address that `ray start"
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith(refusal)
    assert not (folder / "run").exists()


def fail(text: str) -> None:
    raise RuntimeError(text)
