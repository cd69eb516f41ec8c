"""hpo.report and hpo.config inside a trial: rows → the supervisor's socket, one JSON line each.

Outside of a trial nothing is sent and nothing is kept. A supervisor that is gone never stops a script.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import json
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hpo.trial.rank import Rank
from hpo.trial.values import has_text_keys, plain, plain_row

if TYPE_CHECKING:
    from hpo.trial.checkpoint import Demand
    from hpo.trial.wandb_mirror import Mirror

PATIENCE = 60
"""Seconds that a report waits for a supervisor that does not read; then reports are dropped."""


def _encoder() -> Callable[[Any], str]:
    """JSONEncoder.encode, but for the C encoder that it makes anew each time: a quarter of a row's cost."""
    encoder = json.JSONEncoder(default=plain, check_circular=False, separators=(",", ":"))
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return encoder.encode
    text = json.encoder.encode_basestring_ascii
    encode = make(None, plain, text, None, ":", ",", False, False, True)
    return lambda value: "".join(encode(value, 0))


_encode = _encoder()


class _Channel:
    """The connection of this process, made at its first report; a forked child opens its own."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # a signal handler may report in the middle of a report
        self.socket: socket.socket | None = None
        self.lost = False

    def send(self, message: dict[str, Any]) -> None:
        """Send one message; what goes wrong is said once and ends the reports of this process."""
        with self.lock:
            try:
                if writes and (new := writes.take()):
                    self._send(_line({"writes": new}))
                self._send(_line(message))
            except OSError as error:
                self.forget()
                self.lost = True
                with contextlib.suppress(OSError, ValueError):  # the script may have closed it
                    print(f"hpo: reports are lost from here on: {error}", file=sys.stderr)

    def _send(self, line: bytes) -> None:
        connection = self.socket or self._connect()
        if connection is None:
            return
        try:
            connection.sendall(line)
        except OSError as error:
            if self.socket is not connection or error.errno not in (errno.EBADF, errno.ENOTSOCK):
                raise
            connection.detach()  # a script has closed all descriptors: its number may be a file's by now
            if (connection := self._connect()) is not None:
                connection.sendall(line)

    def tell(self, message: dict[str, Any]) -> None:
        """Send one message ahead of all reports, which learn nothing from it; in vain if nobody listens."""
        path = os.environ.get("HPO_CHANNEL")
        with self.lock, contextlib.suppress(OSError):
            if self.socket is not None:
                self.socket.sendall(_line(message))
            elif path:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                    connection.connect(path)
                    connection.sendall(_line(message))

    def _connect(self) -> socket.socket | None:
        path = os.environ.get("HPO_CHANNEL")
        if self.lost or not path:
            return None
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", PATIENCE, 0))
        if os.environ.pop("HPO_LEARN", None):
            from hpo.trial.learning import learnt
            from hpo.trial.preload import imported

            modules, sets = learnt(imported())
            self.socket.sendall(_line({"modules": modules, "sets": sets, "pid": os.getpid()}))
        return self.socket

    def forget(self) -> None:
        """Close this process's end."""
        connection, self.socket = self.socket, None
        if connection is not None:
            connection.close()


def _line(message: dict[str, Any]) -> bytes:
    try:
        return (_encode(message) + "\n").encode("ascii")
    except Exception:  # something in it is no JSON: leave that out
        return (_encode(plain_row(message)) + "\n").encode("ascii")


def _demanded() -> Demand | None:
    """What says which iterations need a checkpoint; None where all do."""
    if not os.environ.get("HPO_CHECKPOINT_AT"):
        return None
    from hpo.trial.checkpoint import Demand

    return Demand()


def _mirrored() -> Mirror | None:
    """What logs rows with the real wandb too; None where the sweep does not ask for it."""
    if not os.environ.get("HPO_WANDB"):
        return None
    from hpo.trial.wandb_mirror import begin

    return begin()


writes = getattr(sys.modules.get("_hpo_writes"), "writes", None)
"""What this process has written; None where nobody notices."""
_channel = _Channel()
_owner = os.getpid()
_rank = Rank()
_admit: Callable[[], None] | None = None
_interrupt: Callable[[], None] | None = None
_demand = _demanded()
_mirror: Mirror | None = None
_at_end: list[Callable[[int], object]] = []


def _forked() -> None:
    """In a child: leave the parent's connection, and a lock that another thread may have held."""
    global _rank
    _channel.forget()
    _channel.lock = threading.RLock()
    _rank = Rank()


def _leaving() -> None:
    """Python ends: from here on a stop comes too late, for the trial has done all that it does."""
    if owner() and _channel.socket is not None:
        _channel.send({"leaving": os.getpid()})
    _tell_writes()


def _tell_writes() -> None:
    if writes and (new := writes.take()):
        _channel.tell({"writes": new})


os.register_at_fork(after_in_child=_forked)
atexit.register(_leaving)


def begin(admit: Callable[[], None] | None = None, interrupt: Callable[[], None] | None = None) -> None:
    """A trial begins in this process: reports go where its HPO_CHANNEL says.

    `admit` is called before each row, and raises where it is none of this trial's. `interrupt` ends a trial
    that was stopped, by raising: before a row, but after one that brings a checkpoint.
    """
    global _channel, _admit, _interrupt, _owner, _demand, _mirror, _rank
    if writes:
        writes.begin()
    _channel.forget()
    _rank = Rank()
    _channel, _owner, _demand = _Channel(), os.getpid(), _demanded()
    _admit, _interrupt, _mirror = admit, interrupt, _mirrored()


def owner() -> bool:
    """Whether this is the trial's own process, and not one that it has forked."""
    return os.getpid() == _owner


def counts() -> bool:
    """Whether what this process reports counts: it has rank 0 in its trial, or none that is known."""
    return _rank.other() is None


def end(code: int) -> None:
    """A trial has ended with this exit code, and the process may go on: report what waits, and disconnect."""
    global _admit, _interrupt
    _admit = _interrupt = None
    for function in _at_end:
        function(code)
    _tell_writes()
    _channel.lost = True  # a thread that outlives its trial must not report into the next one
    _channel.forget()


def at_end(function: Callable[[int], object]) -> None:
    """Where several trials share this process, call `function` with the exit code at the end of each."""
    _at_end.append(function)


def report(metrics: Mapping[str, Any], step: int | None = None, checkpoint: Any = None) -> None:
    """Report one row of metrics; a row that carries the sweep's metric is one iteration.

    `checkpoint` is the training's state after it: a dictionary, the path of a file or folder, which is
    copied, or a function that returns one of these and is called only where a checkpoint is needed. A trial
    that goes on later gets it from `hpo.get_checkpoint()`. One that cannot be written is told on stderr.

    Of a trial's ranks (torchrun, MPI …) only rank 0 counts: rows of the others are kept in files of their
    own, their checkpoints are not. A function as `checkpoint` is called in all of them.

    Raises TypeError unless `metrics` is a mapping with text keys and `checkpoint` one of these.
    """
    check_row("hpo.report", metrics)
    if checkpoint is None:
        row(metrics, step, time.time())
    else:
        _report_with_checkpoint(metrics, step, checkpoint)


def _report_with_checkpoint(metrics: Mapping[str, Any], step: int | None, checkpoint: Any) -> None:
    if _admit is not None:
        _admit()
    message: dict[str, Any] = {"row": metrics, "step": step, "time": time.time(), "checkpoint": None}
    if in_trial() and (_demand is None or _demand.after(metrics)):
        _save(checkpoint, message)
    _send_row(message)
    if _mirror is not None and counts():
        _mirror.row(metrics, step)
    if _interrupt is not None:
        _interrupt()  # only now: this may be the state that the trial goes on from


def _save(checkpoint: Any, message: dict[str, Any]) -> None:
    """Keep a checkpoint and name it in the message of its row; that of another rank than 0 is only made.

    Rank 0 may wait for the others in it, as where parts of a state are gathered.
    """
    from hpo.trial.checkpoint import FOLDER, save
    from hpo.trial.disk import at_fault

    folder = os.path.join(os.environ["HPO_TRIAL_DIR"], FOLDER)
    try:
        if counts():
            message["checkpoint"] = save(checkpoint, folder)
        elif callable(checkpoint):
            checkpoint()
    except OSError as error:
        if at_fault(error):
            message["unsaved"] = f"{folder}: {error.strerror}"
        with contextlib.suppress(OSError):  # the log may be on the same disk
            print(f"hpo: the checkpoint could not be saved: {error}", file=sys.stderr)


def get_checkpoint() -> Any:
    """The state that this trial is to go on from, as it was given to `hpo.report`; None: from the start.

    A dictionary as it was; of a file or folder the path of its copy. Raises OSError where it cannot be read.
    """
    path = os.environ.get("HPO_CHECKPOINT")
    if not path:
        return None
    from hpo.trial.checkpoint import load

    return load(path)


def check_row(caller: str, metrics: object) -> None:
    """Raise TypeError unless `metrics` is a mapping with text keys."""
    if type(metrics) is not dict and not isinstance(metrics, Mapping):
        raise TypeError(f"{caller} takes a dictionary of metrics, not {type(metrics).__name__}")
    for name in () if has_text_keys(metrics) else metrics:
        if not isinstance(name, str):
            raise TypeError(f"{caller} takes names of metrics that are text, not {name!r}")


def row(metrics: Mapping[str, Any], step: int | None, when: float) -> None:
    """Report a row of the time `when` (Unix seconds)."""
    if _admit is not None:
        _admit()
    if _interrupt is not None:
        _interrupt()
    if _demand is not None:
        _demand.after(metrics)
    if _mirror is not None and counts():
        _mirror.row(metrics, step)  # first: what it loads is learnt for the next trials
    _send_row({"row": metrics, "step": step, "time": when})


def _send_row(message: dict[str, Any]) -> None:
    rank = _rank.other()
    if rank is not None:
        message["rank"] = rank
    _channel.send(message)


def summary(values: Mapping[str, Any]) -> None:
    """Report final values, as `wandb.run.summary[...] = …` does; they count, but are no iteration."""
    if counts():
        _channel.send({"summary": values, "time": time.time()})


def define(name: str, summary: str) -> None:
    """Report that the summary of metric `name` is its min, max, mean, first or last («min,max»)."""
    _channel.send({"define": {"name": name, "summary": summary}})


def config() -> dict[str, Any]:
    """The trial's configuration, nested as in the sweep; empty outside of a trial."""
    asked()
    return configuration()


def asked() -> None:
    """The script asks for its parameters: this is told once, where somebody wants to know."""
    if os.environ.pop("HPO_UNREAD", None):
        _channel.tell({"asked": True})


def configuration() -> dict[str, Any]:
    """What `config` returns, for hpo's own use: nobody hears that it was asked for."""
    values: dict[str, Any] = json.loads(os.environ.get("HPO_CONFIG") or "{}")
    return values


def in_trial() -> bool:
    """Whether this process belongs to a trial."""
    return bool(os.environ.get("HPO_CHANNEL"))


_mirror = _mirrored()  # last: it needs this module
