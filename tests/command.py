"""`hpo` in this process, for what neither the process itself nor what it loads is tested by."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from hpo.cli.main import main


def hpo(
    *arguments: object, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Exit code and output of `hpo` with these arguments; a run takes the Ray of this process if it has one."""
    words = ["hpo", *map(str, arguments)]
    out, err = io.StringIO(), io.StringIO()
    with _as_command(words, cwd, env or {}), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _as_command(words: list[str], cwd: Path | None, env: dict[str, str]) -> Iterator[None]:
    """Set what a process has of its own: words, folder, variables."""
    argv, folder, before = sys.argv, Path.cwd(), dict(os.environ)
    sys.argv = words
    os.environ.update(env)
    if cwd:
        os.chdir(cwd)
    try:
        yield
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)
        sys.argv = argv
