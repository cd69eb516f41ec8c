"""As in W&B's tutorial: wandb.init, wandb.config, wandb.log once an epoch."""

import wandb


def main() -> None:
    wandb.init(project="tutorial", config={"epochs": 2, "lr": 9, "own": 1})
    config = wandb.config
    for epoch in range(config.epochs):
        wandb.log({"loss": config.lr / (epoch + 1), "epoch": epoch, "note": "x" * config.own})


main()
