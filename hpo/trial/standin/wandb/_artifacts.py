"""Artifacts: files that a script wants kept on W&B's server, which stay where they are."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from .errors import Error


class Artifact:
    """A named set of files; what is asked back from the server is not there."""

    def __init__(
        self,
        name: str,
        type: str = "",
        description: str | None = None,
        metadata: dict[str, Any] | None = None,
        *args: Any,
        **options: Any,
    ) -> None:
        self.name, self.type, self.description = name, type, description
        self.metadata = dict(metadata or {})
        self.version, self.id, self.digest, self.state = "v0", None, "", "PENDING"
        self.aliases: list[str] = []
        self.tags: list[str] = []

    def _ignore(self, *args: Any, **options: Any) -> None:
        """Accepted and ignored."""

    add = add_file = add_dir = add_reference = remove = delete = save = link = finalize = _ignore

    def new_file(self, name: str, mode: str = "w", encoding: str | None = None) -> Any:
        """An open file that is thrown away."""
        return open(os.path.join(tempfile.mkdtemp(), os.path.basename(name)), mode, encoding=encoding)

    def wait(self, *args: Any, **options: Any) -> Artifact:
        """Nothing to wait for."""
        return self

    def _absent(self, *args: Any, **options: Any) -> Any:
        raise Error(f"artifact {self.name!r} is on W&B's server; install wandb and set WANDB_MODE=online")

    download = get = get_entry = get_path = file = files = checkout = verify = _absent
