"""Steps and commits: rows are merged, and dropped where the step lies behind."""

import wandb

with wandb.init() as run:
    wandb.log({"a": 1}, commit=False)
    run.log({"loss": 0.5})
    wandb.log({"x": 1}, step=5)
    wandb.log({"y": 2}, step=5)
    wandb.log({"loss": 0.4}, step=6)
    wandb.log({"late": 1}, step=2)
    wandb.log({"more": 1}, step=6)
    wandb.log({"loss": 0.3}, step=7, commit=True)
    wandb.log({"nested": {"loss": 1, "deep": {"v": 2}}})
    wandb.log({"pending": 1}, commit=False)
