"""A training script as small as it gets: one metric, told in each tool's own way."""

import json
import os
import sys
import time

began = time.time()
words = " ".join(sys.argv).replace("=", " ").split()
loss = float(words[words.index("--x") + 1])
if "HPO_TRIAL" in os.environ:
    import hpo

    hpo.report({"loss": loss})
print("[tune-metric]: " + json.dumps({"loss": loss, "st_worker_iter": 0, "st_worker_timestamp": began}))
with open(os.environ["BENCH_EVENTS"], "a") as events:
    events.write(f"{began} {time.time()} {os.environ.get('HPO_TRIAL', '')}\n")
