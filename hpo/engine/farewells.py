"""Supervisors whose slot or driver has died → certainly gone, each seen on its own node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from hpo.trial.farewell import await_gone
from hpo.trial.presence import files, read


def farewell(place: str, paths: Sequence[str], trials: Sequence[str]) -> Any:
    """The reference of a task that ends once these are gone, and the trials in these directories.

    It runs on the node of that number in Ray, or elsewhere where that is none, or is no more.
    """
    own = ray.get_runtime_context().get_node_id()
    strategy = NodeAffinitySchedulingStrategy(place or own, soft=True)
    task = ray.remote(num_cpus=0, max_retries=0, scheduling_strategy=strategy)(_await_all_gone)
    return task.remote(paths, trials)


def former(run_dir: str, trials: Sequence[str]) -> list[Any]:
    """The tasks of `farewell` for all that an earlier driver of a run has left, one a machine."""
    nodes = {node["NodeManagerHostname"]: node["NodeID"] for node in ray.nodes() if node["Alive"]}
    hosts: dict[str, list[str]] = {}
    for path in files(run_dir):
        told = read(path)
        hosts.setdefault(told.process.host if told else "", []).append(path)
    return [farewell(nodes.get(host, ""), paths, trials) for host, paths in hosts.items()]


def _await_all_gone(paths: Sequence[str], trials: Sequence[str]) -> None:
    for path in paths:
        await_gone(path, trials)
