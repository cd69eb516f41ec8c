"""The oracle: PyPI's `sweeps` 0.3.0 in an environment of its own, asked over a pipe."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def oracle() -> Callable[[list[list[Any]]], list[dict[str, Any]]]:
    """Asks a list of questions [name, argument…]; each answer holds `ok` or `error`."""
    python = os.environ.get("HPO_SWEEPS_PYTHON") or str(ROOT / ".venv-sweeps/bin/python")
    assert Path(python).exists(), "no environment with sweeps 0.3.0: `bash tests/run.sh` makes one"

    def ask(questions: list[list[Any]]) -> list[dict[str, Any]]:
        server = str(Path(__file__).with_name("oracle_server.py"))
        done = subprocess.run(
            [python, server], input=json.dumps(questions), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers

    return ask
