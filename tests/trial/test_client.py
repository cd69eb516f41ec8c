"""hpo.report and hpo.config: what reaches the channel, what is refused, what happens when nobody listens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.trial import client

THREADS = """
import threading, hpo
def work(name):
    for i in range(200):
        hpo.report({"loss": i, "name": name, "text": "x" * 500})
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
"""
FORKS = """
import os, hpo
hpo.report({"loss": 0})
for child in (1, 2):
    if os.fork() == 0:
        for i in range(100):
            hpo.report({"loss": i, "child": child})
        os._exit(0)
for _ in (1, 2):
    os.wait()
hpo.report({"loss": 9}, step=4)
"""
IN_A_HANDLER = """
import signal
from hpo import report
signal.signal(signal.SIGALRM, lambda *_: report({"alarm": 1}))
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for i in range(3000):
    report({"loss": i})
signal.setitimer(signal.ITIMER_REAL, 0)
print("done")
"""
STUCK = """
import os, socket, sys, time
import hpo.trial.client as client
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()  # accepts nobody
os.environ["HPO_CHANNEL"] = sys.argv[1]
client.PATIENCE = 1
start = time.monotonic()
for _ in range(100000):
    client.report({"text": "x" * 1000})
print(time.monotonic() - start < 10)
"""


def test_rows_steps_summaries_and_definitions(play: Any) -> None:
    played = play(
        "import hpo\nfrom hpo.trial import client\n"
        "hpo.report({'loss': 0.5, 'val': {'acc': 1}})\n"
        "hpo.report({'loss': 0.25, 'inf': float('inf')}, step=7)\n"
        "client.summary({'loss': 0.1})\n"
        "client.define('loss', summary='min')\n"
        "print(hpo.config(), client.in_trial())\n"
    )
    assert played.told == [
        {"row": {"loss": 0.5, "val": {"acc": 1}}, "step": None},
        {"row": {"loss": 0.25, "inf": "Infinity"}, "step": 7},
        {"summary": {"loss": 0.1}},
        {"define": {"name": "loss", "summary": "min"}},
    ]
    assert played.out == "{'lr': 0.1, 'net': {'a': 3, 'b': 4}} True\n"


def test_rows_of_another_rank_say_so_and_summaries_are_not_told(play: Any) -> None:
    script = (
        "import os, hpo, wandb\n{}"
        "hpo.report({{'loss': 1}}, step=3)\n"
        "hpo.report({{'loss': 2}}, checkpoint={{'a': 1}})\n"
        "wandb.init(); wandb.log({{'loss': 3}}); wandb.run.summary['loss'] = 4\n"
    )
    played = play(script.format("os.environ['RANK'] = '2'\n"))
    told = [one for one in played.told if "leaving" not in one]
    rows = [{"row": {"loss": n}, "rank": 2} for n in (1, 2, 3)]
    assert [{k: v for k, v in one.items() if k in ("row", "rank", "summary")} for one in told] == rows
    assert told[1]["checkpoint"] is None
    played = play(script.format(""), RANK="2")  # that of `hpo` itself: it was there before
    first = [one for one in played.told if "leaving" not in one]
    assert [("rank" in one, "summary" in one) for one in first] == [(False, False)] * 3 + [(False, True)]
    assert first[1]["checkpoint"] == "000001"


def test_a_forked_child_has_a_rank_of_its_own(play: Any) -> None:
    played = play(
        "import os, hpo\n"
        "hpo.report({'loss': 0})\n"
        "for rank in (0, 1, 2):\n"
        "    if os.fork() == 0:\n"
        "        os.environ['RANK'] = str(rank)\n"
        "        hpo.report({'loss': rank})\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "hpo.report({'loss': 9})\n"
    )
    told = sorted((one["row"]["loss"], one.get("rank", 0)) for one in played.told if "row" in one)
    assert told == [(0, 0), (0, 0), (1, 1), (2, 2), (9, 0)]


def test_hpo_is_there_where_it_is_not_installed(play: Any, bare_python: str) -> None:
    played = play("import hpo; hpo.report({'loss': hpo.config()['lr']})", python=bare_python)
    assert played.rows == [(None, {"loss": 0.1})], played.err


@pytest.mark.torch
def test_scalars_of_array_libraries_are_numbers(play: Any) -> None:
    played = play(
        "import hpo, numpy, torch\n"
        "loss = torch.tensor(0.5, requires_grad=True)\n"
        "hpo.report({'loss': loss, 'n': numpy.int64(3), 'b': numpy.bool_(True), 'f': numpy.float32(0.25),\n"
        "    'one': numpy.ones((1, 1)), 'pair': torch.arange(2), 'deep': {'t': loss.half()},\n"
        "    'many': torch.ones(99)})\n"
    )
    expected = {"loss": 0.5, "n": 3, "b": True, "f": 0.25, "one": 1.0, "pair": [0, 1], "deep": {"t": 0.5}}
    assert played.rows == [(None, expected)], played.err


def test_no_library_is_imported_for_it(play: Any) -> None:
    played = play(
        "import sys, hpo\nhpo.report({'a': object()})\nprint({'numpy', 'torch', 'json'} & {*sys.modules})"
    )
    assert played.out == "{'json'}\n"


def test_what_is_no_metric_is_left_out_and_the_rest_arrives(play: Any) -> None:
    played = play(
        "import hpo, datetime, decimal, enum, pathlib\n"
        "class Odd:\n    def item(self): raise KeyError('x')\n"
        "round_ = {'a': 1}; round_['self'] = round_\n"
        "hpo.report({'loss': 1, 'odd': Odd(), 'odds': [Odd()], 'deep': {'odd': Odd(), 'v': 2},\n"
        "    'big': 10**400, 'set': {1}, 'day': datetime.date(2024, 1, 2), 'round': round_,\n"
        "    'dec': decimal.Decimal('0.5'),\n"
        "    'enum': enum.Enum('E', 'x').x, 'path': pathlib.Path('p'), 'keys': {1: 1, (2, 3): 2},\n"
        "    'text': '\\ud800é'})\n"
    )
    ((_, row),) = played.rows
    assert row.pop("round")["a"] == 1
    assert row == {
        "loss": 1,
        "deep": {"v": 2},
        "big": 10**400,
        "set": [1],
        "day": "2024-01-02",
        "dec": 0.5,
        "enum": "x",
        "path": "p",
        "keys": {"1": 1, "(2, 3)": 2},
        "text": "\ud800é",
    }


def test_lines_of_several_threads_are_whole(play: Any) -> None:
    rows = play(THREADS).rows
    for name in range(4):
        assert [row["loss"] for _, row in rows if row["name"] == name] == list(range(200))


def test_forked_children_report_on_connections_of_their_own(play: Any) -> None:
    rows = [row for _, row in play(FORKS).rows]
    for child in (1, 2):
        assert [row["loss"] for row in rows if row.get("child") == child] == list(range(100))
    assert [row["loss"] for row in rows if "child" not in row] == [0, 9]


def test_a_signal_handler_may_report_in_the_middle_of_a_report(play: Any) -> None:
    played = play(IN_A_HANDLER)
    assert played.out == "done\n", played.err
    assert [row["loss"] for _, row in played.rows if "loss" in row] == list(range(3000))
    assert any("alarm" in row for _, row in played.rows)


def test_a_script_outlives_its_supervisor(tmp_path: Path) -> None:
    script = "import hpo\nfor i in range(1000):\n    hpo.report({'loss': i})\nprint('done')"
    env = {**os.environ, "HPO_CHANNEL": str(tmp_path / "gone")}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout == "done\n"
    assert done.stderr.count("reports are lost from here on") == 1


def test_a_supervisor_that_does_not_read_holds_a_script_up_only_once(tmp_path: Path) -> None:
    channel = f"{os.path.relpath(tmp_path)}/c"  # a short path: sockets allow no other
    done = subprocess.run(
        [sys.executable, "-c", STUCK, channel], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr.count("lost")) == ("True\n", 1)


@pytest.mark.parametrize("wrong", [3, None, [("a", 1)], {1: 2}, {None: 1}])
def test_what_report_refuses(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"hpo\.report takes"):
        hpo.report(wrong)


def test_outside_of_a_trial_nothing_happens() -> None:
    assert not client.in_trial()
    assert hpo.config() == {}
    hpo.report({"loss": 1})
    client.summary({"loss": 1})
    assert client._channel.socket is None
