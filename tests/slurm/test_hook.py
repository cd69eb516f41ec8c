"""What `ray start` leaves out in a job; that it works with the real one, tests/cluster shows."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.process
CODE = """
import subprocess, sys
from types import SimpleNamespace
from hpo.slurm.hook import plain
plain(SimpleNamespace(include_dashboard=sys.argv[2] == "asked for"), True)
server = subprocess.Popen([sys.executable, sys.argv[1]], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
print(server.communicate(b"go on")[0] == b"went on", server.returncode)
"""
SERVER = "import sys, time; time.sleep(2); print('went on', end='')"


@pytest.mark.parametrize(("dashboard", "told"), [("asked for", "True 0"), ("not asked for", "False -9")])
def test_the_dashboards_server_runs_only_where_it_was_asked_for(
    tmp_path: Path, dashboard: str, told: str
) -> None:
    server = tmp_path / "ray" / "dashboard" / "dashboard.py"
    server.parent.mkdir(parents=True)
    server.write_text(SERVER)
    command = [sys.executable, "-c", textwrap.dedent(CODE), str(server), dashboard]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == told
