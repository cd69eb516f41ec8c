"""Class trainables in a worker: one instance for one trial after another where it can be reset."""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.trial.checkpoint import load

pytestmark = pytest.mark.process
Classes = Callable[..., Any]

COUNTER = """
print("loading")
class Counter:
    def setup(self, config):
        print("setup", config["by"])
        self.by, self.value = config["by"], 0
    def step(self):
        self.value += self.by
        return {"loss": self.value, "done": self.value >= 3 * self.by}
    def cleanup(self):
        print("cleanup")
"""


@pytest.fixture
def classes(slot: Any, tmp_path: Path) -> Classes:
    """The slot's trials step a class of this module."""

    def prepare(code: str, name: str = "Counter") -> Any:
        (tmp_path / "models").mkdir()
        (tmp_path / "models/net.py").write_text(textwrap.dedent(code))
        slot.target = f"models.net:{name}"
        return slot

    return prepare


def test_a_class_is_stepped_until_its_result_says_done(classes: Classes) -> None:
    turned = classes(COUNTER).run({"by": 2})
    assert turned.rows == [{"loss": 2}, {"loss": 4}, {"loss": 6}]
    assert (turned.code, turned.log) == (0, "loading\nsetup 2\n")


TAKES_IT = """
    def reset_config(self, config):
        self.by, self.value = config["by"], 0
        print("reset")
        return True
"""
REFUSES = """
    def reset_config(self, config):
        return False
"""


@pytest.mark.parametrize(
    ("reset", "said"), [("", "cleanup\nsetup 5\n"), (REFUSES, "cleanup\nsetup 5\n"), (TAKES_IT, "reset\n")]
)
def test_the_next_trial_resets_the_instance_or_makes_another(classes: Classes, reset: str, said: str) -> None:
    slot = classes(COUNTER + reset)
    first, second = slot.run({"by": 1}), slot.run({"by": 5})
    assert first.log == "loading\nsetup 1\n"
    assert second.log == said
    assert [row["loss"] for row in second.rows] == [5, 10, 15]
    assert first.pid == second.pid


def test_a_limit_of_iterations(classes: Classes) -> None:
    assert len(classes(COUNTER).run({"by": 1}, HPO_MAX_ITERATIONS="2").rows) == 2


def test_a_stop_ends_a_class_between_two_steps_and_the_instance_is_kept(classes: Classes) -> None:
    slot = classes("""
        import time, wandb
        class Counter:
            def setup(self, config):
                self.reset_config(config)
            def reset_config(self, config):
                self.count, self.last = 0, config["last"]
                return True
            def step(self):
                wandb.log({"within": 1}) if wandb.run else wandb.init()
                time.sleep(0.01)
                self.count += 1
                return {"loss": self.count, "done": self.count == self.last}
    """)
    turn = slot.start({"last": 10_000})
    slot.until(lambda: len(slot.rows) > 3)
    turn.terminate(time.monotonic(), 60.0)
    stopped = slot.end(timeout=60.0)
    assert (stopped.code, stopped.log) == (0, "")
    after = slot.run({"last": 2})
    assert (after.rows, after.pid) == ([{"loss": 1}, {"within": 1}, {"loss": 2}], stopped.pid)


def test_a_class_that_is_stopped_saves_its_state(classes: Classes) -> None:
    slot = classes("""
        import time
        class Counter:
            def setup(self, config):
                self.count = 0
            def step(self):
                time.sleep(0.01)
                self.count += 1
                return {"loss": self.count}
            def save_checkpoint(self, folder):
                return {"count": self.count}
    """)
    turn = slot.start()
    slot.until(lambda: len(slot.rows) > 3)
    turn.terminate(time.monotonic(), 60.0)
    stopped = slot.end(timeout=60.0)
    assert stopped.rows[-1] == {}
    assert load(str(slot.log_path.parent / "checkpoints" / "000001")) == {"count": stopped.rows[-2]["loss"]}


def test_an_instance_that_raises_is_cleaned_up_and_used_no_more(classes: Classes) -> None:
    slot = classes(
        COUNTER.replace("self.value += self.by", "self.value += 1 // self.by")
        + "    def reset_config(self, config):\n        return bool(self.setup(config)) or True"
    )
    slot.run({"by": 1})
    failed = slot.run({"by": 0})
    assert failed.code == 1
    assert failed.log.startswith("setup 0\ncleanup\nTraceback (most recent call last):\n")
    assert failed.log.endswith("ZeroDivisionError: integer division or modulo by zero\n")
    assert failed.log.count("  File ") == 1, "the frame of step alone"
    after = slot.run({"by": 1})
    assert (after.log, after.pid) == ("setup 1\n", failed.pid)
    assert [row["loss"] for row in after.rows] == [1, 2, 3]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("class Other: pass", "AttributeError: module 'models.net' has no attribute 'Counter'\n"),
        ("import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'\n"),
        ("class Counter: pass", "models.net:Counter has no step(), so it is no trainable class\n"),
        ("class Counter:\n    def step(self): pass", "Counter.step() returned no dictionary of metrics\n"),
    ],
)
def test_a_class_that_cannot_be_stepped_fails_its_trial(classes: Classes, code: str, said: str) -> None:
    turned = classes(code).run()
    assert turned.code == 1
    assert turned.log.endswith(said)


def test_a_step_may_give_the_objective_alone_and_the_class_may_take_the_config(classes: Classes) -> None:
    slot = classes("""
        class Counter:
            def __init__(self, config):
                self.config = config
            def step(self):
                return self.config["x"] / 2
    """)
    assert slot.run({"x": 3}, HPO_MAX_ITERATIONS="1").rows == [{"loss": 1.5}]


def test_a_class_is_cleaned_up_when_its_worker_leaves(classes: Classes) -> None:
    slot = classes(COUNTER)
    slot.run({"by": 1})
    slot.worker.leave()
    slot.until(lambda: slot.worker._process.status is not None)
    assert slot.worker._process.status == 0
    assert slot.log_path.read_text().endswith("cleanup\n")


def test_each_trial_has_a_run_of_the_stand_in_of_its_own(classes: Classes, bare_python: str) -> None:
    """In the user's `python`, which need have no package at all."""
    slot = classes("""
        import wandb
        class Counter:
            def setup(self, config):
                self.before = wandb.run is None, type(wandb.config).__name__
                wandb.init(config={"lr": 0})
            def reset_config(self, config):
                self.setup(config)
                return True
            def step(self):
                print(*self.before, wandb.config, wandb.run.id, wandb.run.step)
                wandb.config.update({"lr": 9})
                wandb.log({"loss": wandb.config.lr}, step=3)
                wandb.log({"late": 1}, step=3)
                return {"done": True}
    """)
    slot.environment["PATH"] = os.path.dirname(bare_python) + os.pathsep + os.environ["PATH"]
    for lr in (0.1, 0.2):
        turned = slot.run({"lr": lr})
        assert turned.log == (
            f"True PreInitObject {{'lr': {lr}}} run-{slot.number} 0\n"
            "wandb: WARNING Config item 'lr' was locked by 'sweep' (ignored update).\n"
        )
        assert turned.rows == [{"loss": lr}, {"late": 1}]


@pytest.mark.ray
def test_rays_own_trainable(classes: Classes, tmp_path: Path) -> None:
    slot = classes("""
        from ray import tune
        class Counter(tune.Trainable):
            def setup(self, config):
                print("setup", config["by"], self.logdir.rpartition("/")[2])
                self.by, self.value = config["by"], 0
            def step(self):
                self.value += self.by
                row = {"loss": self.value, "iteration": self.training_iteration}
                return {**row, "done": self.value >= 2 * self.by}
            def reset_config(self, config):
                print("reset", self.logdir.rpartition("/")[2])
                self.by, self.value = config["by"], 0
                return config["by"] == 5
            def cleanup(self):
                print("cleanup")
    """)
    home = tmp_path / "home"
    home.mkdir()
    said = {1: "setup 1 0001\n", 5: "reset 0002\n", 7: "reset 0003\ncleanup\nsetup 7 0003\n"}
    for by, log in said.items():
        turned = slot.run({"by": by}, HOME=str(home))
        assert turned.code == 0, turned.log
        assert turned.rows == [{"loss": by, "iteration": 0}, {"loss": 2 * by, "iteration": 1}]
        assert turned.log == log
    assert not (home / "ray_results").exists()
