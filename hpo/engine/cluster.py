"""An address or none → a connected Ray, and how many trials fit on it at once."""

from __future__ import annotations

import logging
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import ray

from hpo.engine import embedded
from hpo.engine.idle_services import children, without_idle_services
from hpo.errors import UserError
from hpo.sweepfile.model import Resources

OBJECT_STORE = 2**27
"""Bytes of shared memory for an embedded Ray: only small messages pass; its own default takes 30 % of all."""

COMING_UP = 60.0
"""Seconds for the first node of a cluster whose head listens."""
RETRY = 1.0
"""Seconds between two tries to connect to it."""
SETTLING = 0.8
"""Seconds that Ray's processes need two cores for once the last is started. Ray looks for them 0.1 and 1.1
seconds after that, and so on: whoever slows them down a little pays with a whole second."""


@dataclass(frozen=True)
class Node:
    """What one node of a cluster has in all; memory in bytes."""

    cpus: float
    gpus: float
    memory: float


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster: where it is, and its nodes as they were when it was looked at."""

    address: str
    nodes: tuple[Node, ...]

    @classmethod
    def seen(cls, address: str) -> Cluster:
        """The cluster that this process is connected to, as it is now."""
        alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        nodes = (Node(*(has.get(name, 0.0) for name in ("CPU", "GPU", "memory"))) for has in alive)
        return cls(address, tuple(nodes))

    @property
    def cpus(self) -> float:
        """Of all nodes."""
        return sum(node.cpus for node in self.nodes)

    @property
    def gpus(self) -> float:
        """Of all nodes."""
        return sum(node.gpus for node in self.nodes)

    def demand(self, resources: Resources) -> dict[str, float]:
        """What one trial takes; a trial gets one GPU unless told otherwise, where there are GPUs."""
        gpu = resources.gpu if resources.gpu is not None else min(1.0, self.gpus)
        return {"cpu": float(resources.cpu), "gpu": float(gpu), "memory": float(resources.memory or 0)}

    def room(self, resources: Resources) -> int:
        """How many trials fit at once; raises UserError if not one does."""
        demand = self.demand(resources)
        room = sum(min(_MOST, _fit(demand, node)) for node in self.nodes)
        if room < 1:
            has = f"{self.cpus:g} CPUs and {self.gpus:g} GPUs"
            needs = f"cpu {demand['cpu']:g} and gpu {demand['gpu']:g}"
            raise UserError(f"no trial fits: it needs {needs}, there are {has}; lower hpo.resources")
        return int(min(room, _MOST))


_MOST = 100_000


def _fit(demand: dict[str, float], node: Node) -> float:
    """How many trials fit on a node; shares of a GPU are of one GPU each."""
    gpu, gpus = demand["gpu"], node.gpus
    by_gpu = _times(1.0, gpu) * gpus if 0 < gpu < 1 else _times(gpus, gpu)
    return min(_times(node.cpus, demand["cpu"]), by_gpu)


def _times(total: float, each: float) -> float:
    return math.floor(total / each + 1e-9) if each > 0 else math.inf


@contextmanager
def connected(address: str | None) -> Iterator[Cluster]:
    """Connect to the cluster at `address`, or start one on this machine that ends with this process.

    Always explicit: a bare `ray.init()` joins whatever cluster it finds. Raises UserError if none answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if ray.is_initialized():
        yield Cluster.seen(address or "local")
        return
    with nullcontext() if address else embedded.secret():
        try:
            _start(address)
            yield Cluster.seen(address or "local")
        finally:
            _end(address)


def _start(address: str | None) -> None:
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False, "namespace": "hpo"}
    if address and not _listens(address):  # Ray would try for minutes
        head = "the address that `ray start --head` prints, such as 10.0.0.5:6379"
        raise UserError(f"nothing listens at {address}; a cluster is reached at {head}")
    place = None if address else embedded.directory()
    try:
        if address:
            _join(address, quiet)
            return
        with _unbroken("starting"), without_idle_services():
            _start_here({**quiet, "_temp_dir": place})
    except Exception as error:  # Ray raises plain ones too, where its processes are too slow to start
        line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        token = "; `ray start` asks for a token by default: export RAY_AUTH_MODE=token" if address else ""
        raise UserError(f"Ray at {address or 'this machine'} does not answer: {line}{token}") from error


def _join(address: str, settings: dict[str, Any]) -> None:
    """Connect to a cluster; one whose head listens already may have no node yet, which is said once."""
    end, said = time.monotonic() + COMING_UP, False
    while True:
        try:
            ray.init(address=address, job_config=embedded.Job(), **settings)
            return
        except ConnectionError:
            if time.monotonic() > end:
                raise
        if not said:
            text = f"Ray at {address} listens but takes no driver yet: trying for {COMING_UP:g} s"
            print(text, file=sys.stderr)
            said = True
        ray.shutdown()
        time.sleep(RETRY)


def _listens(address: str) -> bool:
    """Whether something accepts connections at `host:port`; True for an address of another form."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()) or "://" in address:
        return True
    local = [ray.util.get_node_ip_address()] if host in ("localhost", "127.0.0.1") else []  # Ray goes there
    for one in (host.strip("[]"), *local):
        with suppress(OSError):
            socket.create_connection((one, int(port)), timeout=5).close()
            return True
    return False


def _start_here(settings: dict[str, Any]) -> None:
    """Start Ray on this machine, again where that is so busy that Ray gives up: its 30 s are fixed."""
    for last in (False, False, True):
        try:
            ray.init(
                address="local",
                include_dashboard=False,
                num_cpus=usable_cpus(),
                object_store_memory=OBJECT_STORE,
                job_config=embedded.Job(),
                **settings,
            )
            return
        except Exception as error:
            if last or "timed out during startup" not in str(error):
                raise
        print("Ray has not come up within 30 s, this machine is busy: once more", file=sys.stderr)


def _end(address: str | None) -> None:
    with _unbroken("ending"):
        ray.shutdown()


def await_processes(limit: float) -> None:
    """Return once Ray's processes here should have come up; after `limit` seconds in any case."""
    started, end = False, time.monotonic() + limit
    with suppress(OSError):  # no /proc
        while not ray.is_initialized() and time.monotonic() < end:
            if not started and any(b"/raylet/raylet" in command for _, command in children()):
                started, end = True, time.monotonic() + SETTLING
            time.sleep(0.02)


@contextmanager
def _unbroken(doing: str) -> Iterator[None]:
    """Hold Ctrl-C back to the end of the block: half a Ray leaves processes behind."""
    held: list[int] = []

    def hold(number: int, frame: Any) -> None:
        if not held:
            print(f"Ray is still {doing}; the run ends as soon as that is over", file=sys.stderr)
        held.append(number)

    try:
        previous = signal.signal(signal.SIGINT, hold)
    except ValueError:  # not the main thread: no signal comes here
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if held:
        raise KeyboardInterrupt


def usable_cpus() -> int:
    """Cores that this process may use: an affinity mask (Slurm, taskset) counts, Ray alone overlooks it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
