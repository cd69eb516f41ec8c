"""The calls that Lightning's WandbLogger makes."""

import os

import wandb
from wandb import Artifact
from wandb.sdk.lib import RunDisabled
from wandb.wandb_run import Run

os.environ.setdefault("WANDB_START_METHOD", "thread")
wandb.require("service")
experiment = wandb.init(name=None, project="lightning_logs", dir=".", id=None, resume="allow")
assert isinstance(experiment, (Run, RunDisabled))
assert wandb.run is experiment
experiment.define_metric("trainer/global_step")
experiment.define_metric("*", step_metric="trainer/global_step", step_sync=True)
experiment.config.update({"hidden": 8, "lr": 100}, allow_val_change=True)
step = 0
for epoch in range(2):
    for _ in range(2):
        step += 1
        experiment.log({"train_loss_step": 1.0 / step, "epoch": epoch, "trainer/global_step": step})
    experiment.log({"val_loss": 2.0 / step, "loss": 3.0 / step, "epoch": epoch, "trainer/global_step": step})
experiment.watch(None) if experiment.disabled else None
print(experiment.config["lr"], experiment.config["hidden"], Artifact(name="model", type="model").type)
experiment.finish()
