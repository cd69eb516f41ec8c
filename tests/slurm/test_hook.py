"""What `ray start` leaves out in a job; tests/cluster runs it with the real Ray."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process
START = """
import subprocess, sys, threading
from types import SimpleNamespace
from hpo.slurm.hook import plain
plain(SimpleNamespace(include_dashboard=sys.argv.pop() == "True"), True)
print(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)
for thread in set(threading.enumerate()) - {threading.current_thread()}:
    thread.join(5)
print(threading.active_count())
"""
SERVER = "import sys, time; time.sleep(float(sys.argv[1]))"


@pytest.mark.parametrize(("dashboard", "seconds", "code"), [(True, 2, 0), (False, 50, -signal.SIGKILL)])
def test_the_dashboards_server_lives_only_where_it_is_wanted(
    tmp_path: Path, dashboard: bool, seconds: int, code: int
) -> None:
    server = tmp_path / "ray" / "dashboard" / "dashboard.py"
    server.parent.mkdir(parents=True)
    server.write_text(SERVER)
    command = [sys.executable, "-c", START, str(server), str(seconds), str(dashboard)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    ended, threads = map(int, done.stdout.split())
    assert ended == code
    assert threads == 1  # nothing looks for a server as long as the job goes on
