"""Summaries: the last value, define_metric's aggregates, what the script sets."""

import wandb

run = wandb.init()
run.define_metric("loss", summary="min,max")
wandb.define_metric("val/*", summary="mean")
run.define_metric("quiet", summary="none")
for loss in (3, 1, 2):
    wandb.log({"loss": loss, "val/f1": float(loss), "acc": loss, "deep": {"x": loss}, "quiet": loss})
seen = run.summary
print(sorted(dict(seen["loss"]).items()), float(seen["val/f1"]["mean"]))
print(seen["acc"], seen["deep"]["x"], seen["_step"])
print(seen.get("quiet"), seen.get("nope", 1), wandb.summary["acc"])
try:
    seen["nope"]
except KeyError as error:
    print("KeyError", error)
seen["best"] = 0.5
seen.last_epoch = 7
seen.update({"a": 1, "b": {"c": 2}})
wandb.run.summary["b"]["d"] = 3
wandb.summary["loss"] = 0.25
wandb.log({"more": 1}, step=10)
print(seen.get("more"))
