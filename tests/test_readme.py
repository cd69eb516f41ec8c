"""The README names what there is: commands, keys, distributions, macros; and its set-up is two commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

import hpo
from hpo.cli.main import app
from hpo.space.distributions import DISTRIBUTIONS
from hpo.sweepfile.early import CUSTOM, RULES
from hpo.sweepfile.file_checks import ELSEWHERE, IGNORED
from hpo.sweepfile.model import HpoSettings, Metric, Resources, Sweep
from hpo.trial.command import MACROS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text between a heading and the next of its level."""
    match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert match, f"no section '{title}'"
    return match[1]


def table(title: str, header: str) -> dict[str, str]:
    """First cell → the rest of the row, of the table in a section whose first column has this header."""
    match = re.search(rf"^\| {header} \|.*\n\|[-|]+\n((?:\|.*\n)+)", section(title), re.MULTILINE)
    assert match, f"no table of {header}s in '{title}'"
    return dict(re.findall(r"^\| (.+?) \| (.+) \|$", match[1], re.MULTILINE))


def words(text: str) -> set[str]:
    """Everything in backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


def commands() -> dict[str, set[str]]:
    """Each real command and its options."""
    group = typer.main.get_command(app)
    found: dict[str, set[str]] = {}
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        found[name] = {
            option for parameter in command.params for option in parameter.opts if option[0] == "-"
        }
    return found


def test_commands_in_the_readme_are_the_real_ones() -> None:
    named = set(re.findall(r"(?<![\w.])hpo ([a-z][a-z-]*)(?= |`|$)", "\n".join(_code()), re.MULTILINE))
    assert named == set(commands())


def _code() -> list[str]:
    """What a reader would type: words in backticks, fenced and indented blocks."""
    return [
        *words(README),
        *re.findall(r"^```.*?^```", README, re.M | re.S),
        *re.findall(r"^    .*", README, re.M),
    ]


@pytest.mark.parametrize("command", sorted(commands()))
def test_options_in_the_command_table_are_the_real_ones(command: str) -> None:
    rows = table("Your own sweep", "command").items()
    text = next(rest for first, rest in rows if re.match(rf"`hpo {command}\b", first))
    assert set(re.findall(r"`(--[a-z-]+)", text)) <= commands()[command]


def test_set_up_is_two_commands() -> None:
    blocks = re.findall(r"^```bash\n(.*?)^```", section("Set-up"), re.MULTILINE | re.DOTALL)
    assert [block.count("\n") for block in blocks] == [1, 1]
    assert re.findall(r"^(```|    )", section("Set-up"), re.MULTILINE) == ["```"] * 4
    assert blocks[0].rstrip().endswith("python -m hpo run configs/digits/random.yaml")
    assert blocks[1] == "bash tests/run.sh\n"


def test_set_up_installs_an_extra_that_exists() -> None:
    extras = re.findall(r"\.\[(\w+)\]", section("Set-up"))
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert [extra for extra in extras if re.search(rf"^{extra} = \[", text, re.MULTILINE)] == ["examples"]


def test_hpo_keys_are_the_models() -> None:
    rows = table("Settings beyond W&B", "key")
    assert {key.strip("`") for key in rows} == set(HpoSettings.model_fields)
    assert words(rows["`resources`"]) >= set(Resources.model_fields)


def test_every_top_level_key_is_explained() -> None:
    named = words(" ".join(table("What of a sweep file works", "key")))
    assert named - {"method: custom"} == (set(Sweep.model_fields) | ELSEWHERE | IGNORED) - {"hpo"}


def test_every_key_of_the_metric_is_explained() -> None:
    named = {word.split(":")[0] for word in words(table("What of a sweep file works", "key")["`metric`"])}
    assert set(Metric.model_fields) <= named


def test_every_rule_of_early_stopping_is_explained() -> None:
    rows = table("When trials stop early", "type")
    assert {name.strip("`") for name in rows} == set(RULES)
    for name, model in RULES.items():
        named = {word.split(":")[0] for word in words(rows[f"`{name}`"])}
        assert name == CUSTOM or set(model.model_fields) - {"type"} <= named


def test_defaults_of_early_stopping_are_the_models() -> None:
    told = {
        (name.strip("`"), key): float(number)
        for name, row in table("When trials stop early", "type").items()
        for key, number in re.findall(r"`(\w+)` \((\d[\d.]*)[):]", row)
    }
    assert ("median", "min_samples") in told
    assert told == {(name, key): RULES[name].model_fields[key].default for name, key in told}


def test_every_distribution_and_macro_is_named() -> None:
    named = words(section("What of a sweep file works"))
    assert set(DISTRIBUTIONS) <= named
    assert {word for word in named if word.startswith("${")} == {f"${{{name}}}" for name in MACROS}


def test_python_names_are_public() -> None:
    named = set(re.findall(r"\bhpo\.(\w+)\(", README))
    assert named
    assert named <= set(hpo.__all__)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target
