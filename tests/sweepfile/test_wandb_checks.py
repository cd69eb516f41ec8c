"""`hpo.wandb`: what would fail in every trial is said before the first one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from hpo.sweepfile.load import read_sweep

SWEEP: dict[str, Any] = {
    "method": "random",
    "program": "train.py",
    "parameters": {"lr": {"min": 0, "max": 9}},
}
VARIABLES = ("API_KEY", "IDENTITY_TOKEN_FILE", "MODE", "BASE_URL", "CONFIG_DIR")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any account, and a wandb that is installed."""
    for name in VARIABLES:
        monkeypatch.delenv(f"WANDB_{name}", raising=False)
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    package(tmp_path, monkeypatch)
    return tmp_path


def package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "site" / "wandb").mkdir(parents=True)
    (folder / "site" / "wandb" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(folder / "site"))


def said(mode: Any, **more: Any) -> list[str]:
    return [str(problem) for problem in read_sweep({**SWEEP, **more, "hpo": {"wandb": mode}}).problems]


@pytest.mark.parametrize("mode", ["off", False, "offline"])
def test_nothing_is_asked_of_who_goes_nowhere(mode: Any) -> None:
    assert said(mode) == []
    loaded = read_sweep({**SWEEP, "hpo": {"wandb": mode}})
    assert loaded.valid().hpo.wandb == ("off" if mode is False else mode)


def test_online_needs_an_account(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = said("online")
    assert "no API key for W&B; call `wandb login` or set WANDB_API_KEY" in problem
    assert "wandb: offline" in problem
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    assert said("online") == []


@pytest.mark.parametrize(("variable", "asks"), [("offline", False), ("disabled", False), ("online", True)])
def test_no_account_is_asked_for_where_the_environment_keeps_wandb_from_its_server(
    variable: str, asks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", variable)
    assert bool(said("online")) is asks


@pytest.mark.parametrize(
    ("machine", "server", "fits"),
    [
        ("api.wandb.ai", None, True),
        ("api.forge.coreweave.com", None, True),
        ("api.wandb.ai", "https://api.forge.coreweave.com", True),
        ("other.site", None, False),
        ("api.wandb.ai", "https://wandb.our.site:8080", False),
        ("wandb.our.site:8080", "https://wandb.our.site:8080", True),
    ],
)
def test_wandb_login_is_found(
    machine: str, server: str | None, fits: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".netrc").write_text(f"machine {machine}\n  login user\n  password {'k' * 40}\n")
    (home / ".netrc").chmod(0o600)
    if server:
        (home / ".config" / "wandb").mkdir(parents=True)
        (home / ".config" / "wandb" / "settings").write_text(f"[default]\nbase_url = {server}\n")
    assert (said("online") == []) is fits


def test_a_missing_wandb_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "wandb" else real(name, *more)
    )
    for mode in ("offline", "online"):
        (problem,) = said(mode)
        assert problem.endswith("pip install wandb, or leave the key out: hpo itself needs no wandb")
        assert "warning" not in problem
    (warning,) = said("offline", command=["/opt/other/bin/python", "${program}", "${args}"])
    assert "warning" in warning


def test_a_folder_that_wandb_made_is_no_package(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "wandb").mkdir()
    monkeypatch.setattr("sys.path", [str(home)])
    assert "wandb is not installed" in said("offline")[0]


def test_a_mode_that_is_none() -> None:
    assert "'on' is not a choice" in said("on")[0]
