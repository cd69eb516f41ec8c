"""Messages → records of a TensorBoard event file: their length and two checksums around them."""

from __future__ import annotations

import struct
import sys
from functools import lru_cache
from typing import Any

BLOCK = 1024
"""Bytes that one look-up of the checksum takes."""
SHORT = 64
"""Bytes that are summed up faster one by one."""


def framed(message: bytes) -> bytes:
    """A message as one record."""
    head = struct.pack("<Q", len(message))
    return b"".join((head, _masked(head), message, _masked(message)))


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def crc32c(data: bytes) -> int:
    """CRC-32C; much faster where somebody has imported numpy."""
    numpy = sys.modules.get("numpy")
    if len(data) > SHORT and numpy is not None:
        return _in_blocks(numpy, data)
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


@lru_cache(None)
def _table() -> tuple[int, ...]:
    """A byte's contribution with none after it."""
    found = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 if crc & 1 else crc >> 1
        found.append(crc)
    return tuple(found)


def _in_blocks(np: Any, data: bytes) -> int:
    """A sum, without carry, of what each byte contributes by its distance from the block's end."""
    far, places = _tables(np)
    crc = 0xFFFFFFFF
    for begin in range(0, len(data), BLOCK):
        block = np.frombuffer(data[begin : begin + BLOCK], np.uint8).astype(np.intp)
        size = len(block)
        block[:4] ^= np.frombuffer(struct.pack("<I", crc), np.uint8)[:size]
        left = crc >> (8 * size) if size < 4 else 0
        crc = int(np.bitwise_xor.reduce(far.take(block + places[BLOCK - size :]))) ^ left
    return crc ^ 0xFFFFFFFF


@lru_cache(None)
def _tables(np: Any) -> tuple[Any, Any]:
    """A byte's contribution with BLOCK - 1, …, 1, 0 bytes after it, and where each of these tables begins."""
    rows = [np.array(_table(), dtype=np.uint32)]
    for _ in range(BLOCK - 1):
        rows.append(rows[0][rows[-1] & 0xFF] ^ rows[-1] >> 8)
    return np.concatenate(rows[::-1]), 256 * np.arange(BLOCK)
