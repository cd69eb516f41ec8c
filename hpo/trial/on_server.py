"""What stands for something that only W&B's server has, until a script asks for a part of it.

Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

from typing import Any, NoReturn


class OnServer:
    """An artifact, by its name; whatever else is asked of it raises, in one sentence, what that needs."""

    def __init__(self, name: str, error: type[Exception], remedy: str) -> None:
        self.name = name
        self._error = error(f"artifact {name!r} is on W&B's server; {remedy}")

    def _refuse(self) -> NoReturn:
        raise self._error

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_"):
            raise AttributeError(key)
        self._refuse()

    def __getitem__(self, key: object) -> NoReturn:
        self._refuse()

    def __fspath__(self) -> str:
        self._refuse()
