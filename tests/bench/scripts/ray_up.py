"""`ray.init()` and nothing else; its return counts as the start of a trial."""

import os
import sys
import time

import ray

ray.init()
began = time.time()
time.sleep(float(sys.argv[1]))
with open(os.environ["BENCH_EVENTS"], "a") as events:
    events.write(f"{began} {time.time()}\n")
