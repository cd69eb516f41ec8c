"""keras: the backend is a swept value, set in the environment before the import."""

import argparse
import os

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int)
parser.add_argument("--backend")
chosen = parser.parse_args()
os.environ["KERAS_BACKEND"] = chosen.backend
import keras  # noqa: E402
import numpy as np  # noqa: E402
import seen  # noqa: E402

import hpo  # noqa: E402

keras.utils.set_random_seed(chosen.seed)
layer = keras.layers.Dense(4, kernel_initializer=keras.initializers.RandomUniform(seed=chosen.seed))
out = np.asarray(keras.ops.convert_to_numpy(layer(np.ones((2, 3), "float32"))))
hpo.report({"loss": float(out.sum()), "right": keras.backend.backend() == chosen.backend})
seen.note(seeded=False, backend=keras.backend.backend())
