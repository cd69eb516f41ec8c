"""`python -m tests.faults.nodes NODE,NODE… ARGUMENT…`: `hpo ARGUMENT…` on a cluster of nodes of these names.

All nodes are on this machine, with two slots each. What a trial starts finds the name of its node in the
environment of the processes above it, as HPO_TEST_NODE; its own comes from the driver. Ray's workers of a
node with «late» in its name begin late.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

from hpo.engine.idle_services import without_idle_services

LATE = Path(__file__).with_name("late")
STORE = 100 * 2**20
"""Bytes of shared memory a node: only small messages pass."""


def main() -> int:
    """The command's exit code."""
    names, argv = sys.argv[1].split(","), sys.argv[2:]
    os.environ["RAY_AUTH_MODE"] = "disabled"
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        path = os.pathsep.join(filter(None, [str(LATE), os.environ.get("PYTHONPATH")]))
        with without_idle_services():
            for name in names:
                here = {"HPO_TEST_NODE": name, "PYTHONPATH": path}
                cluster.add_node(
                    num_cpus=2, object_store_memory=STORE, include_dashboard=False, env_vars=here
                )
            cluster.wait_for_nodes()
        command = [sys.executable, "-m", "hpo", *argv, "--address", cluster.address]
        return subprocess.run(command, check=False).returncode
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    logging.disable(logging.INFO)
    sys.exit(main())
