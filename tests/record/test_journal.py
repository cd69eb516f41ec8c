"""The journal: what is committed is read back, whatever end it was cut off at."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
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


@settings(max_examples=25)
@given(events=EVENTS, more=EVENTS)
def test_a_journal_cut_at_any_byte_reads_as_a_prefix_and_can_be_gone_on_with(
    events: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        run = Path(folder) / "run"
        data = write(run, events)
        for size in range(len(data) + 1):
            (run / "journal.jsonl").write_bytes(data[:size])
            left = read_journal(run)
            assert left == events[: len(left)]
            assert len(left) >= data[:size].count(b"\n")
            journal = Journal.reopen(run)
            assert read_journal(run) == left
            for event in more:
                journal.append(event)
            journal.close()
            assert read_journal(run) == left + more
            assert (run / "journal.jsonl").read_bytes()[-1:] in (b"\n", b"")


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


def test_the_folders_above_a_new_run_are_made_too(tmp_path: Path) -> None:
    """`--out` names what need not be there yet, as does a first run's own `runs/NAME`."""
    run = tmp_path / "runs" / "of today" / "first"
    write(run, [{"event": "run"}])
    assert [event["event"] for event in read_journal(run)] == ["run"]


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for run in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UserError, match="name another directory"):
            Journal.create(run)


FULL_DISK = """
import os, resource, signal, subprocess, sys
from pathlib import Path
from hpo.errors import Resumable
from hpo.record.journal import Journal, read_journal

kind, run = sys.argv[1], Path(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if kind == "tmpfs":  # in a mount namespace of this script's own
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", run], check=True)
journal = Journal.create(run)
journal.append({"event": "first"})
journal.commit()
if kind == "tmpfs":
    with open(run / "filler", "wb", buffering=0) as filler:
        try:
            while filler.write(b"x" * 512): pass
        except OSError: pass
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
for number in range(2):
    journal.append({"event": "later", "text": "x" * 5000})
    try:
        journal.commit()
    except Resumable as error:
        print(error, len(journal.path.read_bytes().splitlines()), journal.path.read_bytes()[-1:], sep="|")
if kind == "tmpfs":
    os.unlink(run / "filler")
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.commit()
journal = [journal.close(), Journal.reopen(run)][1]
journal.append({"event": "last"})
journal.close()
print([event["event"] for event in read_journal(run)])
"""


def small_disks() -> list[tuple[str, list[str]]]:
    """How a disk can be made full here: by a limit of file sizes, and a small tmpfs if it may be mounted."""
    private = [["unshare", "-m"], ["unshare", "-Urm"]]
    mount = ["sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"]
    if not shutil.which("unshare"):
        return [("limit", [])]
    may = [way for way in private if subprocess.run([*way, *mount], capture_output=True).returncode == 0]
    return [("limit", []), *(("tmpfs", way) for way in may[:1])]


@pytest.mark.process
def test_a_full_disk_leaves_whole_lines_and_can_go_on(tmp_path: Path) -> None:
    for kind, way in small_disks():
        run = tmp_path / kind
        run.mkdir()
        command = [*way, sys.executable, "-c", FULL_DISK, kind, str(run)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        *refused, events = done.stdout.splitlines()
        why = {"limit": "File too large", "tmpfs": "No space left on device"}[kind]
        remedy = f"free some space, then `hpo resume {run}` goes on"
        message = f"cannot write {run / 'journal.jsonl'}: {why}; what it held is kept; {remedy}"
        assert refused == [f"{message}|1|b'\\n'"] * 2
        assert events == "['first', 'later', 'later', 'last']"
    assert Resumable.exit_code == 75


@pytest.mark.parametrize("tail", [b'{"event": "tri\n', b"\0\0\0", b"[1]\n", b"\xff", b"[" * 100_000])
def test_a_damaged_end_is_cut_off_before_the_journal_goes_on(tail: bytes, tmp_path: Path) -> None:
    data = write(tmp_path / "run", [{"event": "a"}, {"event": "b"}])
    (tmp_path / "run" / "journal.jsonl").write_bytes(data + tail)
    journal = Journal.reopen(tmp_path / "run")
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == data
    journal.append({"event": "c"})
    journal.close()
    assert [e["event"] for e in read_journal(tmp_path / "run")] == ["a", "b", "c"]


def test_a_journal_damaged_in_the_middle_is_left_as_it_is(tmp_path: Path) -> None:
    data = write(tmp_path / "run", [{"event": "a"}]) + b"{\n" + b'{"event": "b"}\n'
    (tmp_path / "run" / "journal.jsonl").write_bytes(data)
    with pytest.raises(UserError, match=r"journal\.jsonl:2: damaged"):
        Journal.reopen(tmp_path / "run")
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == data


def test_where_there_is_no_run_none_can_be_gone_on_with(tmp_path: Path) -> None:
    for name in ("missing", "."):
        with pytest.raises(UserError, match=r"sweep\.yaml, journal\.jsonl and trials/"):
            Journal.reopen(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_into_a_journal_without_a_name(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "run")
    (tmp_path / "run" / "journal.jsonl").unlink()
    journal.append({"event": "a"})
    with pytest.raises(UserError, match="has vanished"):
        journal.commit()


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
