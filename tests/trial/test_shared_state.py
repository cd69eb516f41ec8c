"""What a setup leaves open is each trial's own, as if it had called the setup by itself."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from tests.trial.warm_runner import Runner

New = Callable[..., Runner]
SETUP = {"HPO_SETUP": "data:load"}
USE = "import hpo\nvalue = hpo.setup_value()\n"
LEARN = "import hpo, wave\nhpo.report({'loss': 1})\n"
"""Once a trial has reported, what it has imported is imported for those to come, after the setup."""


def test_trials_do_not_share_the_place_in_a_file(new: New) -> None:
    runner = new(modules=None, setup="data:load")
    (runner.folder / "numbers").write_text("".join(f"{number:04d}" for number in range(5000)))
    load = "def load():\n    file = open('numbers', 'rb', buffering=0)\n    file.read(8)\n    return file\n"
    runner.script("data.py", load)
    script = runner.script("use.py", LEARN + USE + "print(value.read(4), value.seek(16000), value.read(4))")
    seen = {runner("python", script, metric="loss", more_env=SETUP).log for _ in range(4)}
    assert seen == {"b'0002' 16000 b'4000'\n"}


def test_nor_in_one_without_a_name(new: New) -> None:
    runner = new(modules=None, setup="data:load")
    code = """
        import os
        def load():
            with open("made", "w") as file:
                file.write("abcdef")
            descriptor = os.open("made", os.O_RDONLY)
            os.unlink("made")
            return descriptor
        """
    runner.script("data.py", textwrap.dedent(code))
    script = runner.script("use.py", "import os\n" + USE + "print(os.read(value, 3))")
    assert {runner("python", script, more_env=SETUP).log for _ in range(3)} == {"b'abc'\n"}


UNSHAREABLE = {
    "opens": "open('written', 'w')",
    "lock": "__import__('multiprocessing').Lock()",
    "shares memory|opens": "__import__('multiprocessing').RawArray('i', 4)",
    "keeps a lock on": "locked()",
    "starts 1 thread": "begun()",
    "opens a socket": "__import__('socket').socketpair()",
}


@pytest.mark.parametrize("why", UNSHAREABLE)
def test_a_setup_of_which_forks_cannot_have_their_own_is_each_trial_s(new: New, why: str) -> None:
    """It is called once in vain, each trial calls it by itself, and that is said once."""
    runner = new(modules=None, setup="data:load")
    code = f"""
        import fcntl, os, threading
        def locked():
            file = open("lock", "a")
            fcntl.flock(file, fcntl.LOCK_EX)
            return file
        def begun():
            thread = threading.Timer(60, print)
            thread.daemon = True
            thread.start()
        def load():
            with open("calls", "a") as file:
                file.write("x")
            return os.getpid(), {UNSHAREABLE[why]}
        """
    runner.script("data.py", textwrap.dedent(code))
    script = runner.script("use.py", USE + "import os\nprint(value[0] == os.getpid())")
    ended = [runner("python", script, more_env=SETUP) for _ in range(4)]
    assert [one.log for one in ended] == ["True\n"] * 4
    assert (runner.folder / "calls").read_text() == "x" * 5
    notes = [note for one in ended for note in one.notes]
    assert len(notes) == 1
    assert notes[0].startswith("each trial calls data:load by itself, since that ")
    assert any(one in notes[0] for one in why.split("|"))
