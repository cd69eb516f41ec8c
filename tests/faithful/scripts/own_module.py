"""Imported by at_import.py."""

import atexit
import logging
import logging.handlers
import os
import queue
import random
import tempfile
import threading
import weakref

_temporary = tempfile.TemporaryDirectory()
_lock = threading.Lock()
_remembered = []
_draw = random.Random(7)
_exits = open(os.path.join(_temporary.name, "exits"), "w")
_queue = queue.Queue()
log = logging.getLogger("own")
log.setLevel("INFO")
log.addHandler(logging.handlers.QueueHandler(_queue))


class _Owner:
    pass


_owner = _Owner()
weakref.finalize(_owner, lambda: print("finalizer"))
atexit.register(lambda: print("exit of", os.path.exists(_temporary.name), len(_remembered), _queue.qsize()))


def folder():
    os.makedirs(os.path.join(_temporary.name, "in"), exist_ok=True)
    return os.path.join(_temporary.name, "in")


def remember(x):
    with _lock:
        _remembered.append(x)


def count():
    return len(_remembered)


def draw(x):
    return _draw.random() * x
