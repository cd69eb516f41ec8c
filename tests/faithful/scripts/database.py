"""sqlite3: a connection that a setup opens, and a database that each trial writes."""

import os
import sqlite3

import numpy as np
import seen

import hpo


def setup():
    return sqlite3.connect("data/records.db")


if __name__ == "__main__":
    seed = hpo.config()["seed"]
    base = hpo.setup_value() or setup()
    places = map(int, np.random.default_rng(seed).permutation(2000)[:600])
    lost = seen.wrong(
        (i, base.execute("select x from records where i = ?", (i,)).fetchone()[0]) for i in places
    )
    with sqlite3.connect(os.path.join(os.environ["HPO_TRIAL_DIR"], "own.db")) as own:
        own.execute("create table t (i integer)")
        own.executemany("insert into t values (?)", ((i,) for i in range(seed)))
        count = own.execute("select count(*) from t").fetchone()[0]
    hpo.report({"loss": lost, "count": count})
    seen.note(seeded=False)
