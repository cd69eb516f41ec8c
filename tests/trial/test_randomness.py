"""Random numbers in forked trials are as in fresh processes: equal where a seed was given, else different."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from tests.trial.warm_runner import Runner

New = Callable[..., Runner]
MAKES = """
import random, uuid
own = random.Random()
given = random.Random(7)
class Odd(random.Random):
    pass
odd = Odd()
"""
NUMPY = """
import numpy as np
own = np.random.default_rng()
given = np.random.default_rng(7)
state = np.random.RandomState()
bits = np.random.Generator(np.random.PCG64())
"""


def drawn(runner: Runner, script: str, *, warm: bool = True) -> list[list[str]]:
    """What each of three trials prints, line by line over the trials."""
    logs = [runner("python", script, warm=warm).log.splitlines() for _ in range(3)]
    return [list(lines) for lines in zip(*logs, strict=True)]


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_python_s_generators(new: New, warm: bool) -> None:
    runner = new(modules=["makes"])
    runner.script("makes.py", MAKES)
    use = "import makes, random\nfor one in (makes.own, makes.odd, random, makes.given): print(one.random())"
    *different, same = drawn(runner, runner.script("use.py", use), warm=warm)
    assert [len(set(values)) for values in different] == [3, 3, 3]
    assert len(set(same)) == 1


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_numpy_s_generators(new: New, warm: bool) -> None:
    runner = new(modules=["numpy", "numpy.random", "makes"])
    runner.script("makes.py", NUMPY)
    generators = "makes.own, makes.state, makes.bits, np.random, makes.given"
    use = f"import makes, numpy as np\nfor one in ({generators}): print(one.uniform())"
    *different, same = drawn(runner, runner.script("use.py", use), warm=warm)
    assert [len(set(values)) for values in different] == [3, 3, 3, 3]
    assert len(set(same)) == 1


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_a_seed_that_an_import_gives_holds(new: New, warm: bool) -> None:
    runner = new(modules=["numpy", "numpy.random", "makes"])
    runner.script("makes.py", "import random, numpy\nrandom.seed(3)\nnumpy.random.seed(4)\n")
    use = "import makes, random, numpy\nprint(random.random())\nprint(numpy.random.uniform())"
    assert [len(set(values)) for values in drawn(runner, runner.script("use.py", use), warm=warm)] == [1, 1]


def test_generators_of_a_setup_too(new: New) -> None:
    runner = new(modules=None, setup="data:load")
    runner.script("data.py", "import random\ndef load(): return random.Random()\n")
    code = "import hpo, wave\nhpo.report({'loss': 1})\nprint(hpo.setup_value().random())"
    script, setup = runner.script("use.py", code), {"HPO_SETUP": "data:load"}
    logs = {runner("python", script, metric="loss", more_env=setup).log for _ in range(4)}
    assert len(logs) == 4


@pytest.mark.parametrize("how", ["uuid.uuid4().hex", "os.urandom(8)", "secrets.token_hex(8)"])
def test_a_package_that_draws_an_id_is_left_to_each_trial(new: New, how: str) -> None:
    runner = new(modules=["drawing"])
    package = "import os, secrets, uuid\nid = {}\n"
    runner.script("site-packages/drawing.py", package.format(how))
    env = {"PYTHONPATH": str(runner.folder / "site-packages")}
    script = runner.script("use.py", textwrap.dedent("import drawing\nprint(drawing.id)"))
    ended = [runner("python", script, more_env=env) for _ in range(3)]
    assert len({one.log for one in ended}) == 3
    (note,) = [note for one in ended for note in one.notes]
    assert note == "drawing is not preloaded: it draws random bytes when it is imported, as an id"
