"""What a trial's process says that it has written; `open` and its like stay what they were."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from hpo.trial.environment import SITE

pytestmark = pytest.mark.process


def run(folder: Path, code: str) -> list[str]:
    env = {**os.environ, "PYTHONPATH": SITE, "HPO_CHANNEL": "/nowhere"}
    env["HPO_TRIAL_DIR"] = str(folder / "runs/a/trials/0001")
    begin = "import io, os, pathlib, pickle, shutil, sys\ntaken = sys.modules['_hpo_writes'].writes.take\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + textwrap.dedent(code)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_files_and_folders_that_are_written(tmp_path: Path) -> None:
    code = """
        pathlib.Path("a.txt").write_text("1"); open("b", "wb").close(); open("b", "w").close()
        open("c.part", "x").close(); os.replace("c.part", "c")
        open("train.log", "a").close()
        os.makedirs("runs/Jan31_12-00-00_host"); os.makedirs("logs/version_3", exist_ok=True)
        os.makedirs("deep/12-00-00/mine")
        print(*(os.path.relpath(path) + path[-1] * (path[-1] == "/") for path in taken()), taken(), sep="\\n")
    """
    *written, rest = run(tmp_path, code)
    assert written == [
        "a.txt",
        "b",
        "c.part",
        "c",
        "train.log",
        "runs/Jan31_12-00-00_host/",
        "logs/version_3/",
    ]
    assert rest == "[]"


def test_what_others_may_write_too_is_left_out(tmp_path: Path) -> None:
    code = """
        for name in ("runs/a/trials/0001", ".cache", "2026-01-31", "data"):
            os.makedirs(name)
        for name in ("runs/a/trials/0001/x", ".cache/x", "x.lock", "x.db", "/tmp/hpo-test-x", os.devnull):
            open(name, "w").close()
        open("table.csv", "a").close(); open("table.csv").close(); open(os.dup(1), "w").close()
        print(taken())
    """
    assert run(tmp_path, code) == ["[]"]


def test_they_can_be_pickled_and_asked_and_fail_as_before(tmp_path: Path) -> None:
    code = """
        assert pickle.loads(pickle.dumps((open, os.mkdir))) == (io.open, os.mkdir)
        class Accessor:
            open, mkdir, replace, rename = open, os.mkdir, os.replace, os.rename
        Accessor().mkdir("kept"); Accessor().open("kept/a", "a").close()  # so pathlib of 3.10
        Accessor().rename("kept/a", "kept/b"); Accessor().replace("kept/b", "kept/c")
        assert os.listdir("kept") == ["c"] and taken()
        assert os.mkdir in os.supports_dir_fd and shutil.rmtree.avoids_symlink_attacks
        for wrong in (lambda: open("no/file", "w"), lambda: os.mkdir("no/folder"), lambda: open(None), open):
            try:
                wrong()
            except Exception as error:
                print(type(error).__name__)
        print(taken())
    """
    assert run(tmp_path, code) == ["FileNotFoundError", "FileNotFoundError", "TypeError", "TypeError", "[]"]


@pytest.mark.torch
def test_what_torch_saves_is_noticed_too(tmp_path: Path) -> None:
    code = """
        import torch
        torch.save({"w": 1}, "best.pt")
        torch.save({"w": 1}, io.BytesIO())
        assert torch.load("best.pt") == {"w": 1} and pickle.loads(pickle.dumps(torch.save)) is torch.save
        print(*map(os.path.basename, taken()))
    """
    assert run(tmp_path, code) == ["best.pt"]
