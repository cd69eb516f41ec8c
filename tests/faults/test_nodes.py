"""A sick node among sound ones, on a real Ray of several nodes: it is named, and costs no trial."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from hpo.engine.ongoing import ALIKE
from hpo.record.trials import load_run
from tests.command import hpo
from tests.engine.left_behind import events, rows

pytestmark = pytest.mark.ray
ROOT = Path(__file__).parents[2]
SCRIPT = """
import os, sys, time
from pathlib import Path
import hpo

def node():
    pid = os.getpid()
    while True:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        for pair in Path(f"/proc/{pid}/environ").read_bytes().split(b"\\0"):
            if pair.startswith(b"HPO_TEST_NODE="):
                return pair.partition(b"=")[2].decode()

where = node()
if where.startswith("sick"):
    sys.exit("the GPU has fallen off the bus")
Path(f"at-{where}").touch()
for _ in range(1000):  # both sound nodes get trials
    if len(list(Path().glob("at-*"))) == 2:
        break
    time.sleep(0.1)
time.sleep(0.1)
hpo.report({"loss": hpo.config()["x"], "node": where})
"""
SWEEP = {
    "program": "train.py",
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": {"x": {"min": 0.1, "max": 1.0}},
    "run_cap": 48,
    # a warm parent would serve all nodes of a machine
    "hpo": {"preload": "off", "tensorboard": False, "report": False},
}


def run_on(nodes: list[str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "train.py").write_text(SCRIPT)
    (folder / "sweep.yaml").write_text(json.dumps(SWEEP))
    argv = [sys.executable, "-m", "tests.faults.nodes", ",".join(nodes), *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_a_sick_node_is_set_aside_and_all_trials_end_well(tmp_path: Path) -> None:
    names = ["sick", "well-late-1", "well-late-2"]  # trials fail before anyone could know better
    ran = run_on(names, tmp_path, "run", "sweep.yaml", "--out", "run")
    assert ran.returncode == 0, ran.stderr
    record = load_run(tmp_path / "run")
    assert Counter(trial.state for trial in record.trials) == {"finished": 48}
    assert {rows(tmp_path / "run", trial.number)[-1]["node"] for trial in record.trials} == {*names} - {
        "sick"
    }
    (node,) = record.set_aside
    said = (
        f"trials in a row failed there (exit code 1: the GPU has fallen off the bus) while {node.elsewhere}"
    )
    assert ran.stderr.count(f"node {node.node} is set aside: {node.failed} {said} succeeded elsewhere") == 1
    assert f"node {node.node} was set aside: {node.failed} {said}" in ran.stdout
    assert f"{node.failed} {said}" in " ".join(hpo("status", "run", cwd=tmp_path).stdout.split())
    assert json.loads(hpo("status", "run", "--json", cwd=tmp_path).stdout)["set_aside"] == [vars(node)]
    again = {event["trial"] for event in events(tmp_path / "run", "requeue")}
    assert again >= set(events(tmp_path / "run", "aside")[0]["trials"])
    assert {trial.number for trial in record.trials if trial.attempts > 1} == again


def test_where_all_nodes_are_sick_the_run_ends_early(tmp_path: Path) -> None:
    ran = run_on(["sick-1", "sick-2"], tmp_path, "run", "sweep.yaml", "--out", "run")
    assert ran.returncode == 1
    assert "trials failed alike: exit code 1: the GPU has fallen off the bus" in ran.stderr
    assert ALIKE <= len(load_run(tmp_path / "run").trials) < 20
