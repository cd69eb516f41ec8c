"""A trial that keeps its slot for a while and takes no CPU: `sleeper --seconds=S`."""

import os
import sys
import time

began = time.time()
words = " ".join(sys.argv).replace("=", " ").split()
time.sleep(float(words[words.index("--seconds") + 1]))
if "HPO_TRIAL" in os.environ:
    import hpo

    hpo.report({"loss": time.time() - began})
with open(os.environ["BENCH_EVENTS"], "a") as events:
    events.write(f"{began} {time.time()} {os.environ.get('HPO_TRIAL', '')}\n")
