"""`python loaded.py MODULE…`: loads modules once, then runs script after script, each in a fork of its own.

A script finds what a trial forked from a warm parent finds: it is hpo.trial.fresh that it begins and ends by.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo.trial import fresh
from hpo.trial.exits import Exits
from hpo.trial.randomness import Randomness


class Loaded:
    """The process that has loaded them, as seen by tests."""

    def __init__(self, modules: tuple[str, ...], env: Mapping[str, str]) -> None:
        command = [sys.executable, __file__, *modules]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=dict(env), stdin=pipe, stdout=pipe, text=True)

    def run(self, script: Path, arguments: tuple[str, ...], folder: Path, env: Mapping[str, str]) -> int:
        """Run a script in `folder`, with files `out` and `err` there for what it prints; its exit code."""
        request = {"target": str(script), "arguments": arguments, "cwd": str(folder), "env": dict(env)}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        ended = select.poll()  # select() takes no descriptor above 1,023, which a worker of pytest's may have
        ended.register(self.process.stdout, select.POLLIN)
        assert ended.poll(90_000), f"{script.name} does not end"
        return int(self.process.stdout.readline())

    def close(self) -> None:
        """End it, and the script that it may be running."""
        self.process.kill()
        self.process.communicate()


def serve() -> None:
    """Run what is asked for, line by line."""
    exits, randomness = Exits(), Randomness()
    with randomness.noted():
        for name in sys.argv[1:]:
            importlib.import_module(name)
    exits.keep_finalizers()
    preloaded, parent = frozenset(sys.modules), os.getpid()
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            try:
                randomness.renew()
                _become(json.loads(line), preloaded, parent)
            finally:
                os._exit(1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(request: dict[str, Any], preloaded: frozenset[str], parent: int) -> None:
    fresh.die_with(parent)
    for descriptor, name in enumerate((os.devnull, "out", "err")):
        flags = os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT
        file = os.open(os.path.join(request["cwd"], name), flags, 0o600)
        os.dup2(file, descriptor)
        os.close(file)
    words = ["python", request["target"], *request["arguments"]]
    fresh.enter({**request, "words": words})
    fresh.run({**request, "words": words, "module": False}, None, preloaded)


if __name__ == "__main__":
    serve()
