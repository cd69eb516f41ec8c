"""A plan → a run in its directory: the cluster, signals, the loop, the result."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from hpo.engine.board import Board
from hpo.engine.cluster import Cluster, await_processes, connected
from hpo.engine.ending import Ending, signals
from hpo.engine.farewells import former
from hpo.engine.fleet import Fleet
from hpo.engine.live import LiveRecord, open_record
from hpo.engine.ongoing import Limits, Outcome
from hpo.engine.plan import Plan, Watch, slots_for
from hpo.engine.result import RunResult
from hpo.errors import HpoError, UserError
from hpo.record.lock import RunLock
from hpo.record.stop_request import StopRequests

if TYPE_CHECKING:
    from hpo.engine.controller import Controller
    from hpo.engine.scheduling import Scheduling
    from hpo.tune.searchers import SpaceSearcher


SOON = 2.0
"""Seconds that a run which goes on waits for its last driver's trials without a word."""
LOADING = 5.0
"""Seconds that a run which is over waits for a library that is still being loaded, and that one for Ray."""


@dataclass
class Session:
    """What a run's next part goes on with: hpo.agent may be called several times for one sweep."""

    record: LiveRecord | None = None
    lock: RunLock | None = None
    trials: int = 0
    searcher: SpaceSearcher | None = None
    scheduling: Scheduling | None = None

    @property
    def opened(self) -> LiveRecord:
        """The record, which is open."""
        assert self.record is not None
        return self.record


def execute(run: Plan, watch: Watch = lambda state: None, session: Session | None = None) -> RunResult:
    """Run a plan to its end, or go on with its run.

    `watch` is called with the state whenever something may have changed. With a session the journal stays
    open and the search goes on where it was.
    """
    if run.over:
        return RunResult(run.directory, run.over, "")
    kept = session is not None
    session = session or Session()
    loading = _load_beside(run.options.address)
    with ExitStack() as stack:
        stack.callback(loading.join, LOADING)
        board = Board(run.directory) if run.sweep.hpo.tensorboard else None
        if board:
            stack.callback(board.close)
        if run.past:
            stack.enter_context(_recording(run, session, kept=kept))
        cluster = stack.enter_context(connected(run.options.address))
        size = slots_for(run, cluster)
        if not run.past:  # nothing is there of a run that could not begin
            stack.enter_context(_recording(run, session, kept=kept))
        record = session.opened
        record.board = board
        anew = not record.state.run
        record.append(run.opening(size, cluster.demand(run.sweep.hpo.resources)))
        for earlier in run.earlier if anew else ():
            record.append({"event": "earlier", **vars(earlier)})
        record.commit()
        if run.options.engine == "tune":
            loading.join()
            from hpo.engine.stock import run_stock

            outcome = run_stock(run, cluster, size, record, watch)
        else:
            outcome = _drive(run, cluster, size, session, watch, loading)
        record.append({"event": "done", "state": outcome.state, "reason": outcome.reason})
        record.commit()
        if board:
            board.finish()  # and is waited for once Ray has ended
    return RunResult(run.directory, outcome.state, outcome.reason)


@contextmanager
def _recording(run: Plan, session: Session, *, kept: bool) -> Iterator[None]:
    """Hold the run directory's lock, and its journal open; both are let go at the end, whatever happens."""
    try:
        run.directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make {run.directory}: {error.strerror}; name another --out") from error
    with RunLock.acquire(run.directory) as session.lock:
        session.record = session.record or open_record(run)
        try:
            yield
        except HpoError:
            with suppress(HpoError):  # it may be the journal that can be written no more
                session.record.journal.close()
            raise
        finally:
            if not kept:
                session.record.journal.close()


def _load_beside(address: str | None) -> threading.Thread:
    """Load Ray Tune, which takes most of a second, while Ray waits for its processes.

    What sets environment variables when it is loaded has to be loaded before: Ray's threads read them, and
    glibc older than 2.41 breaks down over that.
    """
    import_module("numpy")

    def load() -> None:
        if address is None:
            await_processes(LOADING)
        with suppress(Exception):  # whoever needs it next fails with the same
            import_module("hpo.engine.controller")

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    return thread


def _drive(
    run: Plan, cluster: Cluster, size: int, session: Session, watch: Watch, loading: threading.Thread
) -> Outcome:
    demand = cluster.demand(run.sweep.hpo.resources)
    fleet = Fleet(size, demand, run.recipe(), run.function(), _room(run))
    try:
        if run.past:
            _await_former(run, session.opened)
        loading.join()  # slots start first; and two threads in Ray Tune's circles of imports lock each other
        controller = _controller(run, fleet, session, watch)
        with signals(controller.ending):
            try:
                return controller.run()
            finally:
                session.searcher = controller.deciding.close()
                session.trials += controller.started
    finally:
        fleet.close()


def _await_former(run: Plan, record: LiveRecord) -> None:
    """Wait until nothing runs any more that an earlier driver had started: it may have died just now."""
    import ray

    from hpo.record.metrics import trial_directory
    from hpo.record.tensorboard import ended_for_good

    left = [one.number for one in record.state.trials.values() if not ended_for_good(one)]
    trials = [str(trial_directory(run.directory, number)) for number in left]
    told = False
    while tasks := former(str(run.directory), trials):
        if ray.wait(tasks, num_returns=len(tasks), timeout=SOON)[1] and not told:
            told, grace = True, f"they get {run.sweep.hpo.kill_grace:g} s to save their state"
            record.append({"event": "note", "text": f"the last driver's trials still run; {grace}"})
            record.commit()
        with suppress(ray.exceptions.RayError):  # a node has died: once more
            ray.get(tasks)
            return


def _room(run: Plan) -> Callable[[], int] | None:
    """What tells how many slots there is room for on a cluster as it is now; None: it is no cluster."""
    address = run.options.address
    if address is None:
        return None

    def room() -> int:
        try:
            return slots_for(run, Cluster.seen(address))
        except UserError:  # not for a single one: nodes were lost
            return 0

    return room


def _controller(run: Plan, fleet: Fleet, session: Session, watch: Watch) -> Controller:
    """The event loop of a run, where its journal ended if it has one."""
    from hpo.engine.asking import asking
    from hpo.engine.checkpoints import Checkpoints
    from hpo.engine.controller import Controller
    from hpo.engine.deciding import Deciding
    from hpo.engine.pausing import Pausing
    from hpo.engine.resuming import Resumption, Retelling
    from hpo.engine.scheduling import Scheduling

    record = session.opened
    scheduling = session.scheduling = session.scheduling or Scheduling(run.scheduler())
    pausing = Pausing(Checkpoints(str(run.directory), run.sweep.hpo.checkpoint.keep), scheduling)
    retelling = Retelling(session.searcher or run.search())
    deciding = Deciding(retelling, scheduling, pausing, run.sweep.metric)
    before = Resumption(deciding, run.again, run.recipe())
    before.tell(run.past)
    waiting = before.settle(record.append)
    deciding.asking = asking(retelling.searcher, session.trials + before.started + 1)
    deciding.asking.pace(len(fleet.seats), 0.0)
    limits = Limits(run.count, run.sweep.hpo.time_budget, run.sweep.hpo.max_failures)
    return Controller(
        deciding=deciding,
        fleet=fleet,
        record=record,
        ending=Ending(limits, _asked(run, session), deciding.success if before.reached else None),
        recipe=run.recipe(),
        progress=lambda: watch(record.state),
        sound=lambda: _locked(session).check(at_once=True),
        started=before.started,
        waiting=waiting,
        early=before.early,
        first=session.trials + 1,
        ended=before.ended,
    )


def _locked(session: Session) -> RunLock:
    assert session.lock is not None
    return session.lock


def _asked(run: Plan, session: Session) -> Callable[[], str | None]:
    """What `hpo stop` asks for; raises HpoError once the run directory is no longer this driver's."""
    lock = _locked(session)
    requests = StopRequests(run.directory, lock.token)

    def asked() -> str | None:
        lock.check()
        return requests.take()

    return asked
