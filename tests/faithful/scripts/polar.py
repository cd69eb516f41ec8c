"""polars: a frame that a setup reads (its threads make forking unsafe)."""

import polars as pl
import seen

import hpo


def setup():
    return pl.read_parquet("data/records.parquet")


if __name__ == "__main__":
    seed = hpo.config()["seed"]
    frame = hpo.setup_value() if hpo.setup_value() is not None else setup()
    lazy = pl.scan_parquet("data/records.parquet").filter(pl.col("g") == seed % 7).select(pl.col("x").sum())
    groups = frame.group_by("g").agg(pl.col("x").sum()).sort("g")
    hpo.report({"loss": lazy.collect().item(), "group": groups["x"][seed % 7]})
    seen.note(seeded=False)
