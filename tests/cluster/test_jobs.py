"""Jobs on all nodes of a real Slurm, one beside another."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial

import pytest

from tests.cluster.lab import (
    BRIEF,
    ROOT,
    THREE,
    Job,
    Lab,
    assert_whole,
    goes_on,
    has_begun_on,
    held,
    hold,
    release,
    sweep_in,
    tidy,
)

WAITS = """def main():
    import os, time
    while os.path.exists({!r}):
        time.sleep(0.1)
"""
NAMED = {"HPO_INTERFACE": "eth1", "HPO_TMPDIR": "/run/t", "HPO_START_TIMEOUT": "60"}


@pytest.fixture(scope="module")
def named(cluster: Lab) -> Iterator[Job]:
    """A job in the second network, which its third node lacks; the job reports that after a minute."""
    with tidy(cluster):
        for node in cluster.nodes:
            cluster.node("exec", node, "mkdir", "-pm", "1777", "/run/t")
        folder = sweep_in(cluster, "named")
        hold(folder)
        cluster.node("exec", "node3", "ip", "link", "set", "eth1", "down")
        try:
            job = cluster.submit(folder, *BRIEF, "--count", "16", sbatch=THREE, user=0, **NAMED)
            job.until(partial(has_begun_on, job, {"node1", "node2"}))
            yield job
        finally:
            cluster.node("exec", "node3", "ip", "link", "set", "eth1", "up")
            cluster.node("exec", "node2", "rm", "-f", "/run/fill")


@pytest.mark.torch
def test_the_example_runs_on_all_nodes(named: Job) -> None:
    lab = named.lab
    folder = lab.work("digits")
    shutil.copytree(ROOT / "configs", folder / "configs", dirs_exist_ok=True)
    script = folder / "configs" / "digits" / "train.py"
    text = script.read_text()
    assert "def main():\n" in text
    script.write_text(text.replace("def main():\n", WAITS.format(str(folder / "hold"))))
    words = ("configs/digits/asha.yaml", "--count", "4", "--set", "parameters.epochs.value=3")
    both = {"node2", "node3"}
    with held(folder):
        job = lab.submit(
            folder, *words, sbatch=("--nodelist=node2,node3", "--gpus-per-node=1", "--cpus-per-task=1")
        )
        job.until(partial(has_begun_on, job, both))
    assert job.ended(600) == "COMPLETED", job.output
    assert_whole(job, 4)
    for node in both:
        assert job.output.count(f"{node} has joined") == 1
    assert not (job.run / "slurm").exists()


def test_network_and_temporary_directory_can_be_named_and_a_node_may_lack_either(named: Job) -> None:
    lab = named.lab
    lab.node("exec", "node2", "sh", "-c", "cat /dev/zero >/run/fill; true")
    goes_on(named, "node2")
    named.until(lambda: "node3 has not joined within 60 s; the sweep goes on" in named.output)
    release(named.cwd)
    assert named.ended() == "COMPLETED", named.output
    assert_whole(named, 16)
    assert named.nodes() == {"node1", "node2"}
    assert "node2 has joined" in named.output
    assert f"({lab.nets[1]}.2, " in named.output
    assert f"cannot reach the head at {lab.nets[1]}.1:" in named.output
    assert f"from eth0 {lab.nets[0]}.3, eth1 {lab.nets[1]}.3" in named.output
    for node in lab.nodes:
        assert lab.node("exec", node, "ls", "/run/t") == ""
