from __future__ import annotations

import itertools
import json
import os
import selectors
import socket
import stat
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.trial import channel
from hpo.trial.channel import PATH_LIMIT, Channel, private_directory
from hpo.trial.lines import Lines, pack, unpack


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_lines_do_not_depend_on_how_they_are_cut(data: bytes, cuts: list[int]) -> None:
    lines, found = Lines(), []
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        found += lines.feed(data[start:end])
    assert [*found, lines.rest()] == data.split(b"\n")


def test_a_long_line_is_dropped_and_the_next_is_read() -> None:
    lines = Lines(limit=4)
    assert lines.feed(b"1234\n12345\n") == [b"1234"]
    assert lines.feed(b"123") + lines.feed(b"45") + lines.feed(b"6" * 9) == []
    assert lines.rest() == b""
    assert lines.feed(b"\nab\n") == [b"ab"]
    assert lines.dropped == 2


@pytest.mark.parametrize("line", [b"", b"[1]", b"3", b"{", b"\xff", b"[" * 100_000, b'{"a":1}}'])
def test_what_is_no_object_is_none(line: bytes) -> None:
    assert unpack(line) is None


def test_messages_survive_the_journey() -> None:
    message = {"a": [1, 0.1, None], "é\n": "\udcff", "inf": float("inf")}
    packed = pack(message)
    assert packed.count(b"\n") == 1
    assert unpack(packed[:-1]) == message


class Ear:
    """A channel with everything it hears, driven by hand."""

    def __init__(self, path: Path, limit: int = 2**20) -> None:
        self.selector = selectors.DefaultSelector()
        self.heard: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self.channel = Channel(str(path), self.selector, self.heard.append, self.warnings.append, limit)

    def connect(self) -> socket.socket:
        script = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        script.connect(self.channel.path)
        return script

    def until(self, count: int, timeout: float = 60.0) -> None:
        deadline = time.monotonic() + timeout
        while len(self.heard) < count and time.monotonic() < deadline:
            for key, _ in self.selector.select(0.1):
                key.data()
        assert len(self.heard) == count

    def settle(self) -> None:
        while ready := self.selector.select(0):
            for key, _ in ready:
                key.data()


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    it = Ear(tmp_path / "c")
    yield it
    it.channel.close()
    assert not it.selector.get_map()


def test_messages_of_several_processes(ear: Ear) -> None:
    one, two = ear.connect(), ear.connect()
    with one, two:
        one.sendall(b'{"row": {"a": 1}')
        two.sendall(b'{"row": {"b": 2}}\n')
        ear.until(1)
        one.sendall(b'}\n{"row": {"a": 2}}\n')
        ear.until(3)
        assert not ear.channel.drained
    ear.settle()
    assert ear.channel.drained
    assert ear.heard == [{"row": {"b": 2}}, {"row": {"a": 1}}, {"row": {"a": 2}}]
    assert ear.warnings == []


@pytest.mark.parametrize(("gap", "rests"), [(1e-4, 12), (0.01, 0)])
def test_rows_in_quick_succession_are_left_to_gather(
    ear: Ear, monkeypatch: pytest.MonkeyPatch, gap: float, rests: int
) -> None:
    clock = itertools.count(100.0, gap)
    slept: list[float] = []
    monkeypatch.setattr(channel, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=slept.append))
    with ear.connect() as script:
        for number in range(20):
            script.sendall(pack({"row": {"a": number}}))
            ear.until(number + 1)
    ear.settle()
    assert slept == [channel.PAUSE] * rests


def test_a_message_outlives_its_sender(ear: Ear) -> None:
    with ear.connect() as script:
        script.sendall(b'{"row": 1}\n')
    ear.channel.accept()
    ear.until(1)
    ear.settle()
    assert ear.channel.drained


def test_broken_reports_are_dropped_with_one_warning(ear: Ear) -> None:
    with ear.connect() as script:
        script.sendall(b'nonsense\n\n{"row": \n[1]\n\xff\xfe\n{"row": 1}\n{"torn": ')
    ear.until(1)
    ear.settle()
    assert ear.warnings == ["a report that is no JSON object was dropped"]


def test_a_last_line_without_its_end_counts_if_it_is_whole(ear: Ear) -> None:
    with ear.connect() as script:
        script.sendall(b'{"row": 1}')
    ear.until(1)


def test_a_report_beyond_the_limit_is_dropped_with_a_warning(tmp_path: Path) -> None:
    ear = Ear(tmp_path / "c", limit=1000)
    with ear.connect() as script:
        for _ in range(2):
            script.sendall(json.dumps({"row": {"x": "y" * 2000}}).encode() + b"\n")
        script.sendall(b'{"row": 1}\n')
        ear.until(1)
    ear.channel.close()
    assert ear.warnings == ["a reported row of more than 1000 bytes was dropped"]


def test_closing_removes_the_socket_and_cuts_the_script_off(tmp_path: Path) -> None:
    ear = Ear(tmp_path / "c")
    with ear.connect() as script:
        ear.channel.accept()
        ear.channel.close()
        assert not os.path.exists(ear.channel.path)
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            script.sendall(b"x" * 10**7)


def test_the_private_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    path = private_directory()
    try:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
        assert len(path) < PATH_LIMIT
        assert not path.startswith(str(long))
    finally:
        os.rmdir(path)
    monkeypatch.setenv("TMPDIR", "/dev/shm")
    path = private_directory()
    os.rmdir(path)
    assert path.startswith("/dev/shm/hpo-")


def test_senders_that_live_at_once_are_told_from_those_that_follow_each_other(tmp_path: Path) -> None:
    ear = Ear(tmp_path / "c")
    found: list[bool] = []

    def receive(message: dict[str, Any]) -> None:
        ear.heard.append(message)
        if "loss" in message:
            found.append(ear.channel.beside())

    ear.channel.receive = receive
    first, second, other = ear.connect(), ear.connect(), ear.connect()
    other.sendall(b'{"speed":1}\n')
    first.sendall(b'{"loss":1}\n')
    ear.until(2)
    first.sendall(b'{"loss":1}\n')
    ear.until(3)
    assert found == [False, False]
    second.sendall(b'{"loss":2}\n')
    ear.until(4)
    assert found == [False, False, True]
    first.sendall(b'{"speed":1}\n' * 9)
    first.close()  # what it has sent is unread, and it lives no more
    assert ear.channel.beside() is False
    ear.channel.close()
