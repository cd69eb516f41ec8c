"""duckdb: a connection at import, queries of Parquet files."""

import duckdb
import seen

import hpo

base = duckdb.connect()
seed = hpo.config()["seed"]
rows = base.execute(f"select sum(x), count(*) from 'data/records.parquet' where g = {seed % 7}").fetchone()
hpo.report({"loss": rows[0], "count": rows[1]})
seen.note(seeded=False)
