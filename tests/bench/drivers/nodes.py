"""Several Ray nodes on this machine, and `hpo run` of sweep.yaml on them: `nodes NODES SLOTS`."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

from hpo.engine.idle_services import without_idle_services
from hpo.record.journal import read_journal
from tests.bench.measure import PYTHON, note

STORE = 100 * 2**20
"""Bytes of shared memory a node: only small messages pass."""


def main() -> None:
    """Nodes share the slots equally; the run is a process of its own that connects to them."""
    nodes, slots = int(sys.argv[1]), int(sys.argv[2])
    os.environ["RAY_AUTH_MODE"] = "disabled"
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        with without_idle_services():
            for _ in range(nodes):
                cluster.add_node(num_cpus=slots // nodes, object_store_memory=STORE, include_dashboard=False)
            cluster.wait_for_nodes()
        argv = [PYTHON, "-m", "hpo", "run", "sweep.yaml", "--out", "run", "--address", cluster.address]
        subprocess.run(argv, check=True)
    finally:
        cluster.shutdown()
    starts = [event for event in read_journal("run") if event["event"] == "start"]
    note(slots={event["trial"]: event["slot"] for event in starts})


if __name__ == "__main__":
    logging.disable(logging.INFO)
    main()
