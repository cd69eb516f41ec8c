"""`hpo` in this process, for what neither the process itself nor what it loads is tested by."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path

import pytest

from hpo.cli.main import main


def hpo(
    *arguments: object, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Exit code and output of `hpo` with these arguments; a run is on this process's Ray, if it has one."""
    words = ["hpo", *map(str, arguments)]
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        if cwd:
            patch.chdir(cwd)
        for name, value in (env or {}).items():  # no others: Ray's threads may be reading them
            patch.setenv(name, value)
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as end,
        ):
            main()
    code = end.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())
