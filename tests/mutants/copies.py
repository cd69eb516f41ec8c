"""Copies of the checkout in which mutants are tested, one for each job."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from py_compile import PycInvalidationMode

from tests.mutants import recorder

ROOT = Path(__file__).parents[2]
FUTURE = "from __future__ import annotations"
RECORDING = ("hpo/__init__.py", "hpo/trial/site/sitecustomize.py")
"""One of them is the first of hpo that any process loads."""


@contextmanager
def copied() -> Iterator[Path]:
    """A folder with a copy as `tree`; its name is short, for sockets are made below it."""
    home = Path(tempfile.mkdtemp(prefix="hpo-m", dir="/tmp"))  # tests expect hpo-
    try:
        for name in listed():
            (home / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, home / "tree" / name, follow_symlinks=False)
        compiled(home / "tree" / "hpo")
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def listed() -> list[str]:
    """What git would carry along: neither build outputs nor environments."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [name for name in names if name and os.path.lexists(ROOT / name)]


def compiled(folder: Path) -> None:
    """Compile it so that Python compares hashes: a mutant can have its original's size and time."""
    compileall.compile_dir(folder, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)


def made_recording(home: Path) -> Path:
    """The folder of notes about the lines that processes execute in this copy while the folder is there."""
    notes = home / "notes"
    notes.mkdir()
    if "NOTES" in (home / "tree" / RECORDING[0]).read_text(encoding="utf-8"):
        return notes
    start = recorder.START.format(file=recorder.__file__, root=str(home / "tree"), notes=str(notes))
    for name in RECORDING:
        file = home / "tree" / name
        text = file.read_text(encoding="utf-8")
        after = max(text.find(FUTURE), 0)  # else after the docstring; no line may move
        end = text.index("\n", after)
        file.write_text(f"{text[:end]}; {start}{text[end:]}", encoding="utf-8")
    return notes
