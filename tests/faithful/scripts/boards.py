"""SummaryWriter without a folder, which names it by the second; and one in the trial's."""

import os

import numpy as np
import seen
from torch.utils.tensorboard import SummaryWriter

import hpo

seed = hpo.config()["seed"]
with SummaryWriter() as first, SummaryWriter(os.environ["HPO_TRIAL_DIR"] + "/tb") as second:
    for step in range(3):
        first.add_scalar("x", step * seed, step)
        second.add_histogram("h", np.array([seed, step]), step)
hpo.report({"loss": seed})
seen.note(seeded=False)
