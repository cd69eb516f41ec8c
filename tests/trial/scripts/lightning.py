"""The calls of Lightning's WandbLogger."""

import os

import wandb

os.environ["WANDB_SILENT"] = "true"
wandb.require("service")
run = wandb.init(name="v", project="lightning_logs", dir=".", id="abc", resume="allow")
run.define_metric("trainer/global_step")
run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
run.config.update({"hidden": 3}, allow_val_change=True)
for step in (0, 1):
    run.log({"train_loss": 1.0 - step, "trainer/global_step": step})
    run.log({"loss": 0.5 - step, "epoch": step, "trainer/global_step": step})
run.watch(None) if False else None
