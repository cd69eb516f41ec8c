"""Runs made by rule, journal and metrics files as the real thing leaves them, without any trial being run.

`asha_run` trains a known function: `lr` (best at 0.01), `width` and `optimizer` matter, `noise_a` and
`noise_b` do not. `pbt_run` is a population that takes over the best one's state and moves its `lr`.
"""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

from hpo.record.journal import Journal
from hpo.trial.rows import RESUME_ITERATION

BEGAN = 1_790_000_000.0
RUNGS, ETA = (1, 3, 9, 27), 3
PARAMETERS: dict[str, Any] = {
    "lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0},
    "width": {"distribution": "int_uniform", "min": 8, "max": 256},
    "optimizer": {"values": ["adam", "sgd", None]},
    "layers": {"values": [[32], [32, 32], [64, 32]]},
    "noise_a": {"distribution": "uniform", "min": 0.0, "max": 1.0},
    "model": {"parameters": {"noise_b": {"distribution": "uniform", "min": -1.0, "max": 1.0}}},
    "epochs": {"value": 27},
}
ERRORS = ("exit code 1: ValueError: nan in the gradient", "exit code 1: KeyError: 'lr'", "out of memory")


class Made:
    """Collects the events of a run and writes the metrics of its trials."""

    def __init__(self, folder: Path, sweep: dict[str, Any], count: int, slots: int) -> None:
        self.folder, self.events = folder, list[dict[str, Any]]()
        self.say(
            0.0, event="run", version="0", sweep=sweep, seed=1, count=count, metric={**sweep["metric"]},
            method=sweep["method"], cwd="/home/someone/project", argv=["hpo", "run", "sweep.yaml"],
            engine="hpo", function=False, host="node1", slots=slots,
        )  # fmt: skip

    def say(self, at: float, **event: Any) -> None:
        self.events.append({"time": BEGAN + at, **event})

    def rows(self, number: int, rows: list[dict[str, Any]]) -> None:
        directory = self.folder / "trials" / f"{number:04d}"
        directory.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (directory / "metrics.jsonl").write_text(text)

    def over(self, at: float, number: int, values: list[float], *, begin: float = 0.0, **more: Any) -> None:
        """The end of a trial that logged these values."""
        usual = {"attempt": 1, "reason": "", "kind": "", "exit_code": 0, "signal": None, "rows": len(values)}
        best, last = min(values, default=None), values[-1] if values else None
        self.say(
            at, event="end", trial=number, value=best, last=last, iterations=len(values),
            began=BEGAN + begin, seconds=at - begin, **{**usual, **more},
        )  # fmt: skip

    def write(self) -> Path:
        """The journal, in the order of time."""
        journal = Journal.create(self.folder)
        for event in sorted(self.events, key=lambda one: one["time"]):
            journal.append(event)
        journal.close()
        return self.folder


def sampled(rng: random.Random) -> dict[str, Any]:
    return {
        "lr": 10 ** rng.uniform(-4, 0),
        "width": rng.randint(8, 256),
        "optimizer": rng.choice(["adam", "sgd", None]),
        "layers": rng.choice([[32], [32, 32], [64, 32]]),
        "noise_a": rng.random(),
        "model": {"noise_b": rng.uniform(-1, 1)},
        "epochs": 27,
    }


def loss(config: dict[str, Any], iteration: int, rng: random.Random) -> float:
    """What it comes to is there at the first iteration already; training takes the same off for all."""
    far: float = (math.log10(config["lr"]) + 2) ** 2 + 2 * (1 - config["width"] / 256)
    return far + (0.5 if config.get("optimizer") == "sgd" else 0.0) + 3 / iteration + rng.gauss(0, 0.02)


def asha_run(
    folder: Path, trials: int = 1000, *, slots: int = 8, failing: float = 0.02, done: bool = True
) -> Path:
    """ASHA with rungs at 1, 3, 9, 27: a trial goes on if it is in the best third of its rung so far.

    Where it is not `done` the last trials still run and their last row may be torn.
    """
    rng = random.Random(trials)
    rule = {"type": "asha", "min_iter": 1, "max_iter": 27, "eta": ETA}
    metric = {"name": "loss", "goal": "minimize"}
    sweep = {"name": "made", "program": "train.py", "method": "random", "metric": metric,
             "early_terminate": rule, "parameters": PARAMETERS}  # fmt: skip
    made = Made(folder, sweep, trials, slots)
    free, seen = [0.0] * slots, {rung: list[float]() for rung in RUNGS}
    for number in range(1, trials + 1):
        slot = min(range(slots), key=free.__getitem__)
        begin, config = free[slot], sampled(rng)
        made.say(begin, event="trial", trial=number, config=config)
        made.say(
            begin, event="start", trial=number, attempt=1, slot=slot, node=f"node{slot % 2 + 1}", iteration=0
        )
        ending = "running" if not done and number > trials - slots else ""
        free[slot] = _train(made, number, begin, config, seen, rng, ending, failing)
    if done:
        made.say(max(free) + 1, event="done", state="complete", reason="")
    return made.write()


def _train(
    made: Made, number: int, begin: float, config: dict[str, Any], seen: dict[int, list[float]],
    rng: random.Random, state: str, failing: float,
) -> float:  # fmt: skip
    fails = rng.random() < failing
    values, rows, at, error = list[float](), list[dict[str, Any]](), begin, ""
    for iteration in range(1, RUNGS[-1] + 1):
        at += 1 + rng.random() / 10
        if fails and rng.random() < 0.3:
            error = rng.choice(ERRORS)
            break
        values.append(loss(config, iteration, rng))
        row = {"_step": iteration - 1, "_time": BEGAN + at, "loss": values[-1]}
        rows.append({**row, "train": {"acc": 1 - 1 / iteration}})
        if state == "running" and iteration == 2:
            break
        if iteration in seen:
            made.say(
                at, event="result", trial=number, iteration=iteration, value=values[-1], best=min(values)
            )
            seen[iteration].append(values[-1])
            better = sum(one < values[-1] for one in seen[iteration])
            if iteration < RUNGS[-1] and better > len(seen[iteration]) / ETA:
                break
    made.rows(number, rows)
    if state != "running":
        whole = len(values) == RUNGS[-1]
        state = "failed" if error else "finished" if whole else "stopped"
        kind = "" if not error else "oom" if "memory" in error else "exit"
        made.over(at, number, values, begin=begin, state=state, reason=error, kind=kind,
                  exit_code=1 if error else 0, logged=["loss", "train.acc"])  # fmt: skip
    return at + 0.1


def pbt_run(folder: Path, population: int = 6, *, intervals: int = 5, interval: int = 4) -> Path:
    """Each interval the worst takes over the best one's checkpoint and a moved `lr`."""
    rng = random.Random(population)
    rule = {"type": "pbt", "interval": interval, "mutate": ["lr"]}
    metric = {"name": "loss", "goal": "minimize"}
    parameters = {name: PARAMETERS[name] for name in ("lr", "width")}
    sweep = {"name": "made", "program": "train.py", "method": "random", "metric": metric,
             "early_terminate": rule, "parameters": parameters}  # fmt: skip
    made = Made(folder, sweep, population, population)
    configs = [{"lr": 10 ** rng.uniform(-4, 0), "width": rng.randint(8, 256)} for _ in range(population)]
    rows = [list[dict[str, Any]]() for _ in configs]
    last, resumed = [0.0] * population, [dict[str, int]() for _ in configs]
    for k, config in enumerate(configs):
        made.say(0.0, event="trial", trial=k + 1, config=config)
        made.say(0.1, event="start", trial=k + 1, attempt=1, slot=k, node="node1", iteration=0)
    for turn in range(intervals):
        at = turn * (interval + 1.0)
        for k, config in enumerate(configs):
            for i in range(1, interval + 1):
                iteration = turn * interval + i
                last[k] = loss(config, iteration, rng)
                stamp = {"_step": iteration - 1, "_time": BEGAN + at + i}
                rows[k].append({**stamp, **resumed[k], "loss": last[k]})
            made.say(at + interval, event="result", trial=k + 1, iteration=iteration, value=last[k],
                     best=min(row["loss"] for row in rows[k]))  # fmt: skip
        if turn < intervals - 1:
            worst, best = last.index(max(last)), last.index(min(last))
            configs[worst] = {**configs[best], "lr": configs[best]["lr"] * rng.choice([0.8, 1.2])}
            resumed[worst] = {RESUME_ITERATION: (end := (turn + 1) * interval)}
            made.say(at + interval + 0.5, event="pause", trial=worst + 1, seconds=interval)
            made.say(at + interval + 0.6, event="exploit", trial=worst + 1, iteration=end, donor=best + 1,
                     donor_iteration=end, config=configs[worst])  # fmt: skip
            again = {"trial": worst + 1, "attempt": 1, "slot": worst, "node": "node1", "iteration": end}
            made.say(at + interval + 0.7, event="start", **again)
    over = intervals * (interval + 1.0)
    for k in range(population):
        made.rows(k + 1, rows[k])
        made.over(over, k + 1, [row["loss"] for row in rows[k]], state="finished", logged=["loss"])
    made.say(over + 1, event="done", state="complete", reason="")
    return made.write()
