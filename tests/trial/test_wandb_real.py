"""The real wandb as the measure: what it writes into its own file against what reaches hpo."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.wandb
SCRIPTS = Path(__file__).parent / "scripts"
BLOCK, HEADER = 32768, 7


def records(path: Path) -> Iterator[Any]:
    """The records of an offline run's file: a header, then LevelDB's log format around protobuf."""
    from wandb.proto import wandb_internal_pb2 as proto

    data, at, record = path.read_bytes(), HEADER, b""
    while at + HEADER <= len(data):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        _, size, kind = struct.unpack("<IHB", data[at : at + HEADER])
        record += data[at + HEADER : at + HEADER + size]
        at += HEADER + size
        if kind in (1, 4):  # whole, or the last part
            message = proto.Record()
            message.ParseFromString(record)
            yield message
            record = b""


def history(folder: Path, trial: str = "*") -> dict[int, dict[str, Any]]:
    """Step → row of the offline run in this folder, nested names joined by dots, rows of nothing left out."""
    rows = {}
    (path,) = folder.glob(f"{trial}/wandb/offline-run-*/*.wandb")
    for record in records(path):
        if record.WhichOneof("record_type") == "history":
            items = record.history.item
            row = {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in items}
            step = row.pop("_step")
            rows[step] = {name: value for name, value in row.items() if not name.startswith("_")}
    return {step: row for step, row in rows.items() if row}


def flat(row: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found = {}
    for name, value in row.items():
        found.update(flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value})
    return found


def merged(told: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The rows that reached hpo, those of one step merged; a summary corrects the row before it."""
    rows: dict[int, dict[str, Any]] = {}
    for message in told:
        if "row" in message:
            step = message["step"]
            rows.setdefault(step, {}).update(flat(message["row"]))
        else:
            rows[step].update(message["summary"])
    return rows


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_any_calls_give_wandbs_rows_and_wandbs_count(
    seed: str, play: Any, loaded: Any, tmp_path: Path
) -> None:
    played = play(SCRIPTS / "random_calls.py", seed, mode="offline", fork=loaded("wandb"))
    assert played.code == 0, played.err
    rows = history(tmp_path)
    numbers = {step: {k: v for k, v in row.items() if v == v} for step, row in rows.items()}
    told = merged(played.told)
    assert {step: {k: v for k, v in row.items() if v != "NaN"} for step, row in told.items()} == numbers
    assert sum("loss" in row for _, row in played.rows) == sum("loss" in row for row in rows.values())


@pytest.mark.parametrize("seed", ["1", "4"])
def test_mode_disabled_tells_what_mode_offline_tells(
    seed: str, play: Any, loaded: Any, bare_python: str
) -> None:
    fork = loaded("wandb") if seed == "1" else None  # the other one in interpreters of its own
    offline = play(SCRIPTS / "random_calls.py", seed, mode="offline", fork=fork)
    assert len(offline.told) > 20
    assert play(SCRIPTS / "random_calls.py", seed, fork=fork).told == offline.told
    assert play(SCRIPTS / "random_calls.py", seed, python=bare_python).told == offline.told


def test_no_file_of_a_disabled_run_is_left(play: Any, loaded: Any, tmp_path: Path) -> None:
    code = "import wandb\nwandb.init()\nwandb.log({'loss': 1})\nwandb.finish()"
    assert play(code, fork=loaded("wandb")).rows == [(0, {"loss": 1})]
    assert list(tmp_path.glob("*/wandb/*run*")) == []


@pytest.mark.torch
def test_array_scalars_are_numbers_with_wandb_too(play: Any, loaded: Any) -> None:
    code = (
        "import wandb, numpy, torch\n"
        "wandb.init()\n"
        "loss = torch.tensor(0.5, requires_grad=True)\n"
        "wandb.log({'loss': loss, 'n': numpy.int64(3), 'f': numpy.float32(0.25)}, step=numpy.int64(2))\n"
        "wandb.log({'loss': loss.bfloat16() / 2, 'pair': numpy.arange(2), 'many': numpy.zeros(99)}, step=3)\n"
    )
    for mode in ("disabled", "offline"):
        played = play(code, mode=mode, fork=loaded("wandb", "torch"))
        assert played.rows == [
            (2, {"loss": 0.5, "n": 3, "f": 0.25}),
            (3, {"loss": 0.25, "pair": [0, 1]}),
        ], played.err


def test_a_file_of_the_users_called_wandb_is_left_alone(play: Any, tmp_path: Path) -> None:
    (tmp_path / "wandb.py").write_text("mine = 3")
    assert play("import wandb; print(wandb.mine)", PYTHONPATH=str(tmp_path)).out == "3\n"


def test_a_wandb_of_another_make_is_said_and_does_not_stop_the_script(play: Any, tmp_path: Path) -> None:
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb" / "__init__.py").write_text("__version__ = '99.0'\ninit = print")
    played = play("import wandb; wandb.init('hello')", PYTHONPATH=str(tmp_path))
    assert (played.out, played.code) == ("hello\n", 0)
    assert "hpo: wandb 99.0 is not followed" in played.err


@pytest.mark.parametrize(
    "call",
    [
        "run.use_artifact('data:latest').download()",
        "wandb.use_artifact('data:latest', type='dataset').get('table')",
        "run.use_artifact('data:latest').metadata['classes']",
        "run.use_model('model:latest')",
        "wandb.use_model('model:latest')",
        "run.restore('model.pt')",
        "wandb.restore('model.pt')",
    ],
)
def test_what_a_disabled_run_cannot_fetch_says_what_it_needs(call: str, play: Any, loaded: Any) -> None:
    played = play(f"import wandb\nrun = wandb.init()\n{call}", fork=loaded("wandb"))
    said = played.err.strip().splitlines()[-1]
    assert said.startswith("wandb.errors.errors.Error: ")
    assert said.endswith(" is on W&B's server; set WANDB_MODE=online for trials that need it")


def test_artifacts_of_the_scripts_own_pass_through_a_disabled_run(play: Any, loaded: Any) -> None:
    code = (
        "import wandb\nrun = wandb.init()\n"
        "made = wandb.Artifact('data', 'dataset')\n"
        "run.log_artifact(made).wait()\n"
        "assert run.use_artifact(made) is run.link_artifact(made, 'x') is run.upsert_artifact(made) is made\n"
        "print(run.use_artifact('data:latest').name)"
    )
    played = play(code, fork=loaded("wandb"))
    assert (played.out, played.code) == ("data:latest\n", 0), played.err
