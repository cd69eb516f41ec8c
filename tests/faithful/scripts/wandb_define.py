"""wandb: define_metric, summary, config defaults, an alert and an artifact."""

import seen
import wandb

run = wandb.init(config={"epochs": 4, "seed": 0}, project="p", tags=["a"])
run.define_metric("loss", summary="min", step_metric="epoch")
for epoch in range(run.config.epochs):
    wandb.log({"epoch": epoch, "loss": (epoch - 2) ** 2 + run.config.seed})
run.summary["end"] = run.config.seed
artifact = wandb.Artifact("weights", type="model")
with artifact.new_file("w.txt") as file:
    file.write(str(run.config.seed))
run.log_artifact(artifact)
seen.note(seeded=False, config=dict(run.config))
wandb.finish()
