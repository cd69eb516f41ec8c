"""Requests to stop: they reach the driver that they were meant for, once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from hpo.record.holder import Owner, owner
from hpo.record.lock import RunLock
from hpo.record.stop_request import REQUEST, StopRequests, clear, noted, request, requested


def driver(run: Path) -> Owner:
    found = owner(run)
    assert found is not None
    return found


def test_a_request_is_taken_once_and_its_file_removed(tmp_path: Path) -> None:
    stops = StopRequests(tmp_path, "token", every=0.0)
    assert stops.take() is None
    request(tmp_path, "finish", "token")
    assert stops.take() == "finish"
    assert stops.take() is None
    assert list(tmp_path.iterdir()) == []
    request(tmp_path, "finish", "token")
    request(tmp_path, "now", "token")
    assert stops.take() == "now"


def test_a_request_to_an_earlier_driver_does_not_stop_the_next(tmp_path: Path) -> None:
    request(tmp_path, "now", "one that died")
    assert StopRequests(tmp_path, "token", every=0.0).take() is None


def test_the_driver_looks_now_and_then_only(tmp_path: Path) -> None:
    stops = StopRequests(tmp_path, "token", every=0.5)
    assert stops.take() is None
    request(tmp_path, "finish", "token")
    assert stops.take() is None
    time.sleep(0.5)
    assert stops.take() == "finish"


def test_what_is_no_request_is_none(tmp_path: Path) -> None:
    for text in ("", "{", "[1]", '"now"', "{}", '{"driver": "token"}'):
        (tmp_path / REQUEST).write_text(text)
        assert requested(tmp_path, "token") is None
    clear(tmp_path)
    clear(tmp_path)
    assert requested(tmp_path / "missing", "token") is None


def test_who_asks_learns_that_the_driver_has_taken_note(tmp_path: Path) -> None:
    with RunLock.acquire(tmp_path) as lock:
        request(tmp_path, "finish", lock.token)
        stops = StopRequests(tmp_path, lock.token)
        looking = threading.Timer(0.3, stops.take)
        looking.start()
        assert noted(tmp_path, driver(tmp_path), 60.0) is True
        looking.join()


def test_who_asks_learns_that_it_has_not_yet_and_the_request_stays(tmp_path: Path) -> None:
    with RunLock.acquire(tmp_path) as lock:
        request(tmp_path, "now", lock.token)
        assert noted(tmp_path, driver(tmp_path), 0.3) is False
        assert requested(tmp_path, lock.token) == "now"


def test_who_asks_learns_that_the_driver_ended_and_the_request_goes(tmp_path: Path) -> None:
    lock = RunLock.acquire(tmp_path)
    asked = driver(tmp_path)
    request(tmp_path, "now", lock.token)
    ending = threading.Timer(0.3, lock.release)
    ending.start()
    assert noted(tmp_path, asked, 60.0) is None
    ending.join()
    assert list(tmp_path.iterdir()) == []
