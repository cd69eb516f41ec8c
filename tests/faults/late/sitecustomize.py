"""Ray's workers on nodes whose name says so begin late, as on a file system that is slow."""

import os
import sys
import time

LATE = 12.0
if "late" in os.environ.get("HPO_TEST_NODE", "") and sys.argv[0].endswith("default_worker.py"):
    time.sleep(LATE)
