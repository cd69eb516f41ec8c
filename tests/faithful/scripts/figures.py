"""matplotlib: figures as files, by pyplot and by objects."""

import os

import matplotlib

import hpo

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import seen

seed = hpo.config()["seed"]
draw = np.random.default_rng(seed)
np.random.seed(seed)
figure, axes = plt.subplots()
axes.plot(np.random.rand(20).cumsum())
axes.set_title(f"seed {seed}")
figure.savefig(os.path.join(os.environ["HPO_TRIAL_DIR"], "plot.png"), metadata={"Software": None})
plt.hist(draw.random(100))
plt.savefig(f"hist-{seed}.png", metadata={"Software": None})
hpo.report(
    {"loss": draw.random(), "figures": len(plt.get_fignums()), "backend": len(matplotlib.get_backend())}
)
seen.note(seeded=False)
