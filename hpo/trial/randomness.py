"""Random numbers that imports and the setup have drawn in the warm parent → each trial's own.

A generator that the operating system seeded is seeded anew in each fork; one that was given a seed stays as
it is, for so it would be in each fresh process. Bytes that a package draws for itself, such as an id, cannot
be drawn again: it is left to each trial. Nothing but the standard library, from Python 3.9 on.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import sys
import sysconfig
import weakref
from collections.abc import Callable, Iterator
from typing import Any

HARMLESS = {"opentelemetry", "torch"}
"""Packages whose bytes mean nothing outside of the process: names in telemetry, keys of a table."""
GIVEN = 2**32
"""A seed of torch's below this was given: one of the system's has 53 bits."""


class Randomness:
    """What this process has drawn since it began to be `noted`."""

    def __init__(self) -> None:
        self.drawn: set[str] = set()
        """Installed packages that have drawn bytes for themselves."""
        self._generators: weakref.WeakSet[random.Random] = weakref.WeakSet()
        self._bits: list[Any] = []
        self._entropies: set[int] = set()
        self._global: dict[str, Any] = {}
        """State of a library's own generator where an import has given it a seed."""
        self._numpy: list[Callable[[], None]] = []
        self._of_numpy = False

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """What is drawn inside counts; generators that are left are looked for at the end."""
        self.drawn = set()
        python: Any = random
        before = python.Random.seed, os.urandom, python._urandom, python.seed

        def seed(generator: random.Random, a: Any = None, *args: Any, **options: Any) -> None:
            before[0](generator, a, *args, **options)
            if a is None:
                with contextlib.suppress(TypeError):  # of a class without weak references
                    self._generators.add(generator)
            else:
                self._generators.discard(generator)

        def given(a: Any = None, *args: Any, **options: Any) -> None:
            before[3](a, *args, **options)
            self._global["random"] = None if a is None else True

        python.Random.seed, python.seed = seed, given
        os.urandom = python._urandom = self._noting(before[1])
        try:
            yield
        finally:
            python.Random.seed, os.urandom, python._urandom, python.seed = before
            self.look()
            self._keep()
            while self._numpy:
                self._numpy.pop()()

    def look(self) -> None:
        """Follow numpy's generators from here on, if it is loaded by now."""
        bits: Any = sys.modules.get("numpy.random.bit_generator")
        mtrand: Any = sys.modules.get("numpy.random")
        if self._numpy or bits is None or not hasattr(mtrand, "seed"):
            return
        randbits, seed = bits.randbits, mtrand.seed

        def draw(count: int) -> int:
            self._of_numpy = True
            try:
                value: int = randbits(count)
            finally:
                self._of_numpy = False
            self._entropies.add(value)
            return value

        def given(a: Any = None) -> None:
            seed(a)
            self._global["numpy"] = None if a is None else True

        bits.randbits, mtrand.seed = draw, given
        self._numpy = [lambda: setattr(bits, "randbits", randbits), lambda: setattr(mtrand, "seed", seed)]

    def _keep(self) -> None:
        """Find what is to be seeded anew, and keep the states that are not."""
        numpy = sys.modules.get("numpy.random")
        if numpy is not None and self._entropies:
            kinds = numpy.BitGenerator, numpy.Generator, numpy.RandomState
            holders = [one for one in gc.get_objects() if issubclass(type(one), kinds)]
            every = {id(bits): bits for bits in map(_bits, holders)}
            self._bits += [bits for bits in every.values() if self._is_drawn(bits)]
        if self._global.get("random"):
            self._global["random"] = random.getstate()
        if self._global.get("numpy") and numpy is not None:
            self._global["numpy"] = numpy.get_state()

    def _is_drawn(self, bits: Any) -> bool:
        source = getattr(bits, "seed_seq", None) or getattr(bits, "_seed_seq", None)
        entropy = getattr(source, "entropy", None)
        return isinstance(entropy, int) and entropy in self._entropies

    def _noting(self, urandom: Callable[[int], bytes]) -> Callable[[int], bytes]:
        def draw(count: int) -> bytes:
            if not self._of_numpy and (package := _drawing_package()) not in HARMLESS:
                self.drawn |= {package} - {""}
            return urandom(count)

        return draw

    def renew(self) -> None:
        """In a fork: seed anew what the system had seeded; Python's own generator does that by itself."""
        for one in self._generators:
            one.seed()
        for bits in self._bits:
            bits.state = type(bits)().state
        numpy, torch = sys.modules.get("numpy.random"), sys.modules.get("torch")
        if state := self._global.get("random"):
            random.setstate(state)
        if numpy is not None and not self._global.get("numpy"):
            numpy.seed()
        generator = getattr(torch, "default_generator", None)
        if generator is not None and generator.initial_seed() >= GIVEN:
            generator.seed()


def _bits(holder: Any) -> Any:
    """What the numbers of one of numpy's generators come from."""
    return getattr(holder, "bit_generator", None) or getattr(holder, "_bit_generator", holder)


def _drawing_package() -> str:
    """The installed package for which bytes are drawn; empty where it is the standard library's business."""
    standard = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib"))
    frame = sys._getframe(2)
    while frame is not None:
        name, file = str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename
        installed = f"{os.sep}site-packages{os.sep}" in file or f"{os.sep}dist-packages{os.sep}" in file
        if installed:
            return name.partition(".")[0]
        if not file.startswith((*standard, "<frozen")) or file.startswith("<frozen importlib"):
            return ""
        frame = frame.f_back  # type: ignore[assignment]
    return ""
