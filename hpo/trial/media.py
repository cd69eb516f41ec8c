"""Pictures and histograms that a script logs by `wandb.Image` and `wandb.Histogram` → TensorBoard.

They are written by the trial's own process, into a directory inside that of its numbers: TensorBoard's slower
loader reads no file of a directory on once another one is there. The messages are put together here, so that
no library is imported into a script for this.
"""

from __future__ import annotations

import contextlib
import io
import os
import struct
import sys
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hpo.trial.framing import framed

PLACE = "HPO_TENSORBOARD"
"""Variable that names the place of a trial's pictures in TensorBoard's log directory, where there is one."""
LOGS, MEDIA = "tensorboard", "media"
"""Names of the log directory in a run directory, and of the pictures' in a trial's part of it."""
MOST = 16
"""Pictures of one list that are shown."""
BINS = 64
_BEGAN = int(time.time())
_failed: list[str] = []


def name_of(number: int) -> str:
    """A trial's directory in the log directory, and what TensorBoard calls it."""
    return f"t{number:04d}"


def show(row: Mapping[str, Any], step: int) -> None:
    """Write what of a row is a picture or a histogram. What goes wrong is said once and hurts nobody."""
    folder = os.environ.get(PLACE)
    if not folder or folder in _failed:
        return
    try:
        values = [value for name, media in _media(row, "") if (value := _value(name, media))]
        if values:
            _write(folder, values, step)
    except Exception as error:  # objects of any library, files of any disk
        _failed.append(folder)
        print(f"hpo: pictures and histograms are not shown in TensorBoard: {error!r}", file=sys.stderr)


def _media(row: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _media(value, f"{name}.")
        elif isinstance(value, (list, tuple)):
            for place, one in enumerate(value[:MOST]):
                if _kind(one):
                    yield f"{name}/{place}", one
        elif _kind(value):
            yield name, value


def _kind(value: Any) -> str:
    """`Image` or `Histogram` of wandb or of its stand-in; empty for all else."""
    for one in type(value).__mro__:
        if one.__name__ in ("Image", "Histogram") and "wandb" in one.__module__:
            return one.__name__
    return ""


def _value(name: str, media: Any) -> bytes:
    tag = _field(1, name.encode())
    if _kind(media) == "Image":
        picture = _encoded(media)
        return _field(1, tag + _field(4, _field(4, picture) + _size(picture))) if picture else b""
    counts, edges = _histogram(media)
    return _field(1, tag + _field(5, _histogram_message(counts, edges))) if counts else b""


def _write(folder: str, values: list[bytes], step: int) -> None:
    above = os.path.dirname(folder)
    for one in (os.path.dirname(above), above, folder):
        with contextlib.suppress(FileExistsError):
            os.mkdir(one)  # a run directory that has vanished stays away
    path = os.path.join(folder, f"events.out.tfevents.{_BEGAN:010d}.{os.getpid()}.hpo")
    when = struct.pack("<Bd", 0x09, time.time())
    head = b"" if os.path.exists(path) else framed(when + _field(3, b"brain.Event:2"))
    event = when + b"\x10" + _varint(max(0, step)) + _field(5, b"".join(values))
    with open(path, "ab") as file:
        file.write(head + framed(event))


def _encoded(media: Any) -> bytes:
    """A picture as the bytes of its PNG, JPEG or GIF file."""
    path = getattr(media, "_path", None)
    if isinstance(path, str):  # wandb has written it
        with open(path, "rb") as file:
            return file.read()
    source = media.args[0] if getattr(media, "args", ()) else media.options.get("data_or_path")
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            return file.read()
    for name, options in (("savefig", {"format": "png"}), ("save", {"format": "PNG"})):  # matplotlib, PIL
        if callable(getattr(source, name, None)):
            target = io.BytesIO()
            getattr(source, name)(target, **options)
            return target.getvalue()
    return _png(source)


def _png(array: Any) -> bytes:
    """An array of numpy (height, width, channels) or torch (channels first) as PNG; empty for all else."""
    if callable(getattr(array, "detach", None)):
        array = array.detach().cpu().numpy()
        array = array.transpose(1, 2, 0) if array.ndim == 3 else array
    if not hasattr(array, "astype") or array.ndim not in (2, 3):
        return b""
    array = array.squeeze(2) if array.ndim == 3 and array.shape[2] == 1 else array
    if str(array.dtype) != "uint8":
        scale = 255 if array.size and array.min() >= 0 and array.max() <= 1 else 1
        array = (array * scale).clip(0, 255).astype("uint8")
    height, width = array.shape[:2]
    colour = {2: 0, 3: 2, 4: 6}.get(array.ndim if array.ndim == 2 else array.shape[2])
    if colour is None:
        return b""
    lines = b"".join(b"\0" + line.tobytes() for line in array)
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 3)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, parts))


def _chunk(part: tuple[bytes, bytes]) -> bytes:
    kind, data = part
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _size(picture: bytes) -> bytes:
    """Height and width, where they are told at once: TensorBoard shows a picture in its own size."""
    if not picture.startswith(b"\x89PNG"):
        return b""
    width, height = struct.unpack(">II", picture[16:24])
    return b"\x08" + _varint(height) + b"\x10" + _varint(width) + b"\x18\x03"


def _histogram(media: Any) -> tuple[list[float], list[float]]:
    """Counts, and the edges between which they lie."""
    counts, edges = getattr(media, "histogram", None), getattr(media, "bins", None)
    if counts is not None and edges is not None:
        return [*map(float, counts)], [*map(float, edges)]
    made = media.options.get("np_histogram")
    if made is not None:
        return [*map(float, made[0])], [*map(float, made[1])]
    source = media.args[0] if media.args else media.options.get("sequence")
    flat = getattr(source, "flatten", None)
    values = flat().tolist() if callable(flat) else list(source)
    return _binned([float(one) for one in values if abs(float(one)) < float("inf")], media.options)


def _binned(values: Sequence[float], options: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    if not values:
        return [], []
    bins = max(1, int(options.get("num_bins") or BINS))
    low, high = min(values), max(values)
    width = (high - low) / bins or 1.0
    counts = [0.0] * bins
    for value in values:
        counts[min(bins - 1, int((value - low) / width))] += 1
    return counts, [low + place * width for place in range(bins + 1)]


def _histogram_message(counts: Sequence[float], edges: Sequence[float]) -> bytes:
    middles = [(edges[place] + edges[place + 1]) / 2 for place in range(len(counts))]
    weighted = [count * middles[place] for place, count in enumerate(counts)]
    squares = sum(one * middles[place] for place, one in enumerate(weighted))
    numbers = (edges[0], edges[-1], sum(counts), sum(weighted), squares)
    message = b"".join(struct.pack("<Bd", 8 * place + 9, one) for place, one in enumerate(numbers))
    return message + _field(6, _doubles(edges[1:])) + _field(7, _doubles(counts))


def _doubles(values: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes in a message of protobuf."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
