"""A real Slurm on this machine (up.sh), and jobs on it."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OVER = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL"}
NOBODY = 65534
NODE = ("--cpus-per-task=1", "--gpus-per-node=1", "--time=30")
TWO = ("--nodes=2", "--nodelist=node1,node2", *NODE)
THREE = ("--nodes=3", *NODE)
BRIEF = ("sweep.yaml", "--set", "parameters.seconds.value=1")


def until(true: Callable[[], Any], seconds: float, what: str, pause: float = 0.1) -> Any:
    """What `true` returns once that is true; fails after a time that is long for it."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(pause)
    return found


@dataclass(frozen=True)
class Lab:
    folder: Path
    nodes: Sequence[str]

    @property
    def nets(self) -> list[str]:
        """The first three numbers of addresses in both networks."""
        return re.findall(r"^NET2?=(.*)$", (self.folder / "run" / "vars").read_text(), re.MULTILINE)

    @property
    def scripts(self) -> Path:
        """As an installed package has them: in some folder."""
        return self.folder / "scripts"

    def call(self, *command: str | Path, user: int = 0, cwd: Path | None = None, **variables: str) -> str:
        """What a command of Slurm's or of the lab's prints."""
        env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin",
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.folder / "home" / str(user)),
            "LAB": str(self.folder),
            "SLURM_CONF": str(self.folder / "etc" / "slurm.conf"),
        }
        before = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        done = subprocess.run(
            [*before, *map(str, command)],
            env=env | variables,
            cwd=cwd or self.folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def node(self, what: str, name: str, *command: str) -> str:
        return self.call(HERE / "node.sh", what, name, *command)

    def work(self, name: str, user: int = 0) -> Path:
        """A folder on storage that all nodes see."""
        for folder in (self.folder / "work" / name, self.folder / "home" / str(user)):
            folder.mkdir(parents=True, exist_ok=True)
            os.chown(folder, user, user)
        return self.folder / "work" / name

    def submit(
        self, cwd: Path, *words: str, sbatch: Sequence[str] = (), user: int = 0, **variables: str
    ) -> Job:
        told = self.call(
            "sbatch",
            "--parsable",
            *sbatch,
            self.scripts / "submit.sh",
            *words,
            user=user,
            cwd=cwd,
            **variables,
        )
        return Job(self, told.strip(), cwd)

    def repair(self) -> None:
        """Undo what was done to nodes."""
        for name in self.nodes:
            if not (self.folder / "nodes" / name / "pid").exists():
                self.node("boot", name)
            self.node("heal", name)

    def ready(self) -> bool:
        """Whether all nodes are up and without a job."""
        states = self.call("sinfo", "-h", "-N", "-p", "main", "-o", "%T").split()
        return states == ["idle"] * len(self.nodes) and not self.call("squeue", "-h")

    def restart_controller(self) -> None:
        """kill -9 slurmctld, and start it again where it was."""
        pid = int((self.folder / "run" / "slurmctld.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{pid}").exists(), 60, "slurmctld is dead")
        self.call("slurmctld", "-f", self.folder / "etc" / "slurm.conf")

    def left(self, seconds: float = 60) -> str:
        """What jobs have left behind on nodes, once there has been time to tidy up."""
        end = time.monotonic() + seconds
        while (left := self.call(HERE / "left.sh")) and time.monotonic() < end:
            time.sleep(0.5)
        return left


@dataclass(frozen=True)
class Job:
    lab: Lab
    number: str
    cwd: Path
    out: Path | None = None
    """The run directory, where it was named."""

    def about(self) -> Mapping[str, str]:
        told = self.lab.call("scontrol", "show", "job", self.number)
        return dict(re.findall(r"(?:^|\s)(\w+)=(\S*)", told))

    @property
    def restarts(self) -> int:
        """How often Slurm has requeued it."""
        return int(self.about()["Restarts"])

    @property
    def output(self) -> str:
        """What the job's script has said, where `sbatch` or `hpo submit` have put it."""
        files = (self.cwd / f"slurm-{self.number}.out", self.run / f"slurm-{self.number}.log")
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    @property
    def run(self) -> Path:
        """The run directory; where none was named the job has done so."""
        return self.out or next(self.cwd.glob(f"runs/*-{self.number}"), self.cwd / "none")

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        try:
            lines = (self.run / "journal.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        found = [json.loads(line) for line in lines if line.endswith("}")]
        return [event for event in found if kind in ("", event["event"])]

    def nodes(self) -> set[str]:
        """Where trials have begun."""
        return {event["node"] for event in self.events("start")}

    def until(self, true: Callable[[], Any], seconds: float = 300) -> Any:
        """Wait for something of a job that runs on; Slurm is asked once a second."""
        looks = itertools.count(1)

        def look() -> Any:
            found = true()
            if not found and next(looks) % 10 == 0 and self.about()["JobState"] in OVER:
                found = true()
                assert found, self.output
            return found

        try:
            return until(look, seconds, str(true))
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output}") from error

    def ended(self, seconds: float = 300) -> str:
        """How it ended."""
        state = until(lambda: (s := self.about()["JobState"]) in OVER and s, seconds, self.number, pause=0.3)
        return str(state)

    def requeued(self, times: int) -> None:
        """Wait until Slurm has requeued it so often."""
        until(lambda: self.restarts >= times, 300, f"{self.number} is requeued {times} times", pause=0.3)
        assert self.restarts == times

    def cancel(self) -> None:
        self.lab.call("scancel", self.number)


def sweep_in(lab: Lab, name: str, user: int = 0) -> Path:
    """A folder with a sweep in it, where a job is submitted."""
    folder = lab.work(name, user)
    for file in ("trial.py", "sweep.yaml"):
        shutil.copy(HERE / file, folder)
    return folder


def begun(
    lab: Lab, name: str, *words: str, count: int = 12, sbatch: Sequence[str] = TWO, **variables: str
) -> Job:
    """A job that has finished some trials on each of its nodes; others run there, and are held."""
    folder = sweep_in(lab, name)
    hold(folder)
    job = lab.submit(folder, *BRIEF, "--count", str(count), *words, sbatch=sbatch, user=0, **variables)
    nodes = until(lambda: allotted(job), 60, f"{job.number} gets its nodes")
    goes_on(job, *nodes)
    return job


def allotted(job: Job) -> list[str]:
    """The nodes that Slurm has given to a job."""
    nodes = job.about()["NodeList"]
    return [] if nodes == "(null)" else job.lab.call("scontrol", "show", "hostnames", nodes).split()


def has_begun_on(job: Job, nodes: set[str]) -> bool:
    return job.nodes() == nodes


def hold(folder: Path) -> None:
    """Keep the trials of the sweep in `folder` running until they are released."""
    (folder / "hold").touch()


def release(folder: Path) -> None:
    """Let the trials of the sweep in `folder` end."""
    (folder / "hold").unlink(missing_ok=True)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """No trial of the sweep there ends within the block: each slot gets some, however late it comes up."""
    hold(folder)
    try:
        yield
    finally:
        release(folder)


def goes_on(job: Job, *nodes: str) -> None:
    """Wait until each of these nodes has ended a trial and begun another one; then all are held again."""
    for node in nodes:
        let, seen = job.cwd / f"go-{node}", len(job.events())
        let.touch()
        try:
            job.until(partial(has_gone_on, job, node, seen))
        finally:
            let.unlink()


def has_gone_on(job: Job, node: str, seen: int) -> bool:
    """Whether a node has ended a trial and begun another one, by the events behind those that were `seen`."""
    where: dict[int, str] = {}
    found = set()
    for number, event in enumerate(job.events()):
        if event["event"] == "start":
            where[event["trial"]] = event["node"]
        if number >= seen and event["event"] in ("start", "end") and where.get(event["trial"]) == node:
            found.add(event["event"])
    return found == {"start", "end"}


@contextmanager
def slowed(lab: Lab, script: str, line: str) -> Iterator[None]:
    """One of the scripts does something else first; those that run already are not touched."""
    path, new = lab.scripts / script, lab.scripts / f"{script}.new"
    text = path.read_text()
    assert "set -u\n" in text

    def write(what: str) -> None:
        new.write_text(what)
        new.replace(path)

    write(text.replace("set -u\n", f"set -u\n{line}\n", 1))
    try:
        yield
    finally:
        write(text)


def trials_of(job: Job) -> list[dict[str, Any]]:
    """What each process of each trial has said of itself."""
    return [one for trial in sorted(job.run.glob("trials/*")) for one in processes_of(trial)]


def processes_of(trial: Path) -> list[dict[str, Any]]:
    """What each process of one trial has said of itself, attempt after attempt."""
    logs = sorted(trial.glob("log*.txt"), key=lambda log: (len(log.name), log.name))
    lines = [line for log in logs for line in log.read_text().splitlines()]
    return [json.loads(line) for line in lines if line.startswith("{")]


def by_node(trials: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for one in trials:
        found[one["node"]].append(one)
    return found


def at_once(trials: list[dict[str, Any]], gpu: str) -> int:
    """The most trials that were on one GPU of a node at a time."""
    mine = [one for one in trials if one["gpus"] == gpu]
    return max((sum(a["began"] <= b["began"] < a["ended"] for a in mine) for b in mine), default=0)


def assert_whole(job: Job, count: int) -> None:
    """No finished trial was lost or run again, and there are as many as were asked for."""
    begun = [event["trial"] for event in job.events("trial")]
    assert begun == list(range(1, count + 1)), job.output
    ended: set[int] = set()
    for event in job.events():
        if event["event"] == "start":
            assert event["trial"] not in ended, f"trial {event['trial']} was run again"
        if event["event"] == "end" and event["state"] in ("finished", "stopped"):
            assert event["trial"] not in ended, f"trial {event['trial']} ended twice"
            ended.add(event["trial"])
    assert ended == set(begun), job.output


def assert_completes(job: Job, count: int, seconds: float = 600) -> None:
    release(job.cwd)
    assert job.ended(seconds) == "COMPLETED", job.output
    assert_whole(job, count)


def hidden(path: str) -> bool:
    """Whether a node does not see it, or another user may not."""
    above = [Path(path), *Path(path).parents]
    return path.startswith("/tmp/") or any(not folder.stat().st_mode & 1 for folder in above)


@contextmanager
def up(nodes: int = 3) -> Iterator[Lab]:
    """A cluster, for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="hpo-lab-", dir="/var/tmp"))
    share = [path for path in {str(ROOT), sys.prefix, sys.base_prefix} if hidden(path)]
    env = {**os.environ, "LAB": str(folder), "NODES": str(nodes), "SHARE": " ".join(share)}
    try:
        done = subprocess.run([HERE / "up.sh"], env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        shutil.copytree(ROOT / "slurm", folder / "scripts")
        yield Lab(folder, [f"node{i + 1}" for i in range(nodes)])
    finally:
        subprocess.run([HERE / "down.sh"], env=env, check=True, timeout=120)


@contextmanager
def tidy(lab: Lab) -> Iterator[None]:
    """All nodes are up and idle again behind the block, and nothing of its jobs is left on them."""
    try:
        yield
    finally:
        for job in lab.call("squeue", "-h", "-o", "%A").split():
            lab.call("scancel", job)
        lab.repair()
        until(lab.ready, 300, lab.call("sinfo", "-N", "-l"), pause=0.3)
    assert lab.left() == ""
