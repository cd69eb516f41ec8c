"""One and the same scripts with the real wandb (disabled and offline) and with the stand-in."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.trial.environment import params_text, trial_environment

SCRIPTS = Path(__file__).parent / "scripts"
CONFIG = {"lr": 2, "optimizer": {"lr": 0.1}}
Lines = list[dict[str, Any]]
EXPECTED: dict[str, Lines] = {
    "tutorial": [
        {"row": {"loss": 2.0, "epoch": 0, "note": "x"}, "step": 0},
        {"row": {"loss": 1.0, "epoch": 1, "note": "x"}, "step": 1},
    ],
    "steps": [
        {"row": {"a": 1, "loss": 0.5}, "step": 0},
        {"row": {"x": 1, "y": 2}, "step": 5},
        {"row": {"loss": 0.4}, "step": 6},
        {"row": {"more": 1}, "step": 6},
        {"row": {"loss": 0.3}, "step": 7},
        {"row": {"nested": {"loss": 1, "deep": {"v": 2}}}, "step": 8},
        {"row": {"pending": 1}, "step": 9},
    ],
    "settings": [{"row": {"loss": 2}, "step": 0}],
    "summary": [
        {"define": {"name": "acc", "summary": "max"}},
        *({"row": {"acc": value}, "step": step} for step, value in enumerate((0.1, 0.9, 0.5))),
        {"summary": {"final": 7}},
        {"summary": {"loss": 0.25}},
    ],
    "lightning": [
        {"row": {"train_loss": 1.0, "trainer/global_step": 0}, "step": 0},
        {"row": {"loss": 0.5, "epoch": 0, "trainer/global_step": 0}, "step": 1},
        {"row": {"train_loss": 0.0, "trainer/global_step": 1}, "step": 2},
        {"row": {"loss": -0.5, "epoch": 1, "trainer/global_step": 1}, "step": 3},
    ],
    "huggingface": [
        {"row": {"train/loss": 2.5, "train/global_step": 10}, "step": 0},
        {"row": {"eval/loss": 1.5, "loss": 1.5, "train/global_step": 10}, "step": 1},
        {"summary": {"train/total_flos": 3}},
    ],
    "crash": [{"row": {"loss": 1}, "step": 0}, {"row": {"half": 1}, "step": 1}],
    "values": [
        {"row": {"loss": 0.125, "flag": True, "none": None, "text": "t", "list": [1, 2]}, "step": 0},
        {"row": {"loss": "NaN", "big": "Infinity"}, "step": 1},
        {"row": {"loss": 1, "table": "<Table>"}, "step": 2},
    ],
}


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter without any package."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return str(folder / "bin/python")


class Listener:
    """The supervisor's end of a channel: keeps each line."""

    def __init__(self, path: str) -> None:
        self.lines: list[str] = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen()
        self.socket.settimeout(60)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        connection, _ = self.socket.accept()
        with connection, connection.makefile(encoding="utf-8") as file:
            self.lines += list(file)

    def messages(self) -> Lines:
        """What was received, without times; NaN and Infinity as text."""
        self.thread.join(10)
        parsed = [json.loads(line, parse_constant=str) for line in self.lines]
        return [{key: value for key, value in one.items() if key != "time"} for one in parsed]


@pytest.fixture
def trial(tmp_path: Path) -> Callable[..., tuple[Lines, subprocess.CompletedProcess[str]]]:
    """Runs a script as a trial → what it told, and how it ended."""

    def run(
        python: str, script: Path, mode: str = "disabled"
    ) -> tuple[Lines, subprocess.CompletedProcess[str]]:
        channel = f"/tmp/hpo-test-{os.getpid()}-{threading.get_ident()}"
        listener = Listener(channel)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("WANDB")} | {"WANDB_MODE": mode}
        env = trial_environment(
            inherited,
            number=1,
            config=CONFIG,
            directory=str(tmp_path),
            channel=channel,
            metric="loss",
            cwd=str(tmp_path),
            sweep_id="sweep",
            run_id="run",
            project="p",
            entity=None,
        )
        (tmp_path / "params.yaml").write_text(params_text(CONFIG))
        try:
            command = [python, str(script)]
            done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=90)
        finally:
            os.unlink(channel)
        return listener.messages(), done

    return run


@pytest.mark.parametrize("name", EXPECTED)
def test_the_stand_in(name: str, trial: Any, bare_python: str) -> None:
    told, done = trial(bare_python, SCRIPTS / f"{name}.py")
    assert done.returncode == (name == "crash"), done.stderr
    assert told == EXPECTED[name]


@pytest.mark.wandb
@pytest.mark.parametrize("mode", ["disabled", "offline"])
@pytest.mark.parametrize("name", EXPECTED)
def test_the_real_wandb(name: str, mode: str, trial: Any) -> None:
    told, done = trial(sys.executable, SCRIPTS / f"{name}.py", mode)
    assert done.returncode == (name == "crash"), done.stderr
    assert told == EXPECTED[name]


def test_wandbs_own_output_folder_is_not_wandb(trial: Any, bare_python: str, tmp_path: Path) -> None:
    (tmp_path / "wandb").mkdir()
    (tmp_path / "train.py").write_text("import wandb; wandb.init(); wandb.log({'loss': 1})")
    told, done = trial(bare_python, tmp_path / "train.py")
    assert told == [{"row": {"loss": 1}, "step": 0}], done.stderr


def test_hpo_is_there_where_it_is_not_installed(trial: Any, bare_python: str, tmp_path: Path) -> None:
    script = "import hpo; hpo.report({'loss': hpo.config()['lr']}, step=3)"
    (tmp_path / "train.py").write_text(script)
    told, done = trial(bare_python, tmp_path / "train.py")
    assert told == [{"row": {"loss": 2}, "step": 3}], done.stderr


def test_the_users_own_sitecustomize_still_runs(trial: Any, bare_python: str, tmp_path: Path) -> None:
    site = subprocess.run(
        [bare_python, "-c", "import site; print(site.getsitepackages()[0])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    own = Path(site, "sitecustomize.py")
    own.write_text("import builtins; builtins.mine = 5")
    try:
        (tmp_path / "train.py").write_text("import hpo; hpo.report({'loss': mine})")
        told, done = trial(bare_python, tmp_path / "train.py")
    finally:
        own.unlink()
    assert told == [{"row": {"loss": 5}, "step": None}], done.stderr


def test_a_forked_child_reports_too(trial: Any, bare_python: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import os, hpo\nif os.fork() == 0:\n    hpo.report({'loss': 1})\n    os._exit(0)\nos.wait()\n"
    )
    told, done = trial(bare_python, tmp_path / "train.py")
    assert told == [{"row": {"loss": 1}, "step": None}], done.stderr


def test_scalars_of_array_libraries_are_numbers(trial: Any, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import hpo, numpy, torch\n"
        "hpo.report({'loss': torch.tensor(0.5), 'n': numpy.int64(3), 'b': numpy.bool_(True),"
        " 'array': numpy.zeros(3), 'f': numpy.float32(0.25)})\n"
    )
    told, done = trial(sys.executable, tmp_path / "train.py")
    row = {"loss": 0.5, "n": 3, "b": True, "array": "<ndarray>", "f": 0.25}
    assert told == [{"row": row, "step": None}], done.stderr


def test_a_script_outlives_its_supervisor(tmp_path: Path) -> None:
    script = "import hpo\nfor i in range(1000):\n    hpo.report({'loss': i})\nprint('done')"
    env = {**os.environ, "HPO_CHANNEL": str(tmp_path / "gone")}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout == "done\n"
    assert done.stderr.count("lost") == 1


def test_what_report_refuses() -> None:
    import hpo

    for wrong in (3, {1: 2}, None):
        with pytest.raises(TypeError, match=r"hpo\.report"):
            hpo.report(wrong)  # type: ignore[arg-type]
    hpo.report({"loss": 1})
    assert hpo.config() == {}
