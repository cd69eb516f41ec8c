"""A script that would start a sweep of its own, or go online, inside a trial."""

import wandb

for call in (lambda: wandb.sweep({}, project="p"), lambda: wandb.agent("id", function=print, count=1)):
    try:
        call()
    except wandb.Error as error:
        print(error)
run = wandb.init(mode="online", settings=wandb.Settings(mode="online"))
wandb.log({"loss": 1.0})
