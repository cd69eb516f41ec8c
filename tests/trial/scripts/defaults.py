"""config-defaults.yaml in the working directory, under the script's and the sweep's values."""

import json

with open("config-defaults.yaml", "w") as file:
    json.dump({"wandb_version": 1, "lr": {"value": 9}, "depth": {"value": 2}, "free": {"value": 3}}, file)

import wandb

run = wandb.init(config={"free": 4})
print(run.config.lr, run.config.depth, run.config.free)
wandb.log({"loss": 1.0})
