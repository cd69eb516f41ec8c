from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import hpo

SWEEP = """\
program: train.py
method: bayes
name: "[red]odd[/red]"
metric: {name: val/loss, target: 0.0}
parameters:
  lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-1}
  layers: {distribution: q_uniform, min: 1, max: 8, q: 3}
  opt:
    parameters:
      name: {values: [adam, null, [1, 2e-3]]}
  dotted.name: {values: [a, b], probabilities: [0.25, 0.75]}
  epochs: {value: 5}
early_terminate: {type: hyperband, max_iter: 27, s: 2}
hpo: {seed: 3, resources: {cpu: 2, memory: 1G}}
"""


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(SWEEP)
    return path


def checked(path: Path, *arguments: object) -> dict[str, Any]:
    done = hpo("check", path, "--json", *arguments, cwd=path.parent)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_json_tells_everything(sweep: Path) -> None:
    told = checked(sweep)
    assert told["metric"] == {"name": "val/loss", "goal": "minimize", "target": 0.0}
    assert (told["method"], told["sampler"], told["grid_size"], told["run_cap"]) == (
        "bayes",
        "tpe",
        None,
        None,
    )
    assert told["early_terminate"] == {"type": "hyperband", "rungs": [3, 9]}
    assert told["resources"] == {"cpu": 2, "gpu": None, "memory": 2**30}
    by_name = {p["name"]: p for p in told["parameters"]}
    assert (by_name["lr"]["low"], by_name["lr"]["high"]) == (1e-5, 0.1)
    assert (by_name["layers"]["low"], by_name["layers"]["high"], by_name["layers"]["q"]) == (0, 9, 3)
    assert by_name["opt.name"]["path"] == ["opt", "name"]
    assert by_name["opt.name"]["values"] == ["adam", None, [1, 0.002]]
    assert by_name["dotted.name"]["path"] == ["dotted.name"]
    assert by_name["dotted.name"]["probabilities"] == [0.25, 0.75]
    assert by_name["epochs"]["constant"] == 5
    assert len(told["samples"]) == len(told["commands"]) == 3
    assert told["samples"][0]["opt"]["name"] in by_name["opt.name"]["values"]
    assert "--epochs=5" in told["commands"][0]
    assert (told["warnings"], told["errors"]) == ([], [])


def test_samples_follow_the_seed(sweep: Path) -> None:
    first, same, other = (checked(sweep, "--samples", 5, "--seed", s)["samples"] for s in (1, 1, 2))
    assert first == same
    assert first != other
    assert len(first) == 5


def test_the_table_shows_each_parameter_and_no_markup(sweep: Path) -> None:
    done = hpo("check", sweep, cwd=sweep.parent)
    assert done.returncode == 0
    for text in ("minimize val/loss", "hyperband at iterations 3, 9", "1e-05 … 0.1", "opt.name", "a (0.25)"):
        assert text in done.stdout


def test_problems_are_lines_with_places_and_exit_code_1(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        "method: randon\nprogram: x.py\nmetric: {name: loss, goal: maximise}\nparameters:\n  a: {values: 3}\n"
    )
    done = hpo("check", path, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    lines = [line.removeprefix(f"{path}:") for line in done.stderr.splitlines()]
    assert lines[0].startswith("1:1: method: 'randon'")
    assert "did you mean 'random'?" in lines[0]
    assert any(line.startswith("3:") and "did you mean 'maximize'?" in line for line in lines)
    assert any(line.startswith("5:") and "values: [3]" in line for line in lines)
    told = json.loads(hpo("check", path, "--json", cwd=tmp_path).stdout)
    assert {(e["line"], e["key"]) for e in told["errors"]} >= {(1, "method"), (3, "metric.goal")}


def test_strict_fails_on_warnings(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text("method: random\nprogram: x.py\nfoo: 1\nparameters: {a: {values: [1, 2]}}\n")
    assert hpo("check", path, cwd=tmp_path).returncode == 0
    done = hpo("check", "--strict", path, cwd=tmp_path)
    assert done.returncode == 1
    assert "foo" in done.stderr


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    done = hpo("check", name, cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert name in done.stderr


def test_schema_is_the_published_file(tmp_path: Path) -> None:
    published = Path(__file__).parents[2] / "configs/sweep.schema.json"
    assert hpo("schema", cwd=tmp_path).stdout == published.read_text()


def test_of_very_many_parameters_the_table_shows_the_first(tmp_path: Path) -> None:
    names = "".join(f"  p{n:04}: {{min: 0, max: 9}}\n" for n in range(503))
    (tmp_path / "sweep.yaml").write_text(f"method: random\nparameters:\n{names}")
    done = hpo("check", "sweep.yaml", "--samples", "0", cwd=tmp_path)
    assert done.returncode == 0
    assert "3 more parameters: see --json" in done.stdout
    assert "p0499" in done.stdout
    assert "p0500" not in done.stdout
