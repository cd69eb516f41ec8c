"""A plan → a run in its directory: the cluster, signals, the loop, the result."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hpo.engine.asking import asking
from hpo.engine.cluster import Cluster, connected
from hpo.engine.controller import Controller
from hpo.engine.fleet import Fleet
from hpo.engine.ongoing import Limits, Outcome
from hpo.engine.plan import LiveRecord, Plan, Watch, open_record, slots_for
from hpo.engine.result import RunResult
from hpo.engine.scheduling import Scheduling
from hpo.engine.stock import run_stock
from hpo.tune.schedulers import scheduler
from hpo.tune.searchers import SpaceSearcher


@dataclass
class Session:
    """What a run's next part goes on with: hpo.agent may be called several times for one sweep."""

    searcher: SpaceSearcher
    scheduling: Scheduling
    record: LiveRecord | None = None
    trials: int = 0

    @classmethod
    def of(cls, run: Plan) -> Session:
        """A fresh one."""
        return cls(run.search(), Scheduling(scheduler(run.sweep)))


def execute(run: Plan, watch: Watch = lambda state: None, session: Session | None = None) -> RunResult:
    """Run a plan to its end; `watch` is called with the state whenever something may have changed.

    With a session the journal stays open and the search goes on where it was.
    """
    kept = session is not None
    session = session or Session.of(run)
    try:
        with connected(run.options.address) as cluster:
            size = slots_for(run, cluster)
            record = session.record = session.record or open_record(run)
            record.append(run.opening(size))
            record.commit()
            if run.options.engine == "tune":
                outcome = run_stock(run, cluster, size, record, watch)
            else:
                outcome = _drive(run, cluster, size, session, watch)
            record.append({"event": "done", "state": outcome.state, "reason": outcome.reason})
            record.commit()
    finally:
        if session.record and not kept:
            session.record.journal.close()
    return RunResult(run.directory, outcome.state, outcome.reason)


def _drive(run: Plan, cluster: Cluster, size: int, session: Session, watch: Watch) -> Outcome:
    record = session.record
    assert record is not None
    fleet = Fleet(size, cluster.demand(run.sweep.hpo.resources), run.recipe(), run.function())
    controller = Controller(
        asking=asking(session.searcher, session.trials + 1),
        scheduling=session.scheduling,
        fleet=fleet,
        record=record,
        metric=run.sweep.metric,
        limits=Limits(run.count, run.sweep.hpo.time_budget, run.sweep.hpo.max_failures),
        progress=lambda: watch(record.state),
        first=session.trials + 1,
    )
    try:
        with interrupts(controller):
            return controller.run()
    finally:
        session.searcher = controller.asking.close()
        session.trials += controller.started
        fleet.close()


@contextmanager
def interrupts(controller: Controller) -> Iterator[None]:
    """Ctrl-C once: running trials end by themselves; twice, or SIGTERM: they are ended."""

    def note(number: int, frame: Any) -> None:
        controller.interrupts += 2 if number == signal.SIGTERM else 1
        if controller.interrupts == 1:
            print("no new trials; running ones end by themselves, Ctrl-C again ends them", file=sys.stderr)

    try:
        previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread (a notebook's executor): no signals to catch
        yield
        return
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
