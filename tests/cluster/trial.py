"""A training script that says where it runs and what it sees, and saves its state when it is told to end.

It continues while there is a file `hold` beside it and no file `go-NODE` for its node.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from typing import Any

import hpo


def held() -> bool:
    return os.path.exists("hold") and not os.path.exists(f"go-{socket.gethostname()}")


def main() -> None:
    seconds = float(hpo.config()["seconds"])
    step = (hpo.get_checkpoint() or {"step": 0})["step"]
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
    seen: dict[str, Any] = {
        "node": socket.gethostname(),
        "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "slurm": sorted(name for name in os.environ if name.startswith("SLURM_")),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "from": step,
        "began": time.time(),
    }
    while (step < 10 * seconds or held()) and not told:
        time.sleep(0.1)
        step += 1
        if step % 10 == 0:
            hpo.report({"loss": hpo.config()["x"], "step": step})
    print(json.dumps({**seen, "ended": time.time(), "to": step}), flush=True)
    if told:
        hpo.report({"loss": hpo.config()["x"], "step": step}, checkpoint={"step": step})
        sys.exit(1)
    hpo.report({"loss": hpo.config()["x"], "step": step})


main()
