"""One and the same scripts with the real wandb (disabled and offline) and with the stand-in."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parent / "scripts"
CODES = {"raises": 1, "killed": -signal.SIGKILL}


def row(step: int, **values: Any) -> dict[str, Any]:
    return {"row": {name.replace("__", "/"): value for name, value in values.items()}, "step": step}


def define(name: str, summary: str) -> dict[str, Any]:
    return {"define": {"name": name, "summary": summary}}


TOLD: dict[str, list[dict[str, Any]]] = {
    "log_rows": [
        row(0, loss=9.0),
        row(1, loss=8.0, acc=0.5),
        row(5, loss=7.0, deep={"a": 1}),
        row(5, deep={"b": 2}, closes=5),
        row(9, loss=6.0),
        row(10, odd="NaN", none=None, yes=True, text="t", list=[1, 2]),
        row(20, loss=5.0),
        row(21, loss=4.0),
        row(21, late=1),
    ],
    "overwritten": [
        row(0, loss=0.0, batch=0),
        {"summary": {"loss": 2.0}},
        row(0, batch=2),
        row(1, loss=12.0, batch=2),
        row(2, loss=22.0, batch=2),
    ],
    "read_config": [row(0, loss=0.1)],
    "summaries": [
        define("loss", "min,max"),
        define("val/*", "mean"),
        define("quiet", "none"),
        *(
            row(step, loss=v, val__f1=float(v), acc=v, deep={"x": v}, quiet=v)
            for step, v in enumerate((3, 1, 2))
        ),
        *({"summary": values} for values in ({"best": 0.5}, {"last_epoch": 7})),
        *({"summary": values} for values in ({"a": 1}, {"b": {"c": 2}}, {"b": {"d": 3}}, {"loss": 0.25})),
        row(10, more=1),
    ],
    "several_runs": [
        row(0, loss=3),
        row(4, loss=2),
        row(0, loss=1),
        row(0, loss=0.5),
    ],
    "raises": [row(1, loss=3, epoch=1), row(2, epoch=2, loss=2)],
    "killed": [row(1, loss=3.0), row(2, epoch=2, loss=2.0)],
    "lightning": [
        *(
            row(step, train_loss_step=1 / (step + 1), epoch=0, trainer__global_step=step + 1)
            for step in (0, 1)
        ),
        row(2, val_loss=1.0, loss=1.5, epoch=0, trainer__global_step=2),
        *(row(step, train_loss_step=1 / step, epoch=1, trainer__global_step=step) for step in (3, 4)),
        row(5, val_loss=0.5, loss=0.75, epoch=1, trainer__global_step=4),
    ],
    "transformers": [
        row(0, train__loss=1.0, train__global_step=1),
        row(1, eval__loss=2.0, loss=3.0, train__global_step=1),
        row(2, train__loss=0.5, train__global_step=2),
        row(3, eval__loss=1.0, loss=1.5, train__global_step=2),
        {"summary": {"train_runtime": 1.5}},
        {"summary": {"total_flos": 1e12}},
    ],
    "media": [row(0, loss=2.0, deep={"v": 1}), row(5, loss=1.0)],
    "defaults": [row(0, loss=1.0)],
    "makes_sweeps": [row(0, loss=1.0)],
}
PRINTED = {
    "log_rows": "wandb.log must be passed a dictionary\n"
    "Key values passed to `wandb.log` must be strings.\n"
    "[0, 2, 4, 5, 6, 20]\n",
    "defaults": "0.1 2 4\n",
}


def flat(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Summaries that were set in one call arrive in one message or in several."""
    parts: list[dict[str, Any]] = []
    for message in told:
        values = message.get("summary", {})
        parts += [{"summary": {key: value}} for key, value in values.items()] if values else [message]
    return parts


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """What each script has printed so far, whichever wandb it ran with."""
    return dict(PRINTED)


def check(name: str, played: Any, printed: dict[str, str]) -> None:
    assert flat(played.told) == TOLD[name], played.err
    assert played.code == CODES.get(name, 0), played.err
    assert played.out == printed.setdefault(name, played.out), played.err


@pytest.mark.parametrize("name", TOLD)
def test_the_stand_in(name: str, play: Any, bare_python: str, printed: dict[str, str]) -> None:
    check(name, play(SCRIPTS / f"{name}.py", python=bare_python), printed)


@pytest.mark.wandb
@pytest.mark.parametrize("mode", ["disabled", "offline"])
@pytest.mark.parametrize("name", TOLD)
def test_the_real_wandb(name: str, mode: str, play: Any, loaded: Any, printed: dict[str, str]) -> None:
    check(name, play(SCRIPTS / f"{name}.py", fork=loaded("wandb"), mode=mode), printed)


@pytest.mark.parametrize("python", ["stand-in", pytest.param("real", marks=pytest.mark.wandb)])
def test_metrics_that_go_by_tensorboard_files_are_said_not_to_be_followed(
    python: str, play: Any, loaded: Any, bare_python: str
) -> None:
    code = "import wandb\nwandb.init(sync_tensorboard=True)"
    played = play(code, python=bare_python) if python == "stand-in" else play(code, fork=loaded("wandb"))
    assert "hpo reads no event files" in played.err
