"""What a trial sees of its process at its end, for a comparison of warm and cold ones."""

import json
import os
import random
import sys
import threading
import time


def wrong(records):
    """How many of (index, value) are not what data.py wrote."""
    return sum(int(i) != int(x) for i, x in records)


def settle():
    """Wait for threads that end by themselves, as those of a DataLoader do."""
    for _ in range(200):
        if threading.active_count() == 1:
            return
        time.sleep(0.05)


def note(seeded=True, fresh=(), **more):
    """Write it down; where it is `seeded` the next random numbers must be equal, `fresh` values never."""
    draws = {"random": random.random()}
    if "numpy" in sys.modules:
        draws["numpy"] = float(sys.modules["numpy"].random.random())
    if "torch" in sys.modules:
        draws["torch"] = float(sys.modules["torch"].rand(1))
    found = {
        "seeded": seeded,
        "draws": draws,
        "fresh": dict(fresh),
        "more": more,
        "environment": dict(os.environ),
        "descriptors": sorted(map(_descriptor, os.listdir("/proc/self/fd"))),
        "threads": sorted(one.name for one in threading.enumerate()),
        "argv": sys.argv,
        "directory": os.getcwd(),
        "path": sys.path,
        "main": sorted(name for name in vars(sys.modules["__main__"]) if not name.startswith("__")),
        "signals": _signals(),
        "command": open("/proc/self/cmdline", "rb").read().decode(errors="replace").split("\0"),
    }
    with open(os.path.join(os.environ["HPO_TRIAL_DIR"], "seen.json"), "w") as file:
        json.dump(found, file)


def _descriptor(number):
    try:
        return os.readlink(f"/proc/self/fd/{number}")
    except OSError:  # that of the listing itself
        return ""


def _signals():
    import signal

    return {one.name: str(signal.getsignal(one)) for one in signal.Signals}
