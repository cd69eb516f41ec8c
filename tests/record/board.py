"""TensorBoard itself, started on a log directory and asked over HTTP as its pages ask it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True)
class Board:
    """One TensorBoard, which may still be loading: whoever asks waits for what must come."""

    address: str
    patience: float = 90.0
    """Seconds that an answer may take."""

    def get(self, path: str, body: Any = None) -> Any:
        """What it answers, or None: what is not loaded yet is not found, and the Python loader fails so."""
        data = None if body is None else json.dumps(body).encode()
        head = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}/data/{path}", data, head)
        try:
            with urllib.request.urlopen(request, timeout=max(30, self.patience)) as answer:
                return json.loads(answer.read())
        except OSError:
            return None

    def until(self, ask: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
        """Ask until the answer is as it must be."""
        deadline = time.monotonic() + self.patience
        while True:
            answer = ask()
            if answer is not None and holds(answer):
                return answer
            assert time.monotonic() < deadline, f"TensorBoard still says {answer}"
            time.sleep(0.3)

    def columns(self) -> Any:
        """The hyperparameters and metrics of the HParams page."""
        return self.get("plugin/hparams/experiment", {"experimentName": ""})

    def sessions(self) -> dict[str, Any] | None:
        """Each session of the HParams page by its name: its hyperparameters, metrics and status."""
        columns = self.columns()
        if columns is None:
            return None
        asked = {
            "experimentName": "",
            "allowedStatuses": [f"STATUS_{n}" for n in ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")],
            "colParams": [{"metric": one["name"]} for one in columns.get("metricInfos", ())]
            + [{"hparam": one["name"]} for one in columns.get("hparamInfos", ())],
            "startIndex": 0,
            "sliceSize": 100_000,
        }
        answer = self.get("plugin/hparams/session_groups", asked)
        if answer is None:
            return None
        found = {}
        for group in answer.get("sessionGroups", ()):
            session = group["sessions"][0]
            metrics = {one["name"]["tag"]: one["value"] for one in session.get("metricValues", ())}
            found[session["name"]] = {
                "hparams": group["hparams"], "metrics": metrics, "status": session["status"],
            }  # fmt: skip
        return found

    def scalars(self, run: str, tag: str) -> list[tuple[int, float]] | None:
        """Step and value of each point."""
        answer = self.get(f"plugin/scalars/scalars?run={quote(run)}&tag={quote(tag)}")
        return None if answer is None else [(int(step), value) for _, step, value in answer]

    def tags(self, plugin: str) -> Any:
        """Run → its tags of a plugin."""
        return self.get(f"plugin/{plugin}/tags")


@contextmanager
def served(directory: Path, *, fast: bool = True, patience: float = 90.0) -> Iterator[Board]:
    """TensorBoard on a directory, with its data server or its Python loader."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(directory), "--port", str(port)]
    command += ["--load_fast", "true" if fast else "false", "--reload_interval", "1", "--host", "127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        board = Board(f"http://127.0.0.1:{port}", patience)
        board.until(lambda: board.get("runs"), lambda runs: True)
        yield board
    finally:
        process.terminate()
        process.wait()
