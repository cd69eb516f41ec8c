"""What command lines, launchers and pretty tracebacks print at their end → the line that a person quotes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hpo.trial.log import Log
from hpo.trial.telling import telling_line

ARGPARSE = """
usage: train.py [-h] --lr LR
                [--opt {adam,sgd}]
train.py: error: argument --lr: invalid float value: 'x'
"""
ARGPARSE_AND_MORE = ARGPARSE + "srun: error: node1: task 0: Exited with exit code 2\nwandb: done\n"
NUMPY_WARNS = """
A module that was compiled using NumPy 1.x cannot be run in NumPy 2.3.1
Traceback (most recent call last):
  File "train.py", line 1, in <module>
    import torch
ImportError: numpy.core.multiarray failed to import
"""
CLICK = """
Usage: train.py train [OPTIONS] DATA
Try 'train.py train --help' for help.

Error: No such option '--larning'. Did you mean '--lr'?
"""
CLICK_OWN = "epoch 1\nError: the data are broken\nfile 3 of 7\n"
TYPER = """
Usage: train.py [OPTIONS] {lr}
Try 'train.py --help' for help.
╭─ Error ──────────────────────────────╮
│ Invalid value for 'lr': Input should │
│ be a valid number, unable to parse   │
│ string as a number                   │
╰──────────────────────────────────────╯
"""
TYPER_ASCII = TYPER.translate(str.maketrans("╭╮╰╯│─", "++++|-"))
TYPER_RAISED = """
╭──────────── Traceback (most recent call last) ───────────╮
│ /work/train.py:8 in main                                 │
│                                                          │
│    5 def main(lr: float):                                │
│ ❱  8 │   raise ValueError("bad lr %g" % lr)              │
│    9 app()                                               │
│ ╭── locals ──╮                                           │
│ │ lr = 0.5   │                                           │
│ ╰────────────╯                                           │
╰──────────────────────────────────────────────────────────╯
ValueError: bad lr 0.5
"""
RICH_CHAIN = (
    TYPER_RAISED
    + """
The above exception was the direct cause of the following exception:

╭────────── Traceback (most recent call last) ─────────╮
│ /work/train.py:8 in <module>                         │
│ ❱ 8 g()                                              │
╰──────────────────────────────────────────────────────╯
RuntimeError: no batch size of all that were tried for
this model fits into memory
"""
)
RICH_GROUP = """
╭────────── Traceback (most recent call last) ─────────╮
│ ❱ 5 f()                                              │
╰──────────────────────────────────────────────────────╯
ExceptionGroup: several (2 sub-exceptions)

╭────────────────── Sub-exception #1 ──────────────────╮
│ ╭──────── Traceback (most recent call last) ───────╮ │
│ │ ❱ 2 │   raise ValueError("one")                  │ │
│ ╰──────────────────────────────────────────────────╯ │
│ ValueError: one                                      │
╰──────────────────────────────────────────────────────╯

╭────────────────── Sub-exception #2 ──────────────────╮
│ TypeError: two                                       │
╰──────────────────────────────────────────────────────╯
"""
RICH_SYNTAX = """
╭────────── Traceback (most recent call last) ─────────╮
│ ❱ 2 import conf                                      │
╰──────────────────────────────────────────────────────╯
╭──────────────────────────────────────────────────────╮
│ x = (1,                                              │
│     ▲                                                │
╰──────────────────────────────────────────────────────╯
SyntaxError: '(' was never closed
"""
RICH_LOG = """
[11/30/26 09:15:45] ERROR    training failed                       train.py:5
                             ╭── Traceback (most recent call last) ───╮
                             │ ❱ 4 try: int("x")                      │
                             ╰────────────────────────────────────────╯
                             ValueError: invalid literal for int() with
                             base 10: 'x'
"""
RICH_PANEL = """
epoch 1
╭──────────────────────────────────────────╮
│ the configuration has no learning rate   │
│ for the optimizer                        │
╰──────────────────────────────────────────╯
"""
FIRE = """
ERROR: The function received no value for the required argument: lr
Usage: train.py LR <flags>
  optional flags:        --opt

For detailed information on this command, run:
  train.py --help
"""
ABSL = """
FATAL Flags parsing error: Unknown command line flag 'larning'. Did you mean: learning ?
Pass --helpshort or --helpfull to see help on flags.
"""
ABSL_USAGE = """
       USAGE: train.py [flags]
flags:

train.py:
  --lr: learning rate
    (a number)

the learning rate is too large
"""
HINT = "\nSet the environment variable HYDRA_FULL_ERROR=1 for a complete stack trace.\n"
HYDRA = (
    """
Error executing job with overrides: ['lr=5']
Traceback (most recent call last):
  File "/work/train.py", line 4, in main
    raise ValueError("bad lr")
ValueError: bad lr
"""
    + HINT
)
HYDRA_KEY = (
    """
Could not override 'bad'.
To append to your config use +bad=1
Key 'bad' is not in struct
    full_key: bad
    object_type=dict
"""
    + HINT
)
HYDRA_GROUP = (
    """
In 'config': Could not find 'opt/adam'

Available options in 'opt':
\tsgd
Config search path:
\tprovider=hydra, path=pkg://hydra.conf
\tprovider=main, path=file:///work/conf
"""
    + HINT
)
HYDRA_TARGET = (
    "Error executing job with overrides: ['lr=7']\nError in call to target 'builtins.int':\n"
    "ValueError(\"invalid literal for int() with base 10: 'x'\")\nfull_key: model\n" + HINT
)
HYDRA_GRAMMAR = (
    "Error parsing override 'foo'\nmissing EQUAL at '<EOF>'\n"
    "See https://hydra.cc/docs/1.2/advanced/override_grammar/basic for details\n" + HINT
)
JSONARGPARSE = """
usage: train.py [--config CONFIG] [--opt OPT] lr
tip: For details of accepted options run: train.py --help
error: Parser key "lr":
  Expected a <class 'float'>. Got value: x
"""
TYRO = """
╭─ Required options ──────╮
│ Missing from train.py:  │
│     --lr FLOAT          │
│ ─────────────────────── │
│ For full helptext, run: │
│     train.py --help     │
╰─────────────────────────╯
"""
TYRO_VALUE = """
╭─ Value error ──────────────────────────────────────────────╮
│ Error parsing --lr: could not convert string to float: 'x' │
│ ────────────────────────────────────────────────────────── │
│ Argument helptext:                                         │
│     --lr FLOAT                                             │
│ ────────────────────────────────────────────────────────── │
│ For full helptext, see train.py --help                     │
╰────────────────────────────────────────────────────────────╯
"""
DOCOPT = "--lr requires argument\nUsage:\n  train.py --lr=<x>\n  train.py --help\n"
FRAMES = 'Traceback (most recent call last):\n  File "train.py", line 5, in <module>\n    f()\n'
PYDANTIC = (
    FRAMES
    + "pydantic_core._pydantic_core.ValidationError: 1 validation error for Config\nlr\n"
    + "  Input should be a valid number [type=float_parsing, input_value='x', input_type=str]\n"
    + "    For further information visit https://errors.pydantic.dev/2.14/v/float_parsing\n"
)
STATE_DICT = (
    FRAMES + "RuntimeError: Error(s) in loading state_dict for Net:\n\tsize mismatch for w: [3] vs [4].\n"
)
EMPTY_FIRST = FRAMES + "RuntimeError: \nno kernel for this shape\n"
LOADER = (
    FRAMES + "ValueError: Caught ValueError in DataLoader worker process 0.\nOriginal " + FRAMES
) + "ValueError: image 7 is empty\n"
GROUP = """
  + Exception Group Traceback (most recent call last):
  |   File "train.py", line 2, in <module>
  |     f()
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "train.py", line 9, in load
    | KeyError: 'images'
    +------------------------------------
"""
AT_THE_END = (
    FRAMES
    + "ValueError: bad\nException ignored in: <function Pool.__del__ at 0x7f>\n"
    + FRAMES
    + "AttributeError: 'NoneType' object has no attribute 'close'\n"
)
LOGGED = """
2026-11-30 09:17:02,225 root ERROR: the split is empty
2026-11-30 09:17:02,226 root INFO: closing files
bye
"""
FAILED = (
    "E1130 09:00:00.0 77 torch/distributed/elastic/multiprocessing/api.py:869] failed (exitcode: 2) pid: 9\n"
    + FRAMES
    + "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n"
    + "=" * 60
    + "\ntrain.py FAILED\n"
    + "-" * 60
    + "\nRoot Cause (first observed failure):\n[0]:\n  exitcode  : 2 (pid: 9)\n  error_file: <N/A>\n"
)
TORCHRUN = CLICK + FAILED
SACRED = (
    "ERROR - digits - Failed after 0:00:00!\nTraceback (most recent calls WITHOUT Sacred internals):\n"
    '  File "train.py", line 9, in main\n    1/0\nZeroDivisionError: division by zero\n'
)
SPAWNED = FRAMES + (
    "torch.multiprocessing.spawn.ProcessRaisedException: \n\n"
    "-- Process 0 terminated with the following error:\n" + FRAMES + "ValueError: bad rank\n"
)
KILLED_RANK = FAILED.replace("[0]:", "[1]:\n  exitcode  : -15 (pid: 8)  (SIGTERM)\n[0]:", 1).replace(
    "exitcode  : 2 (pid: 9)", "exitcode  : -11 (pid: 9)  (SIGSEGV)"
)
ACCELERATE = (
    "no images in /data\n"
    + FRAMES
    + ("subprocess.CalledProcessError: Command '['python', 'train.py']' returned non-zero exit status 1.\n")
)
OTHER_RANK_IS_GONE = (
    "".join(f"[rank1]: {line}\n" for line in f"{FRAMES}Diverged: nan".splitlines())
    + "".join(f"[rank0]: {line}\n" for line in FRAMES.splitlines())
    + "[rank0]: RuntimeError: [/gloo/pair.cc:553] Connection closed by peer [127.0.0.1]:12723\n"
)
TAGGED = "".join(f"[1,0]<stderr>:{line}\n" for line in f"{FRAMES}Diverged: nan".splitlines())
BAR = "\u2588\u2588   | 3/10 [00:00<00:01, 5.1it/s, loss=0.3]"
BARRED = f" 30%|{BAR}{FRAMES}Diverged: nan\n 30%|{BAR}\n"
BARRED_TEXT = f"Epoch 1:  30%|{BAR}the loss is nan\nEpoch 1:  30%|{BAR}\n"
KERAS_BAR = f"3/10 \u2501\u2501\u2501\u2501\u2501\u2501 0s 3ms/step - loss: 0.3{FRAMES}Diverged: nan\n"
GOT_OVER = FRAMES + "ImportError: no apex\n" + "epoch done\n" * 30 + "no images left\n"
STRUCTLOG = "11:30 [info     ] start\n11:30 [error    ] no images   epoch=3\n11:31 [info     ] bye\n"
JSON_LOG = '{"level": "error", "msg": "no images"}\n{"level": "info", "msg": "bye"}\n'
RULE = "-" * 60 + "\n"
MPIRUN = f"""no images in /data
{RULE}Primary job  terminated normally, but 1 process returned
a non-zero exit code. Per user-direction, the job has been aborted.
{RULE}{RULE}mpirun detected that one or more processes exited with non-zero status, thus causing
the job to be terminated. The first process to do so was:

  Process name: [[123,1],0]
  Exit code:    1
{RULE}"""
DEEPSPEED = """
no images in /data
[2026-01-01 10:00:00,123] [INFO] [launch.py:319:sigkill_handler] Killing subprocess 12
[2026-01-01 10:00:00,123] [ERROR] [launch.py:325:sigkill_handler] ['python', 't.py'] exits with code = 1
"""
CONDA = "no images in /data\n\nERROR conda.cli.main_run:execute(49): `conda run python t.py` failed.\n"
TIMED = "no images in /data\n\nreal\t0m0.123s\nuser\t0m0.1s\nsys\t0m0.0s\n"
TRACED = "+ python train.py\nno images in /data\n+ exit 1\n"
R = "Error in readRDS(file) : \n  cannot open the connection\nCalls: main -> readRDS\nExecution halted\n"
JULIA = (
    "ERROR: LoadError: UndefVarError: `x` not defined\nStacktrace:\n"
    + "".join(f" [{n}] f\n   @ ./t.jl:{n}\n" for n in range(5))
    + "in expression starting at /work/train.jl:3\n"
)
RUST = "thread 'main' panicked at src/main.rs:2:5:\nno images\nnote: run with `RUST_BACKTRACE=1`\n"
SHELL = "train.sh: line 3: trian: command not found\ncleaning up\n"
WARNED = (
    "no images in /data\n/usr/lib/resource_tracker.py:254: UserWarning: 3 leaked semaphore objects\n"
    "  warnings.warn('resource_tracker')\nwandb:\nwandb: Find logs at: ./wandb\n"
)
LONG_AGO = "ERROR: no cache, going on\n" + "epoch done\n" * 9 + "the loss diverged\n"

CASES = {
    ARGPARSE: "train.py: error: argument --lr: invalid float value: 'x'",
    ARGPARSE_AND_MORE: "train.py: error: argument --lr: invalid float value: 'x'",
    NUMPY_WARNS + ARGPARSE: "train.py: error: argument --lr: invalid float value: 'x'",
    NUMPY_WARNS
    + TYPER: "Invalid value for 'lr': Input should be a valid number, unable to parse string as a number",
    CLICK: "Error: No such option '--larning'. Did you mean '--lr'?",
    CLICK_OWN: "Error: the data are broken",
    TYPER: "Invalid value for 'lr': Input should be a valid number, unable to parse string as a number",
    TYPER_ASCII: "Invalid value for 'lr': Input should be a valid number, unable to parse string as a number",
    TYPER_RAISED: "ValueError: bad lr 0.5",
    RICH_CHAIN: "RuntimeError: no batch size of all that were tried for this model fits into memory",
    RICH_GROUP: "ExceptionGroup: several (2 sub-exceptions): ValueError: one",
    RICH_SYNTAX: "SyntaxError: '(' was never closed",
    RICH_LOG: "ValueError: invalid literal for int() with base 10: 'x'",
    RICH_PANEL: "the configuration has no learning rate for the optimizer",
    FIRE: "ERROR: The function received no value for the required argument: lr",
    ABSL: "FATAL Flags parsing error: Unknown command line flag 'larning'. Did you mean: learning ?",
    ABSL_USAGE: "the learning rate is too large",
    HYDRA: "ValueError: bad lr",
    HYDRA_KEY: "Key 'bad' is not in struct",
    HYDRA_GROUP: "In 'config': Could not find 'opt/adam'",
    HYDRA_TARGET: "Error in call to target 'builtins.int': "
    "ValueError(\"invalid literal for int() with base 10: 'x'\")",
    HYDRA_GRAMMAR: "Error parsing override 'foo': missing EQUAL at '<EOF>'",
    JSONARGPARSE: "error: Parser key \"lr\": Expected a <class 'float'>. Got value: x",
    TYRO: "Missing from train.py: --lr FLOAT",
    TYRO_VALUE: "Error parsing --lr: could not convert string to float: 'x'",
    DOCOPT: "--lr requires argument",
    PYDANTIC: "pydantic_core._pydantic_core.ValidationError: 1 validation error for Config: lr: "
    "Input should be a valid number [type=float_parsing, input_value='x', input_type=str]",
    STATE_DICT: "RuntimeError: Error(s) in loading state_dict for Net: size mismatch for w: [3] vs [4].",
    EMPTY_FIRST: "RuntimeError: no kernel for this shape",
    LOADER: "ValueError: image 7 is empty",
    GROUP: "ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception): KeyError: 'images'",
    AT_THE_END: "ValueError: bad",
    LOGGED: "2026-11-30 09:17:02,225 root ERROR: the split is empty",
    TORCHRUN: "Error: No such option '--larning'. Did you mean '--lr'?",
    "Error: the data are broken\n" + FAILED: "Error: the data are broken",
    FAILED: "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: train.py FAILED",
    KILLED_RANK: "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: "
    "train.py FAILED (SIGSEGV)",
    "no images in /data\n" + FAILED: "no images in /data "
    "(torch.distributed.elastic.multiprocessing.errors.ChildFailedError: train.py FAILED)",
    ACCELERATE: "no images in /data (subprocess.CalledProcessError: "
    "Command '['python', 'train.py']' returned non-zero exit status 1.)",
    OTHER_RANK_IS_GONE: "Diverged: nan",
    TAGGED: "Diverged: nan",
    BARRED: "Diverged: nan",
    BARRED_TEXT: "the loss is nan",
    KERAS_BAR: "Diverged: nan",
    GOT_OVER: "no images left",
    STRUCTLOG: "11:30 [error ] no images epoch=3",
    JSON_LOG: '{"level": "error", "msg": "no images"}',
    MPIRUN: "no images in /data",
    DEEPSPEED: "no images in /data",
    CONDA: "no images in /data",
    TIMED: "no images in /data",
    TRACED: "no images in /data",
    R: "Error in readRDS(file) : cannot open the connection",
    JULIA: "ERROR: LoadError: UndefVarError: `x` not defined",
    RUST: "thread 'main' panicked at src/main.rs:2:5: no images",
    SHELL: "train.sh: line 3: trian: command not found",
    WARNED: "no images in /data",
    SACRED: "ZeroDivisionError: division by zero",
    SPAWNED: "ValueError: bad rank",
    LONG_AGO: "the loss diverged",
    "MeanSquaredError: 0.25\nthe loss diverged\n": "the loss diverged",
}


def kept(log: str) -> list[str]:
    """As the supervisor hands a log's end over: without empty lines."""
    return [line.rstrip() for line in log.split("\n") if line.strip()]


@pytest.mark.parametrize(("log", "line"), CASES.items())
def test_what_a_person_would_quote(log: str, line: str) -> None:
    assert telling_line(kept(log)) == line
    said = telling_line(kept("epoch 1\nepoch 2\n" + log))
    assert said == (f"epoch 2 ({line})" if log == FAILED else line)  # the process's own last words


def test_where_nothing_but_a_usage_is_printed_it_is_quoted() -> None:
    assert (
        telling_line(kept("Usage:\n  train.py --lr=<x>\n  train.py --help\n")) == "Usage: train.py --lr=<x>"
    )


@pytest.mark.parametrize(
    ("log", "word"),
    [
        (ARGPARSE, "--lr:"),
        (CLICK, "--larning"),
        (TYPER, "'lr'"),
        (TYPER_RAISED, "bad lr 0.5"),
        (RICH_CHAIN, "no batch size"),
        (RICH_GROUP, "one"),
        (RICH_PANEL, "learning rate"),
        (FIRE, "argument: lr"),
        (ABSL, "larning"),
        (ABSL_USAGE, "too large"),
        (HYDRA, "bad lr"),
        (HYDRA_KEY, "bad"),
        (HYDRA_GROUP, "opt/adam"),
        (HYDRA_TARGET, "invalid literal"),
        (HYDRA_GRAMMAR, "'foo'"),
        (JSONARGPARSE, '"lr"'),
        (TYRO, "--lr FLOAT"),
        (TYRO_VALUE, "could not convert"),
        (DOCOPT, "--lr requires"),
        (PYDANTIC, "a valid number"),
        (STATE_DICT, "size mismatch"),
        (LOADER, "image 7 is empty"),
        (GROUP, "'images'"),
        (TORCHRUN, "larning"),
    ],
)
def test_different_errors_of_one_library_are_not_alike(log: str, word: str) -> None:
    assert word in log
    other = log.replace(word, "x" * len(word))
    assert telling_line(kept(other)) != telling_line(kept(log))


def test_a_log_of_long_or_many_lines_is_read_at_once() -> None:
    begun = time.monotonic()
    for line in ("╭" + "─" * 10_000, "For more " * 3000, "a: " * 10_000, "+-" * 15_000):
        telling_line([line, "x"])
    for line in (
        "1%|" * 5000,
        "[===" * 4000,
        "x [error" * 3000,
        "a [00:00, " * 3000,
        "\u2501\u2501\u2501\u2501 " * 3000,
    ):
        telling_line([line] * 50)
    for line in (
        "a:",
        "xTraceback (most recent call last):",
        "Traceback (most recent call last):",
        "╭─ Error ─╮",
        "│ x │",
        "usage: x",
        "| a",
    ):
        telling_line([line] * 8000)
    assert time.monotonic() - begun < 10


def test_colours_and_links_of_a_terminal_are_no_part_of_it(tmp_path: Path) -> None:
    link = "\x1b]8;id=1;file:///work/train.py\x1b\\train.py\x1b]8;;\x1b\\"
    boxed = "".join(f"\x1b[31m{line[0]}\x1b[0m{line[1:]}\n" for line in TYPER_RAISED.strip().split("\n")[:-1])
    log = Log(str(tmp_path / "log"), 0.0)
    os.write(log.fd, f"{boxed}{link}\n\x1b(B\x1b[1;91mValueError: \x1b[0mbad lr \x1b[1m0.5\x1b[0m\n".encode())
    assert telling_line([line for line in log.tail() if line != "train.py"]) == "ValueError: bad lr 0.5"
    assert "train.py" in log.tail()
    log.close()


def test_any_drawing_is_read_to_its_end() -> None:
    for log in CASES:
        lines = kept(log)
        for at in range(len(lines)):
            assert isinstance(telling_line(lines[:at]), str)
            assert telling_line(lines[at:])


PARSES = "import argparse; p = argparse.ArgumentParser(); p.add_argument('--lr', type=float)"
REFUSES = "import typer\ndef main(): raise typer.BadParameter('no rate of that size')\ntyper.run(main)"
RAISES = "import typer\ndef main(): raise ValueError('bad lr')\ntyper.run(main)"
LIVE = {
    f"{PARSES}; p.parse_args(['--lr', 'x'])": "argument --lr: invalid float value: 'x'",
    REFUSES: "Invalid value: no rate of that size",
    RAISES: "ValueError: bad lr",
    "from rich.traceback import install; install(); {}['no such layer in this network']": (
        "KeyError: 'no such layer in this network'"
    ),
}


@pytest.mark.parametrize("columns", ["30", "80"])
@pytest.mark.parametrize(("code", "line"), LIVE.items())
def test_what_the_installed_libraries_print(code: str, line: str, columns: str) -> None:
    env = {**os.environ, "COLUMNS": columns, "TERMINAL_WIDTH": columns}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode
    assert telling_line(kept(done.stdout + done.stderr)).endswith(line), done.stderr
