"""Log calls drawn by chance: python random_calls.py SEED."""

import random
import sys

import wandb

chance = random.Random(int(sys.argv[1]))
run = wandb.init()
step = 0
for number in range(60):
    row = {name: number for name in ("loss", "a", "b") if chance.random() < 0.5}
    if chance.random() < 0.2:
        row["deep"] = {chance.choice("xy"): number}
    if chance.random() < 0.1:
        row["a"] = float("nan")
    options = {}
    if chance.random() < 0.6:
        step = options["step"] = max(0, step + chance.choice((-1, 0, 0, 1, 1, 2)))
    if chance.random() < 0.3:
        options["commit"] = chance.random() < 0.5
    run.log(row, **options)
    step = max(step, run.step)
