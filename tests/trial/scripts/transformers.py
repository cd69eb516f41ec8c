"""The calls that the WandbCallback of transformers makes."""

import importlib.metadata
import importlib.util
import os

assert importlib.util.find_spec("wandb") is not None
version = importlib.metadata.version("wandb")

import wandb  # noqa: E402

assert version == wandb.__version__
if wandb.run is None:
    wandb.init(project=os.getenv("WANDB_PROJECT", "huggingface"), name="out")
wandb.config.update({"lr": 5, "epochs": 1, "model": {"layers": 2}}, allow_val_change=True)
wandb.define_metric("train/global_step")
wandb.define_metric("*", step_metric="train/global_step", step_sync=True)
wandb.config["model/num_parameters"] = 10
wandb.run._label(code="transformers_trainer")
for step in range(1, 3):
    wandb.log({"train/loss": 1.0 / step, "train/global_step": step})
    wandb.log({"eval/loss": 2.0 / step, "loss": 3.0 / step, "train/global_step": step})
for name, value in {"train_runtime": 1.5, "total_flos": 1e12}.items():
    wandb.run.summary[name] = value
print({k: v for k, v in vars(wandb.config)["_items"].items() if not k.startswith("_")})
wandb.finish()
