"""The journal: what is committed is read back, whatever end it was cut off at."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.errors import Resumable, UserError
from hpo.record.journal import Journal, read_journal

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
EVENTS = st.lists(
    st.fixed_dictionaries({"event": st.text(), "time": st.floats(0, 2e9), "x": VALUES}), max_size=5
)


def write(run: Path, events: list[dict[str, Any]]) -> bytes:
    journal = Journal.create(run)
    for event in events:
        journal.append(event)
    journal.close()
    return (run / "journal.jsonl").read_bytes()


@settings(max_examples=25, deadline=None)
@given(events=EVENTS)
def test_a_journal_cut_at_any_byte_reads_as_a_prefix(
    events: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = tmp_path_factory.mktemp("cut") / "run"
    data = write(run, events)
    assert read_journal(run) == events
    for size in range(len(data)):
        (run / "journal.jsonl").write_bytes(data[:size])
        read = read_journal(run)
        assert read == events[: len(read)]
        assert len(read) >= data[:size].count(b"\n")


def test_events_get_a_time_unless_they_have_one(tmp_path: Path) -> None:
    before = time.time()
    write(tmp_path / "run", [{"event": "a"}, {"event": "b", "time": 5.0}])
    first, second = read_journal(tmp_path / "run")
    assert before <= first["time"] <= time.time()
    assert second["time"] == 5.0


def test_nan_and_infinity_come_back(tmp_path: Path) -> None:
    write(tmp_path / "run", [{"event": "result", "value": math.nan, "best": -math.inf}])
    (event,) = read_journal(tmp_path / "run")
    assert math.isnan(event["value"])
    assert event["best"] == -math.inf


def test_events_reach_the_disk_on_commit_and_not_before(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "run")
    event = {"event": "trial", "config": {"lr": 0.1}}
    journal.append(event)
    event["config"] = "changed after it was recorded"
    assert read_journal(tmp_path / "run") == []
    journal.commit()
    assert read_journal(tmp_path / "run")[0]["config"] == {"lr": 0.1}
    journal.append({"event": "done"})
    journal.close()
    journal.close()
    assert [e["event"] for e in read_journal(tmp_path / "run")] == ["trial", "done"]


def test_committed_events_outlive_a_killed_writer(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from hpo.record.journal import Journal; j = Journal.create(sys.argv[1])\n"
        "for i in range(3): j.append({'event': 'trial', 'trial': i})\n"
        "j.commit(); j.append({'event': 'never committed'}); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "run")], check=False, timeout=60)
    assert [e["trial"] for e in read_journal(tmp_path / "run")] == [0, 1, 2]


@pytest.mark.parametrize(
    "damage", [b'{"event": "tri\n', b"\0\0\0\n", b'\xff{"a": 1}\n', b"[1]\n", b"[" * 100_000 + b"\n"]
)
def test_damage_in_the_middle_is_named_with_its_line(tmp_path: Path, damage: bytes) -> None:
    data = write(tmp_path / "run", [{"event": "a"}, {"event": "b"}])
    first, second = data.splitlines(keepends=True)
    (tmp_path / "run" / "journal.jsonl").write_bytes(first + damage + second)
    with pytest.raises(UserError, match=r"journal\.jsonl:2: damaged"):
        read_journal(tmp_path / "run")
    (tmp_path / "run" / "journal.jsonl").write_bytes(first + damage)
    assert [e["event"] for e in read_journal(tmp_path / "run")] == ["a"]


def test_a_second_run_in_a_directory_is_refused_and_the_first_left_alone(tmp_path: Path) -> None:
    data = write(tmp_path / "run", [{"event": "run"}])
    with pytest.raises(UserError, match="holds a run already"):
        Journal.create(tmp_path / "run")
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == data


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for run in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UserError, match="name another directory"):
            Journal.create(run)


def test_a_full_disk_leaves_whole_lines_and_can_go_on(tmp_path: Path) -> None:
    script = """
import resource, signal, sys
from hpo.errors import Resumable
from hpo.record.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal.create(sys.argv[1])
journal.append({"event": "first"})
journal.commit()
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
journal.append({"event": "second", "text": "x" * 2000})
try:
    journal.commit()
except Resumable as error:
    print(error, end="|")
print(open(journal.path).read().count("first"), len(open(journal.path).read().splitlines()), end="|")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.close()
"""
    command = [sys.executable, "-c", script, str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    message, lines, _ = done.stdout.split("|")
    assert message.startswith(f"cannot write {tmp_path / 'run' / 'journal.jsonl'}: File too large")
    assert lines == "1 1"
    assert [e["event"] for e in read_journal(tmp_path / "run")] == ["first", "second"]
    assert Resumable.exit_code == 75


def test_where_there_is_no_run_the_message_shows_what_one_looks_like(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    for name in ("missing", "file", "empty"):
        with pytest.raises(UserError, match=r"sweep\.yaml, journal\.jsonl and trials/") as caught:
            read_journal(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)


def test_a_folder_of_runs_names_the_newest(tmp_path: Path) -> None:
    for age, name in enumerate(["new", "old"]):
        write(tmp_path / name, [{"event": "run"}])
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    with pytest.raises(UserError, match=f"holds 2 runs and is none itself; name one, such as {tmp_path}/new"):
        read_journal(tmp_path)


def test_an_unreadable_journal_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "run" / "journal.jsonl").mkdir(parents=True)
    with pytest.raises(UserError, match="Is a directory"):
        read_journal(tmp_path / "run")


def test_lines_are_plain_json(tmp_path: Path) -> None:
    data = write(tmp_path / "run", [{"event": "trial", "config": {"name": "größe\n\ud800"}, "time": 1.0}])
    assert data.isascii()
    assert data.count(b"\n") == 1
    assert json.loads(data)["config"]["name"] == "größe\n\ud800"
