"""From a file or dict to a Sweep: all problems at once, both inputs alike, units of hpo's keys."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from hpo.errors import SweepError
from hpo.sweepfile.explain import explain
from hpo.sweepfile.load import Loaded, load_sweep, read_sweep
from tests.cases.said import FILES

SWEEP: dict[str, Any] = {"method": "random", "program": "t.py", "parameters": {"x": {"values": [1, 2]}}}
YAML = [file for file in FILES if read_sweep(file).source]
VALID = "method: random\nprogram: t.py\nparameters: {x: {values: [1, 2]}}\n"


def lines(loaded: Loaded) -> list[str]:
    return [str(problem).partition("sweep.yaml:")[2] for problem in loaded.problems]


def test_all_problems_at_once_in_the_order_of_the_file(read: Any) -> None:
    loaded = read(
        """\
method: Random
parameters:
  lr:
    distribution: log_uniform_values
    min: 0
    max: 0.1
  layers: {min: 5, max: 1}
  deep:
    parameters:
      rate: {min: 0.0, max: two}
  batch: {value: [8, 16, 32]}
metric: {goal: max}
run_cap: 0
foo: 1
"""
    )
    assert [line.partition(";")[0] for line in lines(loaded)] == [
        "1:1: method: 'Random' is not a choice",
        "5:5: parameters.lr.min: min 0 has no logarithm",
        "7:12: parameters.layers.min: min 5 is above max 1",
        "10:24: parameters.deep.parameters.rate.max: 'two' is not a number",
        "11:3: parameters.batch: warning: every trial gets the whole list [8, 16, 32]",
        "12:1: metric.name: is missing",
        "12:10: metric.goal: 'max' is not a choice",
        "13:1: run_cap: 0: input should be greater than or equal to 1",
        "14:1: foo: warning: unknown key 'foo' is ignored, as on W&B",
    ]
    assert loaded.sweep is None
    assert (len(loaded.errors), len(loaded.warnings)) == (7, 2)
    with pytest.raises(SweepError) as caught:
        loaded.valid()
    assert caught.value.problems == loaded.problems
    assert caught.value.exit_code == 1
    assert str(caught.value).count("\n") == 8


@pytest.mark.parametrize("text", [b"", b"# nothing\n", b"- a\n", b"text\n", b"3\n"])
def test_what_is_no_mapping(read: Any, text: bytes) -> None:
    (problem,) = read(text).problems
    assert problem.message == "a sweep is a mapping of keys"


@pytest.mark.parametrize("text", [b"method: grid\nname: \xe9\n", "method: grid".encode("utf-16")])
def test_other_encodings_are_told(read: Any, text: bytes) -> None:
    (problem,) = read(text).problems
    assert (problem.message[:14], problem.hint) == ("not UTF-8 text", "save it as UTF-8")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert str(read_sweep(tmp_path / "no.yaml").problems[0]).endswith(
        "no.yaml: no such file; name a file that is there"
    )
    assert str(read_sweep(tmp_path).problems[0]).endswith(": is a directory; name a file that is there")


@pytest.mark.parametrize("file", YAML, ids=lambda file: file.stem)
def test_a_dict_is_read_as_its_file_is(file: Path) -> None:
    from_file = read_sweep(file)
    from_dict = read_sweep(from_file.source)
    assert from_dict.sweep == from_file.sweep
    assert {(p.key, p.message) for p in from_dict.errors} == {(p.key, p.message) for p in from_file.errors}
    assert all(str(p).startswith("<dict>: ") for p in from_dict.problems)


@pytest.mark.parametrize("file", YAML, ids=lambda file: file.stem)
def test_what_was_read_can_be_written_and_read_again(file: Path, read: Any) -> None:
    loaded = read_sweep(file)
    again = read(yaml.safe_dump(dict(loaded.source)))
    assert again.sweep == loaded.sweep


def test_a_dict_with_exponents_as_pyyaml_loads_them() -> None:
    text = "method: random\nparameters: {lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-1}}\n"
    sweep = load_sweep(yaml.safe_load(text))
    assert sweep.parameters["lr"].bounds() == (1e-5, 0.1)


def test_a_dict_is_not_changed() -> None:
    given = {"method": "random", "parameters": {"a": {"min": "1e-5", "max": "1e-2"}}}
    read_sweep(given, ["parameters.a.max=1", "name=x"])
    assert given == {"method": "random", "parameters": {"a": {"min": "1e-5", "max": "1e-2"}}}


def test_load_sweep_takes_all_forms_and_raises(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(VALID)
    sweep = load_sweep(path)
    assert load_sweep(str(path)) == sweep == load_sweep(SWEEP) == load_sweep(sweep)
    with pytest.raises(SweepError, match="method: is missing"):
        load_sweep({"parameters": {}})


@pytest.mark.parametrize(
    ("section", "line", "number"),
    [
        ("parameters: {x: {values: ['1e-5', 1]}}", "parameters.x.values.0", True),
        ("parameters: {x: {value: {deep: ['2E3']}}}", "parameters.x.value.deep.0", True),
        ("early_terminate: {type: hyperband, min_iter: '1e1'}", "early_terminate.min_iter", True),
        ("run_cap: '1e1'", "run_cap", True),
        ("name: '1e5'", "name", False),
        ("command: [python, '1e5']", "command.1", False),
        ("description: 1e5", "description", False),
    ],
)
def test_quoted_exponents_are_numbers_where_numbers_belong(
    read: Any, section: str, line: str, number: bool
) -> None:
    loaded = read(f"method: random\nprogram: t.py\nmetric: {{name: l}}\n{section}\n")
    assert [p.key for p in loaded.warnings if "in quotes is the number" in p.message] == [line] * number
    value: Any = loaded.source
    for key in line.split("."):
        value = value[int(key) if key.isdigit() else key]
    assert isinstance(value, float) == (number or section.startswith("description"))


def test_texts_that_yaml_reads_as_numbers_stay_texts() -> None:
    sweep = load_sweep({**SWEEP, "name": 1.5, "project": 7, "description": 1e5})
    assert (sweep.name, sweep.project, sweep.description) == ("1.5", "7", "100000.0")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (90, 90),
        (0.5, 0.5),
        ("45s", 45),
        ("90m", 5400),
        ("1.5h", 5400),
        (".5h", 1800),
        ("2 d", 172_800),
        ("12H", 43_200),
        ("1:30", 5400),
        ("1:30:00", 5400),
        ("0:00:10", 10),
        ("1-12:00:00", 129_600),
        ("2-00:30", 174_600),
    ],
)
def test_times(text: Any, seconds: float) -> None:
    assert load_sweep({**SWEEP, "hpo": {"time_budget": text}}).hpo.time_budget == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (1024, 1024),
        ("4G", 4 * 2**30),
        ("512M", 2**29),
        ("512MB", 2**29),
        ("2GiB", 2**31),
        ("1.5k", 1536),
        ("0.5 T", 2**39),
        ("1000", 1000),
    ],
)
def test_memory(text: Any, size: int) -> None:
    assert load_sweep({**SWEEP, "hpo": {"resources": {"memory": text}}}).hpo.resources.memory == size


def test_a_time_in_base_60_is_read_as_seconds_without_a_warning(read: Any) -> None:
    loaded = read(VALID + "hpo: {time_budget: 1:30:00, kill_grace: 10s}\n")
    assert loaded.problems == ()
    assert loaded.valid().hpo.time_budget == 5400
    assert loaded.valid().hpo.kill_grace == 10


@pytest.mark.parametrize(
    ("hpo", "said"),
    [
        ({"time_budget": "soon"}, "hpo.time_budget: 'soon' is not a time; write seconds, or 90m"),
        ({"time_budget": "1.2.3h"}, "hpo.time_budget: '1.2.3h' is not a time"),
        ({"trial_timeout": "soon"}, "hpo.trial_timeout: 'soon' is not a time; write seconds, or 90m"),
        ({"time_budget": 0}, "hpo.time_budget: 0: input should be greater than 0"),
        ({"kill_grace": "-1s"}, "hpo.kill_grace: '-1s' is not a time"),
        ({"resources": {"memory": "lots"}}, "hpo.resources.memory: 'lots' is not an amount of memory"),
        ({"resources": {"memory": "1.2.3G"}}, "hpo.resources.memory: '1.2.3G' is not an amount of memory"),
        ({"resources": {"memory": 0}}, "hpo.resources.memory: 0: input should be greater than 0"),
        ({"resources": {"cpus": 2}}, "hpo.resources.cpus: unknown key 'cpus'; did you mean 'cpu'?"),
        ({"resources": {"cpu": -1}}, "hpo.resources.cpu: -1: input should be greater"),
        ({"resources": {"gpu": True}}, "hpo.resources.gpu: True is not a number"),
        ({"seed": 1.5}, "hpo.seed: 1.5 is not a whole number; write an integer"),
        ({"seed": "x"}, "hpo.seed: 'x' is not a number; write one number"),
        ({"sede": 1}, "hpo.sede: unknown key 'sede'; did you mean 'seed'?"),
        ({"concurrency": 0}, "hpo.concurrency: 0: input should be greater than or equal to 1"),
        ({"max_failures": -1}, "hpo.max_failures: -1: input should be greater"),
        (3, "hpo: a mapping is needed, not 3"),
    ],
)
def test_settings_that_are_refused(hpo: Any, said: str) -> None:
    (error,) = read_sweep({**SWEEP, "hpo": hpo}).errors
    assert said in str(error)
    assert not str(error).endswith("`distribution: uniform`")


def test_a_repeated_section_is_checked_once_and_the_last_counts(read: Any) -> None:
    loaded = read(VALID + "metric: {name: a, goal: oops}\nmetric: {name: '1e5x', goal: maximize}\n")
    assert loaded.errors == []
    assert loaded.valid().metric.goal == "maximize"


def test_what_has_no_end_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/zero"), tmp_path / "pipe"):
        assert str(read_sweep(path).problems[0]) == f"{path}: not a regular file; write it to one"
    assert read_sweep("a\0b").problems[0].message == "no such file: the name holds NUL"
    (tmp_path / "large.yaml").write_text("# " + "x" * 2_000_000)
    assert "larger than 2 MB" in str(read_sweep(tmp_path / "large.yaml").problems[0])


@pytest.mark.parametrize(
    "text",
    [
        "method: [grid]\n",
        "method: {grid: 1}\n",
        f"method: {'m' * 5000}:S\n",
        f"method: random\nprogram: {'p' * 5000}.py\nhpo: {{setup: 'm:f'}}\n",
        f"method: random\nprogram: {'m' * 5000}:C\n",
        f"method: random\nearly_terminate: {{type: '{'m.' * 500}m:S'}}\n",
        'method: random\nprogram: "a\\0b.py"\n',
        "method: random\nhpo: {resources: {memory: " + "9" * 400 + "G}}\n",
        "method: random\nhpo: {time_budget: '" + "9" * 400 + ":00:00', kill_grace: .inf}\n",
        "method: qmc\nhpo: {seed: -1}\n",
        "method: qmc\nhpo: {seed: 0x" + "f" * 300 + "}\n",
        "method: nsga2\nmetrics: [1, [2], {name: [3]}, null]\n",
        "method: random\nrun_cap: 1" + "0" * 299 + "9\n",
    ],
)
def test_odd_values_end_in_problems_or_a_sweep_that_can_be_explained(text: str, read: Any) -> None:
    loaded = read(text + "parameters: {x: {values: [1, 2]}, y: {min: 0.0, max: 1.0}}\n")
    told = explain(loaded)
    assert json.loads(json.dumps(told))["errors"] or len(told["samples"]) == 3


def test_unknown_keys_are_told_up_to_a_number(read: Any) -> None:
    loaded = read(VALID + "".join(f"metrc{n}: 1\n" for n in range(20_000)))
    assert len(loaded.warnings) == 200
    assert loaded.sweep


def test_a_rule_beside_conditions_that_cannot_be_understood(read: Any) -> None:
    rule = "metric: {name: l}\nearly_terminate: {type: pbt, interval: 3, mutate: [lr]}\n"
    text = "method: random\nparameters: {lr: {min: 0.0, max: 1.0, when: {b: 1}}}\n"
    assert [p.key for p in read(text + rule).errors] == ["parameters.lr.when.b"]
