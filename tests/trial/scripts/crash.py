"""A script that fails with a row that was not committed yet."""

import wandb

wandb.init()
wandb.log({"loss": 1})
wandb.log({"half": 1}, commit=False)
raise ValueError("bad")
