from __future__ import annotations

from pathlib import Path

from hpo.record.trials import RunState
from hpo.review.logs import MOST_AT_ONCE, LogFollower


def followed(tmp_path: Path) -> tuple[Path, RunState, LogFollower]:
    log = tmp_path / "trials" / "0001" / "log.txt"
    log.parent.mkdir(parents=True)
    state = RunState()
    state.apply({"event": "start", "trial": 1})
    return log, state, LogFollower(tmp_path)


def test_lines_come_once_and_whole(tmp_path: Path) -> None:
    log, state, follower = followed(tmp_path)
    log.write_text("one\ntw")
    assert list(follower.lines(state)) == ["trial 1: one"]
    log.write_text("one\ntwo\nthree")
    assert list(follower.lines(state)) == ["trial 1: two"]
    state.apply({"event": "end", "trial": 1, "state": "finished"})
    assert list(follower.lines(state)) == ["trial 1: three"]
    assert list(follower.lines(state)) == []


def test_of_a_flood_the_newest_lines_are_shown(tmp_path: Path) -> None:
    log, state, follower = followed(tmp_path)
    log.write_bytes(b"123456789\n" * MOST_AT_ONCE)
    first, second, *rest = follower.lines(state)
    assert first == f"trial 1: ({9 * MOST_AT_ONCE:,} bytes are in its log only)"
    assert second.endswith("9")
    assert abs(len(rest) - MOST_AT_ONCE / 10) < 2
    assert list(follower.lines(state)) == []


def test_a_log_that_was_cut_is_followed_on(tmp_path: Path) -> None:
    log, state, follower = followed(tmp_path)
    log.write_text("line\n" * 100)
    list(follower.lines(state))
    log.write_text("head\ntail\n")
    assert list(follower.lines(state)) == []
    log.write_text("head\ntail\nnew\n")
    assert list(follower.lines(state)) == ["trial 1: new"]


def test_a_line_without_an_end_is_not_gathered_for_ever(tmp_path: Path) -> None:
    log, state, follower = followed(tmp_path)
    log.write_bytes(b"x" * MOST_AT_ONCE)
    assert len(list(follower.lines(state))) == 1
    assert list(follower.lines(state)) == []
