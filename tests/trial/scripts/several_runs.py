"""Runs that are started again, ended and left by an exception."""

import wandb

with wandb.init(config={"a": 1}) as run:
    again = wandb.init(config={"b": 2})
    print(again is run, "b" in wandb.config, wandb.run is run)
    run.log({"loss": 3})
    run.log({"loss": 2}, step=4)
print(wandb.run)
for call in (lambda: wandb.log({"loss": 1}), lambda: wandb.config.a, lambda: wandb.summary["a"]):
    try:
        call()
    except wandb.Error as error:
        print(error)
second = wandb.init()
third = wandb.init(reinit=True)
print(third is second, third.step)
wandb.log({"loss": 1})
wandb.finish()
wandb.finish()
try:
    with wandb.init():
        wandb.log({"loss": 0.5}, commit=False)
        raise ValueError("inside")
except ValueError as error:
    print(error, wandb.run)
