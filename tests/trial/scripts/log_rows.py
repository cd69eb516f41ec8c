"""Rows with and without steps, merged and dropped; the last one is never committed."""

import wandb

run = wandb.init()
steps = [run.step]
wandb.log({"loss": 9.0})
wandb.log({"loss": 8.0}, commit=False)
wandb.log({"acc": 0.5})
steps.append(run.step)
wandb.log({})
run.log({}, commit=True)
steps.append(run.step)
run.log({"loss": 7.0, "deep": {"a": 1}}, step=5)
run.log({"deep": {"b": 2}}, step=5)
run.log({"lost": 1}, step=2)
steps.append(run.step)
run.log({"closes": 5})
steps.append(run.step)
run.log({"loss": 6.0}, step=9, commit=True)
run.log({"odd": float("nan"), "none": None, "yes": True, "text": "t", "list": [1, 2]}, commit=False)
run.log({"loss": 5.0}, step=20)
steps.append(run.step)
run.log({"loss": 4.0}, step=21)
run.log({"late": 1}, step=21)
for wrong in ([1], {1: 2}):
    try:
        run.log(wrong)
    except TypeError as error:
        print(error)
print(steps)
