"""TensorBoard's event files: messages of TensorBoard's own protos, framed as its record writer frames them.

The framing is ours because importing TensorBoard's takes eight times as long as its protos, and its checksum
is Python byte by byte. Importing this module loads neither protos nor numpy; making an EventFile does.
"""

from __future__ import annotations

import math
import os
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.trial.framing import framed

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import Summary

PREFIX = "events.out.tfevents."
FLOATS = 3.4e38
"""A larger number is infinite in an event file."""


class EventFile:
    """A new event file, appended to: records are kept until `flush` writes them with one call.

    TensorBoard reads the files of a directory in the order of their names: a later one goes on after them.
    """

    def __init__(self, directory: Path, began: float) -> None:
        """Of what began then, in Unix seconds. Raises OSError."""
        import numpy  # noqa: F401 (checksums are faster with it)
        from tensorboard.compat.proto.event_pb2 import Event

        self._event = Event
        directory.mkdir(parents=True, exist_ok=True)
        now = time.time_ns()
        path = directory / f"{PREFIX}{now // 10**9:010d}.{now % 10**9:09d}.hpo"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        self._waiting: list[bytes] = []
        self._put(Event(wall_time=began, file_version="brain.Event:2"))

    def scalars(self, step: int, when: float, values: Mapping[str, float]) -> None:
        """Keep numbers of one step in one record; those that are not finite are left out."""
        event = self._event(step=step, wall_time=when)
        for tag, value in values.items():
            if -FLOATS < value < FLOATS:
                event.summary.value.add(tag=tag, simple_value=value)
        if event.summary.value:
            self._put(event)

    def summary(self, step: int, when: float, values: Iterable[Summary.Value]) -> None:
        """Keep values of any kind."""
        event = self._event(step=step, wall_time=when)
        event.summary.value.extend(values)
        self._put(event)

    def flush(self) -> None:
        """Write what is kept. Raises OSError."""
        data = memoryview(b"".join(self._waiting))
        self._waiting.clear()
        while data:
            data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        """Write what is kept and close; a second time does nothing."""
        if self._descriptor < 0:
            return
        try:
            self.flush()
        finally:
            os.close(self._descriptor)
            self._descriptor = -1

    def _put(self, event: Any) -> None:
        self._waiting.append(framed(event.SerializeToString()))


def read_events(path: Path) -> Iterator[Any]:
    """The events of a file, as far as they are whole. Raises OSError."""
    from tensorboard.compat.proto.event_pb2 import Event

    with path.open("rb") as file:
        while len(head := file.read(12)) == 12:
            size = struct.unpack("<Q", head[:8])[0]
            data = file.read(size + 4)
            if len(data) < size + 4:
                return
            yield Event.FromString(data[:-4])


def text(tag: str, markdown: str) -> Summary.Value:
    """A text for TensorBoard's text page."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    one = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    content = TensorProto(dtype=DT_STRING, string_val=[markdown.encode()], tensor_shape=one)
    plugin = SummaryMetadata.PluginData(plugin_name="text")
    return Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin), tensor=content)


def numbers(row: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of a row, nested names joined by dots; W&B's own fields, texts and lists are left out."""
    found: dict[str, float] = {}
    for key, value in row.items():
        if isinstance(value, (bool, int, float)):
            if prefix or not key.startswith("_"):
                found[prefix + key] = as_float(value)
        elif isinstance(value, Mapping):
            found |= numbers(value, f"{prefix}{key}.")
    return found


def as_float(value: float) -> float:
    """As a float; an integer beyond all floats is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown; what the cells hold is shown as it is."""
    lines = [list(heads), *([cell(text) for text in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(content: str) -> str:
    """Text for a cell of a table, of which Markdown and HTML make nothing else."""
    plain = " ".join(content.split())
    for mark in "\\`*_{}[]<>#|~":
        plain = plain.replace(mark, "&#" + str(ord(mark)) + ";")
    return plain
