"""pytest plugin: core-seconds of each test, all its processes included → a table by file.

    HPO_CORES=1 bash tests/run.sh          python -m pytest -p tests.bench.cores …
    HPO_CORES=/tmp/cores.tsv bash tests/run.sh       also writes core-seconds, seconds and name of each test

A worker of pytest's goes into a control group of its own, which no daemon that a test starts can leave. Needs
root and Linux's control groups, of either version.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

V1, V2 = Path("/sys/fs/cgroup/cpuacct"), Path("/sys/fs/cgroup")
SHOWN = 30
"""Files that the table names; the others are one line."""


class Meter:
    """The control group of this process."""

    def __init__(self) -> None:
        self.unified = not V1.is_dir()
        self.place = (V2 if self.unified else V1) / f"tests-{os.getpid()}"
        self.place.mkdir()
        (self.place / "cgroup.procs").write_text(str(os.getpid()))

    def seconds(self) -> float:
        """Processor time of all that ever ran in it."""
        if self.unified:
            return int((self.place / "cpu.stat").read_text().split()[1]) / 1e6
        return int((self.place / "cpuacct.usage").read_text()) / 1e9


class Worker:
    """Runs in each process that runs tests: notes what each costs."""

    def __init__(self) -> None:
        self.meter = Meter()
        self.before = self.meter.seconds()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """What is spent between two tests counts for the later one."""
        self.began = time.monotonic()
        return (yield)

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Note the test's time so far; that of its teardown counts for the next one."""
        now = self.meter.seconds()
        item.user_properties.append(("cores", now - self.before))
        self.before = now


class Table:
    """Runs in the process that prints: adds up what the workers noted."""

    def __init__(self) -> None:
        self.files: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        self.seconds: dict[str, float] = defaultdict(float)
        wanted = os.environ.get("HPO_CORES", "1")
        self.file = Path(wanted) if wanted != "1" else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the figures of a test, which come with its last phase."""
        row = self.files[report.nodeid.split("::")[0]]
        row[2] += report.duration
        self.seconds[report.nodeid] += report.duration
        if report.when == "teardown":
            cores = sum(float(str(value)) for name, value in report.user_properties if name == "cores")
            row[0] += 1
            row[1] += cores
            if self.file:
                with self.file.open("a", encoding="utf-8") as file:
                    file.write(f"{cores:.2f}\t{self.seconds[report.nodeid]:.2f}\t{report.nodeid}\n")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table, the dearest files first."""
        rows = sorted(self.files.items(), key=lambda one: -one[1][1])
        rest = [sum(one[1][place] for one in rows[SHOWN:]) for place in range(3)]
        whole = [sum(one[1][place] for one in rows) for place in range(3)]
        terminalreporter.section("core-seconds")
        for name, (tests, cores, seconds) in [*rows[:SHOWN], ("others", rest), ("all", whole)]:
            terminalreporter.write_line(f"{cores:9.1f} core-s {seconds:9.1f} s {tests:6.0f} tests  {name}")


def pytest_configure(config: pytest.Config) -> None:
    """Measure where tests run, print where the summary is printed: two processes under xdist."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        config.pluginmanager.register(Worker())
        return
    if not config.getoption("numprocesses", None):
        config.pluginmanager.register(Worker())
    config.pluginmanager.register(Table())
