from __future__ import annotations

import os
from pathlib import Path

import pytest

from hpo.trial import log as logs
from hpo.trial.log import HEAD, LIMIT, TAIL, Log


def tail(path: Path, start: int = 0) -> list[str]:
    """The last lines of a log whose first `start` bytes are an earlier attempt's."""
    text = path.read_bytes()
    path.write_bytes(text[:start])
    log = Log(str(path), 0.0)
    path.write_bytes(text)
    lines = log.tail()
    log.close()
    return lines


def test_the_tail_of_a_log(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"first attempt\n\x1b[31mred\x1b[0m\n\n 10%|#  |\r100%|###|\r\nbroken \xff\n" + b"y" * 5)
    assert tail(path) == ["first attempt", "red", "100%|###|", "broken \ufffd", "yyyyy"]
    assert tail(path, 14)[0] == "red"
    path.write_bytes(b"x\n" * 10**6)
    assert 20 < len(tail(path)) < 10**5


def test_a_log_below_the_limit_is_left_alone(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log.txt"), 0.0)
    os.ftruncate(log.fd, LIMIT)
    log.trim()
    assert os.fstat(log.fd).st_size == LIMIT
    log.close()


def test_beyond_it_head_and_newest_lines_stay_and_a_line_says_what_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    log = Log(str(path), 0.0)
    printed = 0
    for step in range(3):  # the last look finds it long again, and counts what was cut before
        for number in range(LIMIT // 2**20 + 1):
            printed += os.write(log.fd, f"{step}.{number} ".encode().ljust(2**20 - 1) + b"\n")
        log.trim()
    text = path.read_bytes()
    assert len(text) < LIMIT
    assert text.startswith(b"0.0 ")
    assert text.endswith(f"2.{LIMIT // 2**20} ".encode().ljust(2**20 - 1) + b"\n")
    assert text.count(b"hpo: ") == 1
    mark = text[HEAD : HEAD + 100].split(b"\n")[1].decode()
    cut = int(mark.split()[1].replace(",", ""))
    assert mark == f"hpo: {cut:>19,} bytes were cut here; a log is kept to 64 MiB"
    assert abs(printed - cut - HEAD - TAIL) < 1000
    log.close()


def test_only_lines_of_this_attempt_are_its_tail_after_a_cut(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"before\n" * 4_000_000)
    log = Log(str(path), 0.0)
    os.write(log.fd, b"x" * (LIMIT - TAIL) + b"\nmine\n")
    log.trim()
    os.write(log.fd, b"last\n")
    assert log.tail()[1:] == ["mine", "last"]
    path.unlink()
    assert log.tail()[-1] == "last"  # also when the trial has removed it
    log.close()


def test_a_log_is_looked_at_more_often_while_it_grows_fast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LIMIT", 1000)
    log = Log(str(tmp_path / "log.txt"), 0.0)
    looks = []
    for _ in range(6):
        log.tick(log.due)
        looks.append(log.due)
    assert looks[-1] - looks[-2] == pytest.approx(1.0)
    os.write(log.fd, b"x" * 100)
    now = log.due
    log.tick(now)
    assert log.due - now == pytest.approx(0.1)
    log.close()
