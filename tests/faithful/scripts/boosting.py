"""xgboost and lightgbm, with threads of OpenMP."""

import lightgbm as lgb
import numpy as np
import seen
import xgboost as xgb

import hpo

seed = hpo.config()["seed"]
draw = np.random.default_rng(seed)
x = draw.random((400, 8))
y = x[:, 0] * 3 + draw.random(400)
first = xgb.train({"seed": seed, "nthread": 2, "subsample": 0.5}, xgb.DMatrix(x, y), 10)
settings = {"seed": seed, "num_threads": 2, "bagging_fraction": 0.5, "bagging_freq": 1, "verbose": -1}
second = lgb.train(settings | {"deterministic": True}, lgb.Dataset(x, y), 10)
hpo.report({"loss": float(first.predict(xgb.DMatrix(x)).sum()), "second": float(second.predict(x).sum())})
seen.note(seeded=False)
