"""Odd values, and things that only W&B can show."""

import wandb

wandb.init()
wandb.log({"loss": 0.125, "flag": True, "none": None, "text": "t", "list": [1, 2]})
wandb.log({"loss": float("nan"), "big": float("inf")})
wandb.log({"loss": 1, "table": wandb.Table(columns=["a"], data=[[1]])})
for wrong in (3, {1: 2}):
    try:
        wandb.log(wrong)  # type: ignore[arg-type]
    except TypeError:
        continue
    raise AssertionError(wrong)
