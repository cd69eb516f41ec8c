"""What a trial is given of the machine: its share of the cores as threads, its GPU by number."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hpo.sweepfile.model import Resources
from hpo.trial.recipe import Recipe

pytestmark = pytest.mark.ray

GPUS = """
import ray, hpo
from hpo.engine.idle_services import without_idle_services
with without_idle_services():
    ray.init(address="local", num_cpus=4, num_gpus=2, include_dashboard=False, log_to_driver=False)
for preload in ("auto", "off"):
    hpo.run({
        "method": "grid", "command": ["python", "train.py"], "parameters": {"x": {"values": list(range(8))}},
        "hpo": {"resources": {"cpu": 1, "gpu": 0.5}, "preload": preload, "tensorboard": False},
    }, out=preload)
"""


TRAIN = """
import os, time
time.sleep(0.5)
print(os.environ["CUDA_VISIBLE_DEVICES"], os.environ["OMP_NUM_THREADS"])
"""


def test_trials_share_gpus_as_ray_assigns_them(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    subprocess.run([sys.executable, "-c", GPUS], cwd=tmp_path, check=True, timeout=120, capture_output=True)
    for preload in ("auto", "off"):
        seen = [log.read_text().split() for log in tmp_path.glob(f"{preload}/trials/*/log.txt")]
        assert len(seen) == 8
        assert {gpu for gpu, _ in seen} == {"0", "1"}
        assert {threads for _, threads in seen} == {"1"}


@pytest.mark.parametrize(("cpus", "threads"), [(4, "4"), (2.5, "2"), (0.25, "1")])
def test_threads_follow_the_cores(cpus: float, threads: str) -> None:
    env = Recipe("/run", "/", {"PATH": "/bin"}, cpus=cpus).build(1, 1, {}).env
    assert {env[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")} == {threads}


def test_the_users_own_number_of_threads_is_left_alone() -> None:
    env = Recipe("/run", "/", {"PATH": "/bin", "OMP_NUM_THREADS": "7"}, cpus=2).build(1, 1, {}).env
    assert (env["OMP_NUM_THREADS"], env["MKL_NUM_THREADS"]) == ("7", "2")


@pytest.mark.parametrize(
    ("demand", "room"),
    [
        ({"cpu": 2, "gpu": 0}, 3),  # one of three cores stays free on each node
        ({"cpu": 0.5, "gpu": 0.4}, 8),  # a share is of one GPU
        ({"cpu": 1, "gpu": 2}, 2),
        ({"cpu": 0.5, "gpu": 0}, 18),
    ],
)
def test_trials_fit_on_single_nodes_and_not_on_their_sum(demand: dict[str, Any], room: int) -> None:
    from hpo.engine.cluster import Cluster, Node

    cluster = Cluster("here", (Node(3, 2, 0), Node(3, 2, 0), Node(3, 0, 0)))
    assert cluster.room(Resources(**demand)) == room
