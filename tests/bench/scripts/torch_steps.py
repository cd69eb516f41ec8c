"""A training script as most are: imports torch and wandb, trains (two steps), logs one metric."""

import time

began = time.time()

import importlib.util  # noqa: E402 (the clock runs before all other imports)
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402

import torch  # noqa: E402

words = " ".join(sys.argv).replace("=", " ").split()
torch.manual_seed(0)
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=float(words[words.index("--x") + 1]))
for _ in range(2):
    optimizer.zero_grad()
    error = model(torch.ones(4, 8)).square().mean()
    error.backward()
    optimizer.step()
loss = error.item()
if importlib.util.find_spec("wandb"):  # where it is not installed, hpo's trials find a stand-in
    import wandb

    wandb.init()
    wandb.log({"loss": loss})
    wandb.finish()
print("[tune-metric]: " + json.dumps({"loss": loss, "st_worker_iter": 0, "st_worker_timestamp": began}))
with open(os.environ["BENCH_EVENTS"], "a") as events:
    events.write(f"{began} {time.time()} {os.environ.get('HPO_TRIAL', '')}\n")
