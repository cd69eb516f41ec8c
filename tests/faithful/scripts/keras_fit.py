"""keras: a model is trained with W&B's callback."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np
import seen
import wandb

run = wandb.init()
keras.utils.set_random_seed(run.config.seed)
model = keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1)])
model.compile("adam", "mse")
x = np.random.rand(32, 3).astype("float32")
history = model.fit(x, x.sum(1), epochs=2, verbose=0)
for loss in history.history["loss"]:
    run.log({"loss": loss})
seen.note()
