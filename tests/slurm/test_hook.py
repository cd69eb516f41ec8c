"""What `ray start` leaves out in a job; tests/cluster runs it with the real Ray."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process
START = """
import subprocess, sys
from types import SimpleNamespace
from hpo.slurm.hook import plain
plain(SimpleNamespace(include_dashboard=sys.argv[2] == "True"), True)
print(subprocess.run([sys.executable, sys.argv[1]]).returncode)
"""
SERVER = "import time; time.sleep(2)"


@pytest.mark.parametrize(("dashboard", "code"), [(True, 0), (False, -signal.SIGKILL)])
def test_the_dashboards_server_lives_only_where_it_is_wanted(
    tmp_path: Path, dashboard: bool, code: int
) -> None:
    server = tmp_path / "ray" / "dashboard" / "dashboard.py"
    server.parent.mkdir(parents=True)
    server.write_text(SERVER)
    command = [sys.executable, "-c", START, str(server), str(dashboard)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) == code
