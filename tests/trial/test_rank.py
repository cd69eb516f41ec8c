"""Which rank a process has, by the variables of each launcher, and by those that were there before."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import pytest

from hpo.trial.environment import OURS
from hpo.trial.rank import OUTER, PAUSE, Rank, outer, told

TORCHRUN = {
    "RANK": "2",
    "LOCAL_RANK": "2",
    "GROUP_RANK": "0",
    "WORLD_SIZE": "4",
    "LOCAL_WORLD_SIZE": "4",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
    "TORCHELASTIC_RUN_ID": "none",
}
LIGHTNING = {"LOCAL_RANK": "2", "NODE_RANK": "0", "WORLD_SIZE": "4", "MASTER_PORT": "41000"}
SRUN = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "2", "SLURM_TASK_PID": "100"}
OPEN_MPI = {"OMPI_COMM_WORLD_RANK": "2", "PMIX_RANK": "2", "PMIX_NAMESPACE": "prterun-a@1"}
LAUNCHED = {
    "torchrun": TORCHRUN,
    "deepspeed": {name: TORCHRUN[name] for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_PORT")},
    "lightning": LIGHTNING,
    "srun": SRUN,
    "openmpi": OPEN_MPI,
    "pmix": {"PMIX_RANK": "2", "PMIX_NAMESPACE": "slurm.pmix.7.1"},
    "mpich": {"PMI_RANK": "2", "PMI_SIZE": "4", "PMI_FD": "9", "MPI_LOCALRANKID": "2"},
    "mvapich": {"MV2_COMM_WORLD_RANK": "2", "MV2_COMM_WORLD_SIZE": "4", "MPISPAWN_ID": "0"},
    "horovod": {"HOROVOD_RANK": "2", "HOROVOD_SIZE": "4", "HOROVOD_RENDEZVOUS_PORT": "4100"},
    "cray": {"PALS_RANKID": "2", "PALS_APID": "a"},
    "jsrun": {"JSM_NAMESPACE_RANK": "2", "JSM_JSRUN_PID": "100"},
    "flux": {"FLUX_TASK_RANK": "2", "FLUX_JOB_ID": "f2"},
    "by hand": {"RANK": "2"},
}
ANOTHER = {"MASTER_PORT": "41001", "SLURM_STEP_ID": "1", "SLURM_TASK_PID": "101", "PMIX_NAMESPACE": "b"}
ANOTHER |= {"HOROVOD_RENDEZVOUS_PORT": "4101", "PALS_APID": "b", "JSM_JSRUN_PID": "101", "FLUX_JOB_ID": "f3"}
ANOTHER |= {"PMI_FD": "12", "MPISPAWN_ID": "1"}
"""What differs for a process of the same rank in another launch."""


def inside(before: dict[str, str], **own: str) -> dict[str, str]:
    """The environment of a process whose trial has inherited `before` and set others."""
    return before | outer(before) | own


@pytest.mark.parametrize("launched", LAUNCHED.values(), ids=LAUNCHED)
def test_a_launcher_of_the_trials_own_says_the_rank(launched: dict[str, str]) -> None:
    assert told(launched) == 2
    first = {name: "0" if value == "2" else value for name, value in launched.items()}
    assert told(first) == 0


@pytest.mark.parametrize("launched", LAUNCHED.values(), ids=LAUNCHED)
def test_a_rank_that_was_there_before_says_nothing(launched: dict[str, str]) -> None:
    assert told(inside(launched)) is None
    assert told(inside(launched, HOME="/elsewhere", CUDA_VISIBLE_DEVICES="3")) is None
    env = inside(launched)
    for name in launched.keys() - {next(name for name in launched if "RANK" in name or "PROCID" in name)}:
        del env[name]  # as scripts do so that a library does not take them for a part of the outer launch
    assert told(env) is None


@pytest.mark.parametrize("own", LAUNCHED.values(), ids=LAUNCHED)
@pytest.mark.parametrize("before", LAUNCHED.values(), ids=LAUNCHED)
def test_launches_inside_of_each_other_are_told_apart(before: dict[str, str], own: dict[str, str]) -> None:
    for rank in range(4):
        ranked = {name: str(rank) if value == "2" else value for name, value in own.items()}
        ranked |= {name: value for name, value in ANOTHER.items() if name in own}
        if ranked.items() <= before.items():
            continue  # nothing tells them apart
        assert told(inside(before, **ranked)) == rank, ranked


def test_ranks_of_further_nodes_count_on() -> None:
    node = {"LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}
    assert told({**node, "GROUP_RANK": "2"}) == 9
    assert told({**node, "NODE_RANK": "1"}) == 5
    assert told({"LOCAL_RANK": "0", "NODE_RANK": "1"}) == 1
    assert told(node) == 1


def test_the_node_that_a_trial_runs_on_is_no_part_of_its_rank() -> None:
    assert told(inside({"NODE_RANK": "3"}, LOCAL_RANK="0", LOCAL_WORLD_SIZE="4")) == 0
    assert told(inside({"NODE_RANK": "3"}, LOCAL_RANK="1", NODE_RANK="3")) == 1


def test_mpi_goes_before_the_srun_that_starts_it_on_a_node() -> None:
    assert told(inside(SRUN, SLURM_PROCID="0", SLURM_STEP_ID="5", PMIX_RANK="3")) == 3


@pytest.mark.parametrize("value", ["", "x", "-1", "1.0", "²"])
def test_what_is_no_number_is_no_rank(value: str) -> None:
    assert told({"RANK": value}) is None
    assert told({"RANK": value, "SLURM_PROCID": "1"}) == 1


def test_only_what_tells_of_ranks_is_noted_and_not_inherited() -> None:
    assert outer({"HOME": "/root", "PATH": "/bin"}) == {}
    assert OUTER in OURS


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """torch's processes as a script sees them that has torch, but no group yet; no variable says a rank."""
    for name in LAUNCHED["srun"].keys() | LAUNCHED["openmpi"].keys() | TORCHRUN.keys():
        monkeypatch.delenv(name, raising=False)
    made = SimpleNamespace(rank=None)
    made.is_initialized, made.get_rank = lambda: made.rank is not None, lambda: made.rank
    monkeypatch.setitem(sys.modules, "torch.distributed", made)
    return made


def test_torchs_own_group_says_the_rank_once_it_is_there(group: SimpleNamespace) -> None:
    rank = Rank()
    assert rank.other() is None
    group.rank = 3
    time.sleep(2 * PAUSE)
    assert rank.other() == 3
    group.rank = None  # destroyed, at the end of a training
    assert rank.other() == 3


def test_a_rank_in_the_environment_goes_before_a_group_of_one(
    group: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    group.rank = 0
    monkeypatch.setenv("RANK", "1")
    assert Rank().other() == 1


def test_a_group_goes_before_variables_that_all_children_inherit(
    group: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "0")  # set by the process that spawns the others
    rank = Rank()
    assert rank.other() is None
    group.rank = 1
    time.sleep(2 * PAUSE)
    assert rank.other() == 1


def test_a_torch_without_groups_is_no_matter(monkeypatch: pytest.MonkeyPatch, group: SimpleNamespace) -> None:
    monkeypatch.setitem(sys.modules, "torch.distributed", SimpleNamespace())
    assert Rank().other() is None
