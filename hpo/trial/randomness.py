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
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from hpo.trial.learning import loading

HARMLESS = {"donfig", "opentelemetry", "rich", "scipy", "sympy", "torch", "transformers"}
"""Packages whose draws at import mean nothing: ids in telemetry, examples of use, keys of locks."""
GIVEN, DEFAULT = 2**32, 67280421310721
"""A seed of torch's below this was given, one of the system's has 53 bits; that of each new generator."""


class Randomness:
    """What this process has drawn since it began to be `noted`."""

    def __init__(self) -> None:
        self.drawn: set[str] = set()
        """Installed packages that have drawn bytes for themselves."""
        self._generators: weakref.WeakSet[random.Random] = weakref.WeakSet()
        self._bits: list[Any] = []
        self._entropies: set[int] = set()
        self._made: list[tuple[weakref.ref[random.Random], int]] = []
        """Generators that were made since the beginning, and the states in which they were."""
        self._known: set[int] = set()
        self._of_torch: list[Any] = []
        """Generators of torch's that modules keep."""
        self._torch_before: Any = None
        self._before: int | None = None
        self._used = self._untrue = False
        """Whether Python's own generator was used; whether a seed was given that tells of this process."""
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
            self._untrue |= _is_of_now(a)
            if a is None:
                with contextlib.suppress(TypeError):  # of a class without weak references
                    self._generators.add(generator)
                    if not _names_files() and _importing() not in HARMLESS:
                        self._made.append((weakref.ref(generator), hash(generator.getstate())))
            else:
                self._generators.discard(generator)

        def given(a: Any = None, *args: Any, **options: Any) -> None:
            before[3](a, *args, **options)
            self._untrue |= _is_of_now(a)
            self._global["random"] = None if a is None else True

        python.Random.seed, python.seed = seed, given
        os.urandom = python._urandom = self._noting(before[1])
        try:
            with self._draws_noted():
                yield
        finally:
            python.Random.seed, os.urandom, python._urandom, python.seed = before
            self.look()
            self._keep()
            while self._numpy:
                self._numpy.pop()()

    @contextlib.contextmanager
    def _draws_noted(self) -> Iterator[None]:
        """Inside, it is kept whether numbers are drawn from Python's own generator."""
        python: Any = random

        def noting(draw: Callable[..., Any]) -> Callable[..., Any]:
            def noted(*args: Any) -> Any:
                self._used |= _importing() not in HARMLESS
                return draw(*args)

            return noted

        own, plain = python._inst, (python.random, python.getrandbits)
        python.random, python.getrandbits = own.random, own.getrandbits = tuple(map(noting, plain))
        try:
            yield
        finally:
            python.random, python.getrandbits = plain
            del own.random, own.getrandbits

    def begin(self) -> None:
        """What is drawn from here on counts for `why`."""
        self._made, self._untrue, self._known = [], False, set(self._entropies)
        self._before, self._used = self._state(), False
        self._torch_before = _torch_state()

    def why(self) -> str:
        """What was drawn that is kept as it is, so that all forks would have it; empty where nothing was."""
        if self._untrue:
            return "seeds random numbers by the clock or the number of its process"
        used = self._used and not self._global.get("random")
        for kept, state in self._made:
            one = kept()
            used |= one is None or hash(one.getstate()) != state
        used |= None not in (before := self._before, now := self._state()) and before != now
        if (torch_before := self._torch_before) is not None:
            now_of_torch = _torch_state()
            used |= now_of_torch is not None and not torch_before.equal(now_of_torch)
        if new := self._entropies - self._known:
            used |= not new <= {_seed(one).entropy for one in self._alive() if _is_unused(one)}
        return "draws random numbers" if used else ""

    def _state(self) -> int | None:
        """That of numpy's own generator, if it is loaded and was not given a seed."""
        numpy = sys.modules.get("numpy.random")
        if numpy is None or not self._numpy or self._global.get("numpy"):
            return None
        state = numpy.get_state()
        return hash((state[1].tobytes(), *state[2:]))

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
            self._known |= {value} if _importing() in HARMLESS else set()
            return value

        def given(a: Any = None) -> None:
            seed(a)
            self._untrue |= _is_of_now(a)
            self._global["numpy"] = None if a is None else True

        bits.randbits, mtrand.seed = draw, given
        self._numpy = [lambda: setattr(bits, "randbits", randbits), lambda: setattr(mtrand, "seed", seed)]

    def _keep(self) -> None:
        """Find what is to be seeded anew, and keep the states that are not."""
        numpy = sys.modules.get("numpy.random")
        if numpy is not None and self._entropies:
            self._bits += self._alive()
        kind = getattr(sys.modules.get("torch"), "Generator", ())
        kept = [
            one
            for module in list(sys.modules.values())
            for one in list(getattr(module, "__dict__", {}).values())
        ]
        self._of_torch = [one for one in kept if kind and type(one) is kind and _is_by_system(one)]
        if self._global.get("random"):
            self._global["random"] = random.getstate()
        if self._global.get("numpy") and numpy is not None:
            self._global["numpy"] = numpy.get_state()

    def _alive(self) -> list[Any]:
        """numpy's generators that the system has seeded."""
        numpy: Any = sys.modules["numpy.random"]
        kinds = numpy.BitGenerator, numpy.Generator, numpy.RandomState
        holders = [one for one in gc.get_objects() if issubclass(type(one), kinds)]
        every = {id(bits): bits for bits in map(_bits, holders)}
        return [bits for bits in every.values() if self._is_drawn(bits)]

    def _is_drawn(self, bits: Any) -> bool:
        entropy = getattr(_seed(bits), "entropy", None)
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
        for one in self._of_torch if generator is None else [generator, *self._of_torch]:
            if _is_by_system(one):
                one.seed()


def _bits(holder: Any) -> Any:
    """What the numbers of one of numpy's generators come from."""
    return getattr(holder, "bit_generator", None) or getattr(holder, "_bit_generator", holder)


def _is_unused(bits: Any) -> bool:
    """Whether one of numpy's generators is as its seed has made it."""
    return repr(type(bits)(_seed(bits)).state) == repr(bits.state)


def _seed(bits: Any) -> Any:
    return getattr(bits, "seed_seq", None) or getattr(bits, "_seed_seq", None)


def _is_of_now(seed: Any) -> bool:
    """Whether a seed is the time, in some unit, or the number of this process."""
    if not isinstance(seed, (int, float)) or isinstance(seed, bool):
        return False
    if abs(seed) < 10**6:
        return bool(seed == os.getpid())
    return any((int(time.time() * unit) - int(seed)) % 2**32 < unit * 5 for unit in (1, 10**3, 10**6))


def _is_by_system(generator: Any) -> bool:
    """Whether the system has seeded one of torch's generators."""
    seed: int = generator.initial_seed()
    return seed >= GIVEN and seed != DEFAULT


def _torch_state() -> Any:
    """That of torch's own generator, if it is loaded and was not given a seed."""
    generator = getattr(sys.modules.get("torch"), "default_generator", None)
    return None if generator is None or not _is_by_system(generator) else generator.get_state()


def _importing() -> str:
    """The package of the module that is being imported just now."""
    return (loading() or [""])[-1].partition(".")[0]


def _names_files() -> bool:
    """Whether tempfile asks for a generator, for names that a fork would not use."""
    frame = sys._getframe(2)
    for _ in range(4):
        if frame is None or frame.f_globals.get("__name__") == "tempfile":
            return frame is not None
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _drawing_package() -> str:
    """The package that draws bytes at its import; empty where it is the standard library's business."""
    standard = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib"))
    frame: Any = sys._getframe(2)
    while frame is not None:
        name, file = str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename
        installed = f"{os.sep}site-packages{os.sep}" in file or f"{os.sep}dist-packages{os.sep}" in file
        if file.startswith("<frozen importlib"):
            return ""
        if installed or not file.startswith((*standard, "<frozen")):
            return name.partition(".")[0] if loading() else ""
        frame = frame.f_back
    return ""
