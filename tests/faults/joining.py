"""`python -m tests.faults.joining ARGUMENT…`: `hpo ARGUMENT…` on one node, on two once a trial has ended.

Each has two slots; both are on this machine. SIGUSR1 goes to the command.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from hpo.engine.idle_services import without_idle_services
from tests.faults.nodes import STORE


def main() -> int:
    """The command's exit code."""
    os.environ["RAY_AUTH_MODE"] = "disabled"
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        with without_idle_services():
            cluster.add_node(num_cpus=2, object_store_memory=STORE, include_dashboard=False)
        command = [sys.executable, "-m", "hpo", *sys.argv[1:], "--address", cluster.address]
        process = subprocess.Popen(command)
        signal.signal(signal.SIGUSR1, lambda *_: process.send_signal(signal.SIGUSR1))
        journal = Path("run") / "journal.jsonl"
        while process.poll() is None and not (journal.exists() and '"end"' in journal.read_text()):
            time.sleep(0.1)
        cluster.add_node(num_cpus=2, object_store_memory=STORE)
        return process.wait()
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    logging.disable(logging.INFO)
    sys.exit(main())
