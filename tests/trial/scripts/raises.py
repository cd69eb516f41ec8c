"""The script fails after its last row, which no later step has committed."""

import wandb

wandb.init()
wandb.log({"loss": 3, "epoch": 1}, step=1)
wandb.log({"epoch": 2}, step=2)
wandb.log({"loss": 2}, step=2, commit=False)
raise ValueError("bad luck")
