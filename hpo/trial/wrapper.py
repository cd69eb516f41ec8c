"""What the user's interpreter sets before its first line of Python: a wrapper, `env`, site packages."""

from __future__ import annotations

from collections.abc import Mapping


class Unlike(Exception):
    """A trial's interpreter would set something else; the message names the variable."""


class Wrapper:
    """The variables that the warm parent's own start has changed; its trials get the same.

    `given` is the environment that it was started with, `found` the one that its interpreter began with.
    """

    def __init__(self, given: Mapping[str, str], found: Mapping[str, str]) -> None:
        self.given = given
        self.changed = {
            name: found.get(name) for name in {*given, *found} if given.get(name) != found.get(name)
        }

    def of(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment that an interpreter started with `env` would begin with.

        Raises Unlike where a changed variable, or its value, goes back to one that `env` has otherwise.
        """
        copied = {value for value in self.changed.values() if value}
        for name in {*self.given, *env} if self.changed else ():
            mine, started = env.get(name), self.given.get(name)
            if (
                mine != started
                and not name.startswith("HPO_")
                and (name in self.changed or started in copied)
            ):
                raise Unlike(name)
        changed = {**env, **self.changed}
        return {name: value for name, value in changed.items() if value is not None}
