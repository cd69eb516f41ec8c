"""Make data/ here: record i of each file says i, so that a wrong record shows."""

import gzip
import shelve
import sqlite3
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np

COUNT = 2000
data = Path("data")
data.mkdir()
table = np.arange(COUNT, dtype=np.int64)[:, None] * np.ones(64, dtype=np.int64)
np.savez(data / "records.npz", **{f"r{i}": table[i] for i in range(COUNT)})
np.save(data / "records.npy", table)
(data / "records.bin").write_bytes(table.tobytes())
(data / "records.csv").write_text("".join(f"{i},{i * 2}\n" for i in range(COUNT)))
with gzip.open(data / "records.gz", "wb") as file:
    file.write(table.tobytes())
with zipfile.ZipFile(data / "records.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for i in range(COUNT):
        archive.writestr(f"{i}.txt", f"{i} " * 200)
with tarfile.open(data / "records.tar", "w") as archive:
    archive.add(data / "records.zip", "records.zip")
    archive.add(data / "records.npy", "records.npy")
with sqlite3.connect(data / "records.db") as base:
    base.execute("create table records (i integer primary key, x integer, text text)")
    base.executemany("insert into records values (?, ?, ?)", ((i, i, "x" * 500) for i in range(COUNT)))
with shelve.open(str(data / "records.shelf")) as shelf:
    for i in range(COUNT):
        shelf[str(i)] = table[i]

for package in sys.argv[1:]:  # those that are installed
    if package == "h5py":
        import h5py

        with h5py.File(data / "records.h5", "w") as file:
            file.create_dataset("x", data=table, chunks=(1, 64), compression="gzip")
    if package == "zarr":
        import zarr

        array = zarr.open_array(
            str(data / "records.zarr"), mode="w", shape=table.shape, chunks=(8, 64), dtype="i8"
        )
        array[:] = table
    if package == "netCDF4":
        import netCDF4

        with netCDF4.Dataset(data / "records.nc", "w") as file:
            file.createDimension("i", COUNT)
            file.createDimension("j", 64)
            file.createVariable("x", "i8", ("i", "j"), zlib=True)[:] = table
    if package == "pyarrow":
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = pa.table({"i": np.arange(COUNT), "x": np.arange(COUNT) * 2, "g": np.arange(COUNT) % 7})
        pq.write_table(rows, data / "records.parquet", row_group_size=50)
        with (
            pa.OSFile(str(data / "records.arrow"), "wb") as sink,
            pa.ipc.new_file(sink, rows.schema) as writer,
        ):
            writer.write_table(rows, max_chunksize=50)
    if package == "PIL":
        from PIL import Image

        for i in range(8):
            Image.fromarray(np.full((64, 64, 3), i, dtype=np.uint8)).save(data / f"{i}.png")
        frames = [Image.fromarray(np.full((64, 64), i, dtype=np.uint8)) for i in range(40)]
        frames[0].save(data / "frames.tiff", save_all=True, append_images=frames[1:])
    if package == "hydra":
        Path("conf").mkdir()
        Path("conf/config.yaml").write_text("seed: 0\n")
