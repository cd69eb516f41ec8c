"""Values that a script sets in the summary itself, and aggregates."""

import wandb

run = wandb.init()
run.define_metric("acc", summary="max")
for value in (0.1, 0.9, 0.5):
    wandb.log({"acc": value})
run.summary["final"] = 7
wandb.run.summary.update({"loss": 0.25})
wandb.finish()
