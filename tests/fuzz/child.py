"""One kind of inputs, judged one after another with limits: `python -m tests.fuzz.child KIND SECONDS FOLDER`.

Prints one line a finding and, last, a JSON object of figures. Ends with 1 where an input took too long; the
input is the file that FOLDER holds.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import random
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.extremes import EXTREMES
from tests.fuzz.judge import SMALL, judge, judge_setting
from tests.fuzz.strategies import CORPUS, EXAMPLES, mutated, settings_of, written

LIMIT_S = 30.0
"""For all that `judge` does with one input: `hpo check` twice, and the file read twice more."""
LIMIT_MB = 200
"""Beyond what `hpo check` of a small file takes."""
BATCH = 200
"""Inputs drawn from one seed; a batch is always judged whole, however slow the machine."""
FEWEST = 16
"""Extremes that are always judged, however slow the machine."""


@dataclass
class Figures:
    """What came of the inputs."""

    inputs: int = 0
    valid: int = 0
    slowest: float = 0.0
    slowest_name: str = ""
    peak_mb: float = 0.0
    peak_name: str = ""
    findings: list[str] = field(default_factory=list)


@dataclass
class Judge:
    """Judges inputs in a folder and keeps the figures."""

    file: Path
    figures: Figures = field(default_factory=Figures)
    baseline: float = 0.0
    seconds: float = 0.0

    def begin(self) -> None:
        """Take the memory that a small file needs."""
        self.file.write_bytes(SMALL)
        judge(self.file)
        self.baseline = peak()

    def one(self, content: bytes | str, name: str = "") -> None:
        """Judge a file's bytes, or the text of a setting; raises what is wrong with it."""
        self.file.write_bytes(SMALL if isinstance(content, str) else content)
        faulthandler.dump_traceback_later(LIMIT_S, exit=True)
        forget_peak()
        start = time.monotonic()
        try:
            if isinstance(content, str):
                judge_setting(content, self.file)
            else:
                self.figures.valid += judge(self.file)
        finally:
            faulthandler.cancel_dump_traceback_later()
            self._measured(time.monotonic() - start, peak() - self.baseline, name)
        assert self.figures.peak_mb < LIMIT_MB, f"{name}: {self.figures.peak_mb:.0f} MB"

    def _measured(self, seconds: float, megabytes: float, name: str) -> None:
        figures = self.figures
        figures.inputs += 1
        if seconds > figures.slowest:
            figures.slowest, figures.slowest_name = seconds, name
        if megabytes > figures.peak_mb:
            figures.peak_mb, figures.peak_name = megabytes, name

    def noted(self, content: bytes | str, name: str = "") -> None:
        """Judge, and note what is wrong in place of raising it."""
        with self.noting(name or repr(content)):
            self.one(content, name)

    @contextlib.contextmanager
    def noting(self, name: str) -> Iterator[None]:
        """Note whatever is raised inside."""
        try:
            yield
        except Exception as error:
            frames = [f for f in traceback.extract_tb(error.__traceback__) if "/hpo/" in f.filename]
            where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
            self.figures.findings.append(f"{name[:300]}: {type(error).__name__}: {str(error)[:300]} {where}")


def peak() -> float:
    """Most MB of memory since the last `forget_peak`."""
    with contextlib.suppress(OSError, StopIteration, ValueError):
        status = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def forget_peak() -> None:
    """Let the peak begin again, where the system can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def extremes(judged: Judge, until: float) -> None:
    """Judge `FEWEST` extremes, then more while there is time; those that fit a command line as settings too."""
    names = sorted(EXTREMES)
    random.Random(0).shuffle(names)
    for done, name in enumerate(names):
        if judged.seconds and done >= FEWEST and time.monotonic() > until:
            return
        make = EXTREMES[name]
        content = make()
        judged.noted(content, name)
        if len(content) < 100_000 and b"\0" not in content:
            text = content.decode(errors="surrogateescape")
            judged.noted(f"parameters.lr={text}", f"--set {name}")
            judged.noted(f"{text}=1", f"--set {name} as a key")


def corpus(judged: Judge, until: float) -> None:
    """Each example and each file of the corpus once."""
    for file in [*EXAMPLES, *CORPUS]:
        judged.noted(file.read_bytes(), file.name)


def drawn(strategy: Any) -> Callable[[Judge, float], None]:
    """Judge inputs of a strategy: one batch, then more while there is time."""

    def run(judged: Judge, until: float) -> None:
        batch = 0
        last: list[Any] = [None]
        while batch == 0 or time.monotonic() < until:

            @seed(batch)
            @settings(
                max_examples=BATCH,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(strategy)
            def one(content: bytes | str) -> None:
                last[0] = content
                judged.one(content)

            with judged.noting("an input"):
                try:
                    one()
                except Exception:
                    judged.figures.findings.append(f"the input: {last[0]!r:.2000}")
                    raise
            batch += 1

    return run


KINDS: dict[str, Callable[[Judge, float], None]] = {
    "extremes": extremes,
    "corpus": corpus,
    "built": drawn(written()),
    "mutated": drawn(mutated()),
    "settings": drawn(settings_of),
}


def main() -> int:
    """Run one kind."""
    kind, seconds, folder = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))  # a bomb ends this process, not the machine
    judged = Judge(Path(folder) / "sweep.yaml", seconds=float(seconds))
    judged.begin()
    start = time.monotonic()
    KINDS[kind](judged, start + float(seconds))
    figures = vars(judged.figures)
    took = time.monotonic() - start
    print(json.dumps({"kind": kind, "seconds": took, "baseline_mb": judged.baseline, **figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
