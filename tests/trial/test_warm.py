"""A trial forked from the warm parent behaves as one that `python script.py` starts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.trial.conftest import SWEPT
from tests.trial.warm_runner import MODULES, Runner
from tests.trial.warm_scripts import ENDS, PROGRAMS, SHOW


def kept(factory: pytest.TempPathFactory, **settings: Any) -> Iterator[Runner]:
    """A slot with a warm parent, for all tests of this file that ask for these modules."""
    runner = Runner(factory.mktemp("warm"), **settings)
    yield runner
    runner.supervisor.close(10)


@pytest.fixture(scope="module")
def shared_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    yield from kept(tmp_path_factory)


@pytest.fixture(scope="module")
def wandb_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    yield from kept(tmp_path_factory, modules=["wandb"])


@pytest.fixture(scope="module")
def stand_in_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Its own, as a warm parent serves one interpreter."""
    yield from kept(tmp_path_factory, modules=["wandb"])


@pytest.fixture(scope="module")
def torch_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    yield from kept(tmp_path_factory, modules=[*MODULES, "torch"])


@pytest.fixture
def runner(shared_runner: Runner) -> Runner:
    return shared_runner


def shown(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    found["fds"] = [re.sub(r"trial-\w+-\d+", "TRIAL", fd) for fd in found["fds"]]
    return found


@pytest.mark.parametrize(
    "words",
    [
        ["python", "show.py", "--lr=0.1", "x y"],
        ["/usr/bin/env", "python", "./deep/../show.py"],
        ["env", "EXTRA=1", "PATH_TO=x=y", "python", "-u", "-W", "ignore", "-X", "utf8", "deep/show.py"],
        ["python", "-O", "link.py"],
        ["python", "-um", "deep.show", "--lr=1"],
        ["python", "-m", "package"],
    ],
)
def test_a_script_finds_itself_and_the_world_as_usual(runner: Runner, words: list[str]) -> None:
    for name in ("show.py", "deep/show.py", "package/__main__.py", "package/__init__.py", "real/link.py"):
        runner.script(name, "" if name.endswith("__init__.py") else SHOW)
    if not (runner.folder / "link.py").exists():
        (runner.folder / "link.py").symlink_to("real/link.py")
    warm, cold = runner(*words), runner(*words, warm=False)
    assert shown(warm.log) == shown(cold.log)
    assert warm.end["state"] == "finished"


@pytest.mark.parametrize("name", ENDS)
def test_a_script_ends_as_usual(runner: Runner, name: str) -> None:
    script = runner.script("end.py", ENDS[name] + "\n")
    left = [runner.folder / "left.txt", runner.folder / "deep.txt"]
    found = []
    for warm in (True, False):
        for file in left:
            file.unlink(missing_ok=True)
        ended = runner("python", script, warm=warm, metric="")
        log = re.sub(r"0x[0-9a-f]+", "0x", ended.log)
        log = log.partition("hpo: it failed as a forked process")[0]
        kept = [file.read_text() if file.exists() else None for file in left]
        found.append((ended.end["state"], ended.end["exit_code"], ended.end["signal"], log, kept))
    assert found[0] == found[1]


SCRIPTS = Path(__file__).parent / "scripts"
WANDB = ["defaults", "log_rows", "overwritten", "read_config", "several_runs", "summaries", "media"]
ALL = """
import runpy, sys, wandb
for script in sys.argv[1:]:
    print(script, flush=True)
    runpy.run_path(script, run_name="__main__")
    wandb.finish()
"""


def tells_the_same(runner: Runner, python: str, *arguments: str) -> dict[str, Any]:
    """Run a script forked and in a process of its own, compare what wandb reported; the end of the latter."""
    found = []
    for warm in (True, False):
        ended = runner(python, *arguments, warm=warm, metric="loss", config=SWEPT)
        rows = [json.loads(line) for line in (ended.directory / "metrics.jsonl").read_text().splitlines()]
        told = [{k: v for k, v in row.items() if k not in ("_time", "_runtime")} for row in rows]
        log = ended.log.partition("hpo: it failed as a forked process")[0]
        found.append((*ended.seen[:-1], log, str(told)))
    assert found[0] == found[1]
    assert told
    return ended.end


@pytest.mark.parametrize("name", [*WANDB, "raises"])
def test_the_stand_in_for_wandb_says_the_same_in_a_forked_trial(
    stand_in_runner: Runner, name: str, bare_python: str
) -> None:
    end = tells_the_same(stand_in_runner, bare_python, str(SCRIPTS / f"{name}.py"))
    assert end["state"] == ("failed" if name == "raises" else "finished")


@pytest.mark.wandb
@pytest.mark.parametrize("names", [WANDB, ["raises"]], ids=["all", "raises"])
def test_wandb_says_the_same_in_a_forked_trial(wandb_runner: Runner, names: list[str]) -> None:
    script = wandb_runner.script("all.py", ALL)
    end = tells_the_same(wandb_runner, "python", script, *(str(SCRIPTS / f"{name}.py") for name in names))
    assert end["state"] == ("failed" if "raises" in names else "finished")


@pytest.mark.parametrize("name", [name for name in PROGRAMS if "torch" not in PROGRAMS[name]])
def test_a_program_runs_as_usual(runner: Runner, name: str) -> None:
    script = runner.script("program.py", PROGRAMS[name])
    metric = "loss" if "hpo" in PROGRAMS[name] else ""
    warm, cold = (runner("python", script, warm=warm, metric=metric) for warm in (True, False))
    assert warm.seen == cold.seen
    assert warm.end["state"] == "finished"


@pytest.mark.torch
@pytest.mark.parametrize("name", [name for name in PROGRAMS if "torch" in PROGRAMS[name]])
def test_a_program_with_torch_runs_as_usual(torch_runner: Runner, name: str) -> None:
    test_a_program_runs_as_usual(torch_runner, name)


@pytest.mark.torch
def test_unseeded_numbers_differ_from_trial_to_trial(torch_runner: Runner) -> None:
    script = torch_runner.script(
        "draw.py",
        "import random, numpy, torch, uuid\n"
        "print(random.random(), numpy.random.rand(), torch.rand(1).item(), uuid.uuid4())\n",
    )
    drawn = [torch_runner("python", script).log.split() for _ in range(3)]
    assert all(len(set(column)) == 3 for column in zip(*drawn, strict=True))


def test_modules_are_there_at_once(runner: Runner) -> None:
    script = runner.script("imported.py", "import sys; print('numpy' in sys.modules)")
    assert runner("python", script).log == "True\n"


def test_commands_that_are_no_python_run_as_plain_processes(runner: Runner) -> None:
    runner.script("imported.py", "import sys; print('numpy' in sys.modules)")
    for words in (
        ["bash", "-c", "python imported.py"],
        ["python", "-c", "import sys; print('numpy' in sys.modules)"],
    ):
        assert runner(*words).log == "False\n"


@pytest.mark.torch
@pytest.mark.parametrize("warm", [True, False])
def test_torch_is_told_of_its_share_of_the_gpus_memory(torch_runner: Runner, warm: bool) -> None:
    script = torch_runner.script(
        "share.py",
        "import torch\n"
        "asked = []\n"
        "torch.cuda.set_per_process_memory_fraction = asked.append  # there is no GPU here\n"
        "for call, _ in torch.cuda._queued_calls: call() if 'limit_gpu' in str(call) else None\n"
        "print(asked, torch.cuda.is_initialized())\n",
    )
    env = {"HPO_GPU_MEMORY_FRACTION": "0.25"}
    assert torch_runner("python", script, warm=warm, more_env=env).log == "[0.25] False\n"
    if warm:  # without preloading nothing stands between a script and torch: see "seeded numbers"
        assert torch_runner("python", script).log == "[] False\n"
