"""`hpo.wandb` → whether the real wandb is there, and has an account where it is to be online."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hpo.sweepfile.document import Document

CLOUD = ("api.wandb.ai", "api.forge.coreweave.com", "forge.coreweave.com")
"""Names of W&B's own server, by the version of wandb; a login under one of them holds for all."""
LATER = "compute nodes often have no internet: write `wandb: offline`, and call `wandb sync` later"


def wandb_there(document: Document, raw: Mapping[str, Any]) -> None:
    """Say before the first trial what would fail in each of them."""
    own = raw.get("hpo")
    mode = own.get("wandb") if isinstance(own, Mapping) else None
    if mode not in ("offline", "online"):
        return
    place = ("hpo", "wandb")
    if not _installed():
        another = bool(raw.get("command"))  # its interpreter may find what ours does not
        hint = "pip install wandb, or leave the key out: hpo itself needs no wandb"
        document.problem(place, "wandb is not installed", hint, "warning" if another else "error")
    elif mode == "online" and not logged_in(os.environ):
        hint = f"call `wandb login` or set WANDB_API_KEY; {LATER}"
        document.problem(place, f"there is no API key for {_server(os.environ) or 'W&B'}", hint)


def _installed() -> bool:
    """Whether there is a package; a mere folder of that name, as wandb itself makes, is none."""
    try:
        spec = importlib.util.find_spec("wandb")
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None


def logged_in(environ: Mapping[str, str]) -> bool:
    """Whether wandb finds an account where it looks for one: variables, .netrc, its settings."""
    if environ.get("WANDB_API_KEY") or environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    if environ.get("WANDB_MODE", "online") != "online":
        return True  # it goes before the sweep, and needs none
    if _setting("api_key", environ):
        return True
    import netrc  # only here: `hpo check` is to be instant

    host = urlsplit(_server(environ)).netloc
    hosts = CLOUD if not host or host in CLOUD else (host,)
    home = _home()
    named = environ.get("NETRC")
    for path in [Path(os.path.expanduser(named))] if named else [home / ".netrc", home / "_netrc"]:
        try:
            logins = netrc.netrc(path)
        except (OSError, netrc.NetrcParseError):
            continue
        if any(map(logins.authenticators, hosts)):
            return True
    return False


def _home() -> Path:
    """The home directory; one that does not exist where there is none, as for a user without a name."""
    return Path(os.path.expanduser("~"))


def _server(environ: Mapping[str, str]) -> str:
    """Address of a server that is not W&B's own; empty where none is named."""
    return environ.get("WANDB_BASE_URL") or _setting("base_url", environ) or ""


def _setting(name: str, environ: Mapping[str, str]) -> str | None:
    """From wandb's own settings, those of the working directory first."""
    import configparser

    shared = environ.get("WANDB_CONFIG_DIR") or _home() / ".config" / "wandb"
    for folder in (Path("wandb"), Path(shared)):
        settings = configparser.ConfigParser(interpolation=None)
        try:
            settings.read(folder / "settings", encoding="utf-8")
        except (configparser.Error, UnicodeError, OSError):
            continue
        if found := settings.get("default", name, fallback=None):
            return found
    return None
