"""pandas: a frame that a setup reads from Parquet, changed by each trial."""

import pandas as pd
import seen

import hpo


def setup():
    return pd.read_parquet("data/records.parquet")


if __name__ == "__main__":
    seed = hpo.config()["seed"]
    frame = hpo.setup_value() if hpo.setup_value() is not None else setup()
    frame["x"] *= seed
    sample = frame.sample(100, random_state=seed)
    hpo.report({"loss": float(sample.x.mean()), "sum": int(frame.groupby("g").x.sum()[seed % 7])})
    seen.note(seeded=False)
