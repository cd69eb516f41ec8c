"""How long a job on three nodes takes to its first trials, beside the usual scripts that sleep: a table.

python -m tests.cluster.startup [REPEATS]
"""

from __future__ import annotations

import statistics
import sys
import time

from tests.cluster.lab import HERE, Job, Lab, sweep_in, trials_of, until, up

THREE = ("--nodes=3", "--ntasks-per-node=1", "--cpus-per-task=2", "--gpus-per-node=2", "--time=10")
TOLD = ("sweep.yaml", "--count", "36")


def ray_alone(lab: Lab) -> float:
    """Seconds that `ray start --head` takes on a node, by itself."""
    began = time.time()
    command = (
        "RAY_AUTH_MODE=disabled ray start --head --port=6379 --num-cpus=2 --num-gpus=2 --temp-dir=/tmp/r"
    )
    lab.node(
        "exec", "node1", "sh", "-c", f"{command} --include-dashboard=false --object-store-memory=200000000"
    )
    took = time.time() - began
    for name in lab.nodes:
        clear(lab, name)
    return took


def clear(lab: Lab, node: str) -> None:
    """End and remove what plain Ray leaves behind on a node, whose processes alone are seen there."""
    lab.node("exec", node, "sh", "-c", "pkill -KILL -f '[/]ray/|[/]ray |[r]ay::|hpo[.]trial'; sleep 1")
    lab.node("exec", node, "sh", "-c", "rm -rf /tmp/r /tmp/ray /tmp/_ray* /tmp/hpo-*")


def figures(job: Job, submitted: float, lab: Lab) -> tuple[float, float, float]:
    """Seconds from sbatch to the first trial, to a trial on every node, and to the end of the job."""
    job.ended()
    ended = time.time()
    trials = trials_of(job)
    first = {node: min(one["began"] for one in trials if one["node"] == node) for node in lab.nodes}
    return min(first.values()) - submitted, max(first.values()) - submitted, ended - submitted


def ours(lab: Lab, name: str) -> tuple[float, float, float]:
    folder, submitted = sweep_in(lab, name), time.time()
    return figures(lab.submit(folder, *TOLD, sbatch=THREE), submitted, lab)


def sleeping(lab: Lab, name: str) -> tuple[float, float, float]:
    folder, submitted = sweep_in(lab, name), time.time()
    plain = {"RAY_AUTH_MODE": "disabled", "SLEEPING": str(HERE / "sleeping")}
    told = lab.call(
        "sbatch", "--parsable", *THREE, HERE / "sleeping" / "submit.sh", *TOLD, cwd=folder, user=0, **plain
    )
    found = figures(Job(lab, told.strip(), folder), submitted, lab)
    for node in lab.nodes:
        clear(lab, node)
    return found


def main(repeats: int) -> None:
    """Print the medians."""
    rows: dict[str, list[tuple[float, ...]]] = {
        "submit.sh": [],
        "scripts that sleep": [],
        "ray start alone": [],
    }
    with up() as lab:
        for turn in range(repeats):
            rows["ray start alone"].append((ray_alone(lab),))
            rows["submit.sh"].append(ours(lab, f"ours-{turn}"))
            until(lab.ready, 60, "the nodes are free")
            rows["scripts that sleep"].append(sleeping(lab, f"sleeping-{turn}"))
            until(lab.ready, 60, "the nodes are free")
    print(f"{'seconds from sbatch to':24}{'first trial':>14}{'all nodes':>14}{'end':>14}")
    for name, found in rows.items():
        medians = [statistics.median(column) for column in zip(*found, strict=True)]
        print(f"{name:24}" + "".join(f"{value:14.1f}" for value in medians))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
