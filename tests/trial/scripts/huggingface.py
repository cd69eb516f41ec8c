"""The calls of the Transformers callback."""

import wandb

assert wandb.run is None
wandb.init(project="huggingface", name="run")
wandb.config.update({"learning_rate": 1}, allow_val_change=True)
wandb.config["model/num_parameters"] = 12
wandb.define_metric("train/global_step")
wandb.define_metric("*", step_metric="train/global_step", step_sync=True)
wandb.log({"train/loss": 2.5, "train/global_step": 10})
wandb.log({"eval/loss": 1.5, "loss": 1.5, "train/global_step": 10})
assert wandb.config.get("learning_rate") == 1
wandb.run.summary["train/total_flos"] = 3
