"""Media, artifacts and the rest of the interface that hpo has no use for."""

import struct
import zlib

import wandb


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
picture = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
with open("dot.png", "wb") as file:
    file.write(b"\x89PNG\r\n\x1a\n" + picture)

run = wandb.init(settings=wandb.Settings(silent=True), tags=["a"], notes="n", group="g", job_type="train")
table = wandb.Table(columns=["x", "y"], data=[[1, 2]])
table.add_data(3, 4)
image = wandb.Image("dot.png", caption="dot")
images = {"image": image, "images": [image, image]}
wandb.log({"loss": 2.0, **images, "deep": {"html": wandb.Html("<b>x</b>"), "v": 1}})
wandb.log({"table": table}, step=5)
wandb.log({"loss": 1.0, "line": wandb.plot.line(table, "x", "y")}, step=5)
artifact = wandb.Artifact("model", type="model", metadata={"k": 1})
artifact.add_file("dot.png")
run.log_artifact(artifact)
wandb.alert(title="t", text="x")
run.log_code(".")
wandb.save("dot.png")
print(table.columns, table.data, run.tags, run.notes, run.group, run.job_type, artifact.metadata)
print(isinstance(run, wandb.sdk.wandb_run.Run), bool(run.id), bool(run.dir))
