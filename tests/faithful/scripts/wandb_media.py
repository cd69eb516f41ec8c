"""wandb: images, HTML, audio, tables, histograms and plots."""

import argparse

import numpy as np
import seen
import wandb

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int)
seed = parser.parse_args().seed
draw = np.random.default_rng(seed)
np.random.seed(seed)
with wandb.init() as run:
    for step in range(3):
        run.log(
            {
                "loss": draw.random() / (step + 1),
                "image": wandb.Image(draw.integers(0, 255, (16, 16, 3), dtype=np.uint8), caption=f"{seed}"),
                "page": wandb.Html(f"<p>{seed}</p>"),
                "sound": wandb.Audio(draw.random(800), sample_rate=8000),
                "table": wandb.Table(columns=["a"], data=[[seed]]),
                "values": wandb.Histogram(draw.random(100)),
            }
        )
seen.note(seeded=False)
