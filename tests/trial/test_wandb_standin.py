"""What only the stand-in for wandb does: modules for integrations, clear words where a server is needed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

SITE = Path(__file__).parents[2] / "hpo" / "trial" / "site"
IMPORTS = """
import wandb
from wandb import AlertLevel, Api, Artifact, Histogram, Html, Image, Object3D, Settings, Table, Video
from wandb.apis.public import Api as PublicApi
from wandb.errors import CommError, Error, UsageError
from wandb.errors.term import termlog, termwarn
from wandb.integration.keras import WandbEvalCallback, WandbMetricsLogger, WandbModelCheckpoint
from wandb.integration.lightgbm import wandb_callback
from wandb.integration.xgboost import WandbCallback
from wandb.keras import WandbCallback
from wandb.lightgbm import log_summary, wandb_callback
from wandb.plot import confusion_matrix, line
from wandb.sdk.data_types import Image as SdkImage
from wandb.sdk.lib import RunDisabled, telemetry
from wandb.sdk.lib.config_util import ConfigError
from wandb.sdk.lib.disabled import SummaryDisabled
from wandb.sdk.lib.runid import generate_id
from wandb.sdk.wandb_config import Config
from wandb.sdk.wandb_run import Run
from wandb.sdk.wandb_settings import Settings
from wandb.sklearn import plot_confusion_matrix
from wandb.wandb_run import Run
from wandb.xgboost import WandbCallback
import wandb.data_types, wandb.env, wandb.util, wandb.wandb_run
assert wandb.keras.WandbCallback and wandb.sklearn.plot_roc and wandb.plot.bar and wandb.sdk.lib.RunDisabled
assert issubclass(ConfigError, wandb.Error) and issubclass(CommError, wandb.Error)
assert wandb.login(key="x") is True and wandb.run is None and not hasattr(wandb, "nothing")
assert wandb.setup() is None and wandb.teardown() is None
with telemetry.context(run=None) as noted:
    noted.feature.keras = True
"""
CALLBACKS = """
import wandb
from types import SimpleNamespace as Space
run = wandb.init()
wandb.keras.WandbMetricsLogger().on_epoch_end(0, {"loss": 1.0})
batches = wandb.keras.WandbMetricsLogger(2, 100)
for batch in range(3):
    batches.on_train_batch_end(batch, {"loss": batch})
wandb.keras.WandbCallback(monitor="loss").on_epoch_end(1, {"loss": 2.0})
wandb.xgboost.WandbCallback().after_iteration(None, 3, {"val": {"rmse": [9.0, 8.0]}})
wandb.xgboost.WandbCallback().after_training(Space(attr={"best_score": "7.5", "best_iteration": "3"}.get))
results = [("val", "l2", 6.0, False)]
first = Space(iteration=0, begin_iteration=0, params={"depth": 3, "lr": 9}, evaluation_result_list=results)
wandb.lightgbm.wandb_callback()(first)
print(run.config.depth, run.config.lr)
"""


def test_modules_that_integrations_import(play: Any, bare_python: str) -> None:
    played = play(IMPORTS, python=bare_python)
    assert (played.code, played.err) == (0, "")


def test_callbacks_of_training_libraries_log_rows(play: Any, bare_python: str) -> None:
    played = play(CALLBACKS, python=bare_python)
    assert [row for _, row in played.rows] == [
        {"epoch/loss": 1.0, "epoch/epoch": 0},
        {"batch/loss": 0, "batch/batch_step": 0},
        {"batch/loss": 2, "batch/batch_step": 2},
        {"loss": 2.0, "epoch": 1},
        {"epoch": 3, "val-rmse": 8.0},
        {"best_score": 7.5, "best_iteration": 3},
        {"iteration": 0, "val_l2": 6.0},
    ], played.err
    assert played.out == "3 0.1\n"


@pytest.mark.parametrize(
    "call",
    [
        "wandb.Api()",
        "wandb.Api().sweep('a/b/c')",
        "wandb.restore('model.pt')",
        "run.restore('model.pt')",
        "run.use_artifact('data:latest').download()",
        "wandb.use_artifact('data:latest', type='dataset').get('table')",
        "run.use_artifact('data:latest').metadata['classes']",
        "run.use_artifact('data:latest')['table']",
        "open(run.use_artifact('data:latest'))",
        "run.use_model('model:latest')",
    ],
)
def test_what_needs_the_server_says_so(call: str, play: Any, bare_python: str) -> None:
    code = (
        f"import wandb\nrun = wandb.init()\ntry:\n    {call}\nexcept wandb.Error as error:\n    print(error)"
    )
    assert "W&B's server" in play(code, python=bare_python).out


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from wandb.integration.sb3 import WandbCallback", "wandb.integration.sb3"),
        ("from wandb.integration import sb3", "wandb.integration.sb3"),
        ("import wandb.integration.ultralytics", "wandb.integration.ultralytics"),
        ("import wandb; wandb.integration.sklearn.plot_roc()", "wandb.integration.sklearn"),
        ("import wandb; wandb.tensorboard.patch()", "wandb.tensorboard"),
        ("from wandb.fastai import WandbCallback", "wandb.fastai"),
        ("from wandb.sdk.lib.paths import LogicalPath", "wandb.sdk.lib.paths"),
        ("from wandb import Nothing", "wandb.Nothing"),
        ("from wandb.integration.keras import Nothing", "wandb.integration.keras.Nothing"),
        ("from wandb.util import nothing", "wandb.util.nothing"),
        ("from wandb.sdk.data_types.trace_tree import Trace", "wandb.sdk.data_types.trace_tree"),
        ("import wandb; wandb.nothing()", "wandb.nothing"),
    ],
)
def test_a_part_of_wandb_that_is_not_there_says_what_it_needs(
    line: str, name: str, play: Any, bare_python: str
) -> None:
    played = play(line, python=bare_python)
    assert played.code == 1
    said = played.err.strip().splitlines()[-1].partition(": ")[2]
    assert said == f"{name} needs the real wandb, which is not installed here: pip install wandb"


def test_a_library_that_can_do_without_a_part_of_wandb_does(play: Any, bare_python: str) -> None:
    code = (
        "import wandb\n"
        "try:\n    from wandb.integration.sb3 import WandbCallback\n"
        "except ImportError:\n    print('without')\n"
        "print(hasattr(wandb, 'tensorboard'), hasattr(wandb.integration, 'sb3'))"
    )
    played = play(code, python=bare_python)
    assert (played.out, played.err) == ("without\nFalse False\n", "")


def test_a_config_file_is_read_and_a_missing_one_is_named(play: Any, bare_python: str) -> None:
    code = (
        "import json, wandb\n"
        "values = {'wandb_version': 1, 'a': {'value': 1, 'desc': None}, 'lr': {'value': 2}}\n"
        "json.dump(values, open('c.yaml', 'w'))\n"
        "print(wandb.init(config='c.yaml').config)\n"
        "wandb.finish()\n"
        "wandb.init(config='no.yaml')"
    )
    played = play(code, python=bare_python)
    assert played.out == "{'a': 1, 'lr': 0.1, 'net': {'a': 3, 'b': 4}}\n"
    assert "ConfigError: config file no.yaml doesn't exist" in played.err


def test_yaml_without_a_reader_says_what_to_install(play: Any, bare_python: str) -> None:
    played = play(
        "import wandb\nopen('c.yaml', 'w').write('a: b')\nwandb.init(config='c.yaml')", python=bare_python
    )
    assert "to read c.yaml, install PyYAML" in played.err


def test_absl_flags_and_other_configs_are_settings_too(play: Any, bare_python: str) -> None:
    code = (
        "import wandb\n"
        "class Flags:\n    def flag_values_dict(self): return {'a': 1}\n"
        "class Plain:\n    def __init__(self): self.b = {2}\n"
        "run = wandb.init(config=Flags(), config_exclude_keys=['none'])\n"
        "run.config.update(Plain())\n"
        "other = wandb.init(config=wandb.config, reinit='create_new')\n"
        "print(run.config, other.config.a, wandb.run is run)"
    )
    expected = "{'a': 1, 'lr': 0.1, 'net': {'a': 3, 'b': 4}, 'b': [2]} 1 True\n"
    assert play(code, python=bare_python).out == expected


def test_an_ended_run_refuses_rows_and_a_locked_key_is_said_once(play: Any, bare_python: str) -> None:
    code = (
        "import wandb\nrun = wandb.init()\n"
        "run.config.lr = run.config.lr = 3\nrun.finish()\n"
        "try:\n    run.log({'loss': 1})\nexcept wandb.errors.UsageError as error:\n    print(error)"
    )
    played = play(code, python=bare_python)
    assert played.out.startswith("Run (run) is finished. The call to `log` will be ignored.")
    assert played.err.count("Config item 'lr' was locked by 'sweep' (ignored update).") == 1
    assert played.told == []


def test_outside_of_a_trial_it_says_so(bare_python: str) -> None:
    env = {**os.environ, "PYTHONPATH": str(SITE)}
    code = "import wandb; wandb.init(config={'a': 1}); wandb.log({'loss': wandb.config.a})"
    done = subprocess.run([bare_python, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "outside of a trial" in done.stderr
