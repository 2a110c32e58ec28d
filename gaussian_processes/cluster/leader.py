"""Leader: the host that has the scheduler, waits for the others, and tells them when to go."""

import asyncio
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from distributed import Client, Scheduler, SpecCluster
from distributed.diagnostics.plugin import SchedulerPlugin

from gaussian_processes.algorithm import Cluster, SeveralHosts
from gaussian_processes.cluster.configuration import configure, slots
from gaussian_processes.cluster.keeper import keep_worker
from gaussian_processes.cluster.messages import HEARD, LEADER, WORK, Farewell
from gaussian_processes.cluster.network import PORT, own_address, scheduler_address
from gaussian_processes.errors import PlatformError
from gaussian_processes.job.contract.hosts import Hosts
from gaussian_processes.job.failure import Failure
from gaussian_processes.job.log import Log
from gaussian_processes.job.planning.resources import available_memory

# Seconds between two looks at who is there; for which the others may take to hear a farewell.
LOOK, PARTING = 0.5, 30.0
# Seconds after which a deadline that was overheard is told again.
AGAIN = 10.0


@dataclass
class Meeting:
    """The hosts of a job, seen from the leader.

    Attributes:
        hosts: of the job.
        terms: on which they work together.
        threads: of this host.
        log: the job's.
        address: of this host.
        client: of the scheduler.
        scheduler: Dask's, here.
        watch: what it says of lost workers, until the end.
        began: when the others began to be waited for.
    """

    hosts: Hosts
    terms: SeveralHosts
    threads: int
    log: Log
    address: str
    client: Client
    scheduler: SpecCluster
    watch: "_Watch"
    began: float = field(default_factory=time.monotonic)
    _parted: bool = field(default=False, init=False)
    _worker: Any = field(default=None, init=False)
    _cluster: Cluster | None = field(default=None, init=False)
    _seen: dict[str, str] = field(default_factory=dict, init=False)

    def work(self) -> Cluster:
        """All hosts at work together.

        Raises:
            PlatformError: hosts that have not arrived in time, by name.
        """
        if self._cluster is not None:
            return self._cluster
        self.client.log_event(LEADER, WORK)
        keeping = keep_worker(scheduler_address(self.address), self.hosts.current, self.address, self.threads, self.log)
        self._worker = asyncio.run_coroutine_threadsafe(keeping, self._loop)
        self._wait(self._absent, self.terms.arrival_seconds, self._refuse)
        tasks, _ = slots(self.threads)
        each = "1 task" if tasks == 1 else f"{tasks} tasks"
        self.log.log(
            f"{len(self.hosts.names)} hosts are at work: {', '.join(self.hosts.names)}; {each} at a time on each"
        )
        self._cluster = Cluster(self.client, tuple(self._seen[name] for name in self.hosts.names), tasks)
        return self._cluster

    def least_memory(self) -> float:
        """Bytes that the host with the least may still take; of those, at least, whose workers answer."""
        return float(min(self.client.run(available_memory, on_error="ignore").values(), default=math.inf))

    def release(self) -> None:
        """Tell the others that they are not needed; who comes late is told too."""
        self.watch.ending = True
        self._say(Farewell(0, f"{self.hosts.leader} trains, alone; nothing is left to do here."))

    def part(self, farewell: Farewell) -> None:
        """Tell the others how the job has ended, unless they have been released; they have heard it when this returns."""
        self.watch.ending = True
        patience = PARTING
        if self._parted:
            patience = max(PARTING, self.terms.arrival_seconds - (time.monotonic() - self.began))
        else:
            self._say(farewell)
        self._wait(self._deaf, patience, lambda deaf: self.log.log(f"{', '.join(deaf)} could not be told of the end."))

    def close(self) -> None:
        """Stop this host's worker, and then the scheduler: the other way round, the worker would wait for it."""
        if self._worker is not None:
            self._worker.cancel()
            self._wait(lambda: [] if self._worker.done() else [self.hosts.current], PARTING, lambda _: None)
        self.client.close(timeout=PARTING)
        self.scheduler.close(timeout=PARTING)

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        loop: Any = self.scheduler.loop
        return loop.asyncio_loop  # type: ignore[no-any-return]  # Tornado does not say what it is

    def _say(self, farewell: Farewell) -> None:
        self.client.log_event(LEADER, farewell.message)
        self._parted = True

    def _wait(self, missing: Callable[[], list[str]], seconds: float, refuse: Callable[[list[str]], None]) -> None:
        begin = time.monotonic()
        while absent := missing():
            if time.monotonic() - begin > seconds:
                refuse(absent)
                return
            time.sleep(LOOK)

    def _absent(self) -> list[str]:
        """The hosts of which no worker has been seen: one that is lost in between will be back."""
        if self._worker.done():
            self._worker.result()  # raises what a worker could not be kept for
        workers: dict[str, Any] = self.client.scheduler_info(n_workers=-1)["workers"]
        self._seen |= {worker["name"]: worker["host"] for worker in workers.values()}
        return [name for name in self.hosts.names if name not in self._seen]

    def _deaf(self) -> list[str]:
        heard = {name for _, name in self.client.get_events(HEARD)}
        return [name for name in self.hosts.followers if name not in heard]

    def _refuse(self, absent: list[str]) -> None:
        raise PlatformError(
            f"{', '.join(absent)} did not arrive within {self.terms.arrival_seconds:.0f} s (arrival_seconds); of "
            f"{len(self.hosts.names)} hosts all are wanted. Their own logs say why, if they have begun. Raise "
            "arrival_seconds if they begin late, or set distributed=false."
        )


class _Watch(SchedulerPlugin):
    """Says in the log which workers are lost, and which are back."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._names, self._lost = dict[str, Any](), set[Any]()  # by their workers' addresses, and those without one
        self.ending = False

    def remove_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:  # noqa: ARG002  # Dask gives it by name
        """Called by Dask."""
        name = self._names.pop(worker, worker)
        if not self.ending:
            self._lost.add(name)
            self._log.log(f"The worker of {name} is lost; what it had is computed again.")

    def add_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:
        """Called by Dask."""
        name = self._names[worker] = scheduler.workers[worker].name
        if name in self._lost:
            self._lost.remove(name)
            self._log.log(f"The worker of {name} is back.")


@contextmanager
def lead(hosts: Hosts, terms: SeveralHosts, threads: int, log: Log) -> Iterator[Meeting]:
    """Be where the others find the job; tell them at the end how it went.

    Args:
        hosts: of the job.
        terms: on which they work together.
        threads: of this host, and each other.
        log: the job's.

    Raises:
        PlatformError: the job's network is not there, or the job takes longer than it may.
    """
    configure(threads)
    address, watch = own_address(hosts, terms.arrival_seconds), _Watch(log)
    options = {"host": address, "port": PORT, "dashboard": False, "plugins": [watch]}
    # Without the dashboard there is still a server of figures, which would listen at all addresses if not told.
    options["dashboard_address"] = f"{address}:0"
    try:
        scheduler = SpecCluster(scheduler={"cls": Scheduler, "options": options}, workers={})
    except (OSError, RuntimeError) as error:
        raise PlatformError(f"The scheduler cannot listen at {address}, port {PORT}: {error}.") from error
    client = Client(scheduler, set_as_default=False)
    meeting = Meeting(hosts, terms, threads, log, address, client, scheduler, watch)
    try:
        with _deadline(terms.deadline_seconds):
            yield meeting
    except Exception as error:
        failure = Failure.of(error)
        meeting.part(Farewell(failure.exit_code, f"{hosts.leader}, which leads, has failed: {failure.reason.rstrip()}"))
        raise
    else:
        meeting.part(Farewell(0, f"{hosts.leader} has written the model; nothing is left to do here."))
    finally:
        meeting.close()


@contextmanager
def _deadline(seconds: float | None) -> Iterator[None]:
    """An alarm in the main thread: whatever it waits for is given up."""
    if seconds is None:
        yield
        return

    def give_up(_signum: int, _frame: FrameType | None) -> None:
        raise PlatformError(f"The job has taken more than {seconds:.0f} s (deadline_seconds): it is given up.")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
