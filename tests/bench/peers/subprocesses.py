"""A plain process a trial, 2 at a time, as W&B's agent starts them: `subprocesses KIND COUNT`."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.bench.work import SCRIPT_OF


def main() -> None:
    """No search and no record either."""
    path, count = str(SCRIPT_OF[sys.argv[1]]), int(sys.argv[2])
    commands = [[sys.executable, path, f"--x={(index + 0.5) / count}"] for index in range(count)]
    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(lambda argv: subprocess.run(argv, capture_output=True), commands):
            done.check_returncode()


if __name__ == "__main__":
    main()
