"""The objective is logged several times within a step: W&B counts each step once, with the last value."""

import wandb

wandb.init()
for epoch in range(3):
    for batch in range(3):
        wandb.log({"loss": 10.0 * epoch + batch, "batch": batch}, step=epoch)
