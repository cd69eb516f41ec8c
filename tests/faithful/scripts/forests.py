"""scikit-learn and joblib: processes (loky), threads, and a cache that all trials share."""

import joblib
import numpy as np
import seen
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

import hpo

memory = joblib.Memory("cache", verbose=0)


@memory.cache
def samples(seed):
    return make_classification(200, random_state=seed)


if __name__ == "__main__":
    seed = hpo.config()["seed"]
    np.random.seed(seed)
    x, y = samples(7)
    model = RandomForestClassifier(20, random_state=seed, n_jobs=2)
    score = cross_val_score(model, x, y, cv=3, n_jobs=2).mean()
    roots = joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(-i) for i in range(10))
    hpo.report({"loss": 1 - score, "roots": sum(roots)})
    seen.note(seeded=False)
