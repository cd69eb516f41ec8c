"""Trials of many processes: whose rows count, and what is said where nobody can tell."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpo.trial.launch import Supervisor
from hpo.trial.rows import RESUME_ITERATION
from hpo.trial.spec import Resume, TrialEnd, TrialSpec

Spec = Callable[..., TrialSpec]
Run = Callable[..., TrialEnd]
UntilEnd = Callable[[Supervisor], list[dict[str, Any]]]

SPAWNED = """
import multiprocessing, os, sys, time
def train(rank, ranks, calls):
    os.environ.update(variables(rank))
    import hpo
    os.write(1, f"{rank}: {hpo.config()} {hpo.get_checkpoint()}\\n".encode())
    for epoch in range(3):
        calls.wait(30)  # all live at once
        report(rank, epoch)
    calls.wait(30)
def variables(rank): return {"RANK": str(rank)}
def report(rank, epoch):
    import hpo
    hpo.report({"loss": 10.0 * rank + epoch, "mine": rank})
RANKS = 4
def main():
    context = multiprocessing.get_context("spawn")
    calls = context.Barrier(RANKS)
    processes = [context.Process(target=train, args=(rank, RANKS, calls)) for rank in range(RANKS)]
    for process in processes: process.start()
    for process in processes: process.join()
    sys.exit(max(process.exitcode for process in processes))
"""
MAIN = "\nif __name__ == '__main__': main()\n"
ADVICE = "set RANK in each"


def rows_in(spec: TrialSpec, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(spec.directory, name).read_text().splitlines()]


def log_of(spec: TrialSpec) -> str:
    return Path(spec.directory, "log.txt").read_text()


@pytest.fixture
def script(spec: Spec, tmp_path: Path) -> Callable[..., TrialSpec]:
    """A trial of a script in a file; `command` is what stands before the file."""

    def make(code: str, *command: str, **changes: Any) -> TrialSpec:
        path = tmp_path / "train.py"
        path.write_text(code)
        return spec(argv=[*(command or (sys.executable,)), str(path)], **changes)

    return make


def test_of_spawned_ranks_only_the_first_counts(
    shared: Supervisor, script: Spec, until_end: UntilEnd
) -> None:
    it = script(SPAWNED + MAIN, milestones=None)
    shared.start(it)
    *events, end = until_end(shared)
    assert (end["state"], end["iterations"], end["rows"]) == ("finished", 3, 3), log_of(it)
    assert (end["value"], end["last"]) == (0.0, 2.0)
    assert [(e["event"], e["value"]) for e in events] == [("result", 0.0), ("result", 1.0), ("result", 2.0)]
    assert [row["mine"] for row in rows_in(it, "metrics.jsonl")] == [0, 0, 0]
    for rank in (1, 2, 3):
        rows = rows_in(it, f"metrics.rank{rank}.jsonl")
        assert [(row["_step"], row["loss"]) for row in rows] == [(e, 10.0 * rank + e) for e in range(3)]
    assert ADVICE not in log_of(it)


def test_all_ranks_have_the_same_configuration_and_state(
    shared: Supervisor, script: Spec, run: Run, tmp_path: Path
) -> None:
    code = SPAWNED + (
        "import hpo\n"
        "def report(rank, epoch): hpo.report({'loss': epoch}, checkpoint={'epoch': epoch, 'of': rank})\n"
    )
    first = script(code + MAIN)
    assert run(shared, first).iterations == 3
    made = sorted(path.name for path in Path(first.directory, "checkpoints").iterdir())
    assert made == ["000001", "000002", "000003"]  # one an epoch, and not one a rank
    folder = str(Path(first.directory, "checkpoints", "000002"))
    again = replace(first, attempt=2, resume=Resume(folder, 2, 2))
    again.env["HPO_CHECKPOINT"] = folder
    end = run(shared, again)
    assert end.iterations == 2 + 3
    told = sorted(
        line
        for line in log_of(first).splitlines() + Path(first.directory, "log.2.txt").read_text().splitlines()
        if line[1:3] == ": "
    )
    state = {"epoch": 1, "of": 0}
    assert told == sorted(f"{rank}: {{'lr': 1e-05}} {s}" for rank in range(4) for s in (None, state))


def test_processes_without_ranks_all_count_and_that_is_said_once(
    supervisor: Supervisor, script: Spec, until_end: UntilEnd
) -> None:
    code = SPAWNED + (
        "def variables(rank): return {}\n"
        "def report(rank, epoch):\n"
        "    import hpo\n"
        "    hpo.report({'loss': epoch})\n"
        "    rows = os.environ['HPO_TRIAL_DIR'] + '/metrics.jsonl'\n"
        "    while open(rows).read().count('loss') < 4 * (epoch + 1):\n"
        "        time.sleep(0.02)  # all live until all were heard\n"
    )
    told = []
    for number in (1, 2):
        it = script(code + MAIN, number=number)
        supervisor.start(it)
        *events, end = until_end(supervisor)
        assert (end["state"], end["iterations"], end["rows"]) == ("finished", 12, 12), log_of(it)
        assert log_of(it).count(ADVICE) == 1
        assert not Path(it.directory, "metrics.rank1.jsonl").exists()
        told += [event["text"] for event in events if event["event"] == "note"]
    assert len(set(told)) == 1  # for the driver to say it once a run
    assert ADVICE in told[0]
    assert "'loss'" in told[0]


def test_folds_that_follow_each_other_are_nothing_to_speak_of(
    shared: Supervisor, script: Spec, until_end: UntilEnd
) -> None:
    it = script(
        "import multiprocessing, hpo\n"
        "def fold(n):\n    for i in range(50): hpo.report({'loss': n})\n"
        "if __name__ == '__main__':\n"
        "    for n in range(6):\n"
        "        child = multiprocessing.get_context('fork').Process(target=fold, args=(n,))\n"
        "        child.start(); child.join()\n"
        "    hpo.report({'loss': -1})\n"
    )
    shared.start(it)
    (end,) = until_end(shared)
    assert (end["iterations"], end["value"]) == (301, -1)
    assert log_of(it) == ""


def test_rows_without_the_objective_beside_each_other_are_nothing_to_speak_of(
    shared: Supervisor, script: Spec, until_end: UntilEnd
) -> None:
    code = SPAWNED + (
        "def variables(rank): return {}\n"
        "def report(rank, epoch):\n    import hpo\n    hpo.report({'speed': 1} if rank else {'loss': 1})\n"
    )
    it = script(code + MAIN)
    shared.start(it)
    (end,) = until_end(shared)
    assert (end["iterations"], end["rows"]) == (3, 12)
    assert ADVICE not in log_of(it)


def test_a_metric_that_only_another_rank_logs_is_named(shared: Supervisor, script: Spec, run: Run) -> None:
    code = SPAWNED + (
        "def report(rank, epoch):\n    import hpo\n    hpo.report({'loss' if rank == 3 else 'speed': 1})\n"
    )
    end = run(shared, script(code + MAIN))
    assert (end.state, end.kind) == ("failed", "no metric")
    assert end.reason == "'loss' was logged by rank 3, but only what rank 0 reports counts"


def test_the_rows_of_a_rank_belong_to_an_attempt_and_go_on(
    shared: Supervisor, script: Spec, run: Run
) -> None:
    code = SPAWNED.replace("RANKS = 4", "RANKS = 2")
    first = script(code + MAIN)
    run(shared, first)
    run(shared, replace(first, attempt=2))
    assert len(rows_in(first, "metrics.rank1.jsonl")) == 3
    assert len(rows_in(first, "metrics.rank1.2.jsonl")) == 3
    run(shared, replace(first, attempt=2, resume=Resume("", 2, 2)))
    rows = rows_in(first, "metrics.rank1.2.jsonl")
    steps = [(row["_step"], row.get(RESUME_ITERATION)) for row in rows]
    assert steps == [(0, None), (1, None), (2, None), (2, 2), (3, 2), (4, 2)]


def test_a_collective_checkpoint_is_made_by_all_ranks_and_kept_once(
    shared: Supervisor, script: Spec, run: Run
) -> None:
    code = SPAWNED + (
        "import hpo\n"
        "def train(rank, ranks, calls):\n"
        "    os.environ['RANK'] = str(rank)\n"
        "    def state():\n"
        "        calls.wait(20)  # as an all-gather: whoever is left out holds up the others\n"
        "        os.write(1, b'called\\n')\n"
        "        return {'rank': rank}\n"
        "    for epoch in range(4): hpo.report({'loss': rank + epoch}, checkpoint=state)\n"
    )
    it = script(code + MAIN)
    it.env["HPO_CHECKPOINT_AT"] = "2,4"
    end = run(shared, it)
    assert (end.state, end.iterations) == ("finished", 4), log_of(it)
    assert log_of(it) == "called\n" * 8
    assert sorted(path.name for path in Path(it.directory, "checkpoints").iterdir()) == ["000001", "000002"]


def test_a_rank_that_a_function_set_is_not_the_next_trials(calls: Callable[[str], Any]) -> None:
    slot = calls(
        "def train(config):\n"
        "    import os, hpo\n"
        "    if config['n'] == 0: os.environ['RANK'] = '1'\n"
        "    hpo.report({'loss': config['n']})\n"
    )
    told: list[tuple[int, Any]] = []
    slot._receive = lambda message: told.append((message["row"]["loss"], message.get("rank")))
    assert slot.run({"n": 0}).pid == slot.run({"n": 1}).pid
    assert told == [(0, 1), (1, None)]


@pytest.mark.torch
def test_torchrun_counts_its_first_process(shared: Supervisor, script: Spec, until_end: UntilEnd) -> None:
    code = (
        "import os, sys, torch.distributed, wandb, hpo\n"
        "torch.distributed.init_process_group('gloo')\n"
        "rank = torch.distributed.get_rank()\n"
        "run = wandb.init()\n"
        "told = f'{rank} {sys.argv[1:]} {hpo.config()} {dict(wandb.config)}\\n'\n"
        "os.write(1, told.encode())\n"
        "for epoch in range(3):\n"
        "    torch.distributed.barrier()\n"
        "    wandb.log({'loss': 10 * rank + epoch})\n"
        "run.summary['loss'] = 99 if rank == 0 else -99\n"
        "torch.distributed.destroy_process_group()\n"
    )
    it = script(code, sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
    it.argv.append("--lr=1e-05")
    shared.start(it)
    *_, end = until_end(shared)
    assert (end["state"], end["iterations"], end["rows"]) == ("finished", 3, 3), log_of(it)
    assert (end["value"], end["last"]) == (0, 99)
    assert [row["loss"] for row in rows_in(it, "metrics.rank1.jsonl")] == [10, 11, 12]
    for rank in (0, 1):
        assert f"{rank} ['--lr=1e-05'] {{'lr': 1e-05}} {{'lr': 1e-05}}" in log_of(it)


@pytest.mark.torch
def test_spawned_processes_of_torch_need_no_variables(
    shared: Supervisor, script: Spec, until_end: UntilEnd
) -> None:
    code = (
        "import torch, torch.distributed, torch.multiprocessing, hpo\n"
        "def train(rank, place):\n"
        "    hpo.report({'before': rank})\n"
        "    torch.distributed.init_process_group('gloo', f'file://{place}', rank=rank, world_size=2)\n"
        "    for epoch in range(3):\n"
        "        torch.distributed.barrier()\n"
        "        hpo.report({'loss': 10 * rank + epoch})\n"
        "    torch.distributed.destroy_process_group()\n"
        "    hpo.report({'loss': 10 * rank + 3})\n"
        "if __name__ == '__main__':\n"
        "    torch.multiprocessing.spawn(train, (__file__ + '.group',), nprocs=2)\n"
    )
    it = script(code)
    shared.start(it)
    *_, end = until_end(shared)
    assert (end["state"], end["iterations"], end["last"]) == ("finished", 4, 3), log_of(it)
    assert [row["loss"] for row in rows_in(it, "metrics.rank1.jsonl")] == [10, 11, 12, 13]
    assert ADVICE not in log_of(it)
