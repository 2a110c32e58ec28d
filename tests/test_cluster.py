"""How hosts find each other, what they tell each other, how a channel that was dealt out is put together, which way is taken."""

import asyncio
import copy
import io
import math
import socket
import time
from dataclasses import dataclass, field, replace

import dask
import nearest_neighbours
import numpy as np
import pytest

from gaussian_processes.algorithm import Distribution, Needs, SeveralHosts, Size
from gaussian_processes.cluster import configuration, follower, keeper, network
from gaussian_processes.cluster.configuration import TASKS, configure, slots
from gaussian_processes.cluster.messages import WORK, Farewell, farewell_of
from gaussian_processes.cluster.network import LONGEST, SHORTEST, own_address, scheduler_address
from gaussian_processes.data.channels.channel import Channel
from gaussian_processes.data.channels.reading import read_channel
from gaussian_processes.data.channels.shards import joined
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.errors import DataError, PlatformError
from gaussian_processes.job.contract.hosts import Hosts
from gaussian_processes.job.log import Log
from gaussian_processes.job.planning.plan import Machine, preferred, settle
from gaussian_processes.job.planning.strategy import Way, terms_of, ways

HOSTS = Hosts("algo-2", ("algo-1", "algo-2"))


@dataclass
class Names:
    """Name resolution that fails some times, and a clock that moves when somebody sleeps."""

    failures: int
    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def gethostbyname(self, name):
        if self.failures > 0:
            self.failures -= 1
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return {"algo-2": "10.0.0.2"}[name]

    def sleep(self, seconds):
        self.now += seconds
        self.waits.append(seconds)

    def monotonic(self):
        return self.now


@pytest.fixture
def names(monkeypatch):
    """Makes names that do not resolve at first."""

    def make(failures):
        made = Names(failures)
        monkeypatch.setattr(network.socket, "gethostbyname", made.gethostbyname)
        monkeypatch.setattr(network.time, "monotonic", made.monotonic)
        return made

    return make


def test_a_name_that_does_not_resolve_is_asked_for_again(names):
    """At intervals that double up to the longest."""
    made = names(9)
    assert own_address(HOSTS, 600, made.sleep) == "10.0.0.2"
    assert made.waits == pytest.approx([min(SHORTEST * 2**n, LONGEST) for n in range(9)])


def test_a_name_that_never_resolves_is_given_up(names):
    """After the time in which hosts may arrive, with the system's own words."""
    made = names(10**9)
    with pytest.raises(PlatformError, match=r"algo-2, has not resolved for 30 s \(.*Temporary failure.*network is not"):
        own_address(HOSTS, 30, made.sleep)
    assert 30 < made.now <= 30 + LONGEST


def test_the_jobs_interface_counts_before_the_name(names):
    """And where the machine has no interface of that name, as in local mode, the name does."""
    names(0)
    assert own_address(replace(HOSTS, interface="lo"), 1) == "127.0.0.1"
    assert own_address(replace(HOSTS, interface="eth-none-here"), 1) == "10.0.0.2"


def test_the_scheduler_is_at_dasks_own_port():
    """Of the leader."""
    assert scheduler_address("algo-1") == "tcp://algo-1:8786"


@pytest.mark.parametrize(("code", "reason"), [(0, "Nothing is left to do."), (4, "Rows, β and «more»:\n(a) …")])
def test_a_farewell_arrives_as_it_was_said(code, reason):
    """By way of numbers and strings alone; no other message is one."""
    farewell = Farewell(code, reason)
    assert all(isinstance(value, int | str) for value in farewell.message.values())
    assert farewell_of(dict(farewell.message)) == farewell
    assert farewell_of(WORK) is None


@dataclass
class Gone:
    """A client of Dask's that has lost its scheduler, and has dialled for as long as it was told to."""

    status: str = "closed"
    scheduler: None = None


def test_a_leader_that_nobody_listens_for_is_lost(monkeypatch):
    """After a while, and with a sentence, whatever has become of the client."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setattr(follower, "PORT", probe.getsockname()[1])  # bound, and not listened at
        monkeypatch.setattr(follower, "GONE", 0.3)
        monkeypatch.setattr(follower, "POLL", 0.1)
        begin = time.monotonic()
        with pytest.raises(
            PlatformError, match=r"^The leader, 127\.0\.0\.1, has not answered for 0 s: it is lost, and"
        ):
            asyncio.run(follower._said(Gone(), "127.0.0.1"))
        assert time.monotonic() - begin < follower.LEADER_SILENCE / 2


def test_a_leader_that_is_out_of_reach_is_waited_for_longer(monkeypatch):
    """It may be back."""
    monkeypatch.setattr(follower, "GONE", 0.0)
    monkeypatch.setattr(follower, "POLL", 0.1)
    monkeypatch.setattr(follower, "LEADER_SILENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setattr(follower, "PORT", listening.getsockname()[1])
        begin = time.monotonic()
        with pytest.raises(PlatformError, match=r"has not answered for"):
            asyncio.run(follower._said(Gone(), "127.0.0.1"))
        assert time.monotonic() - begin > 0.5


@pytest.mark.parametrize("known", [True, False])
def test_a_worker_that_cannot_begin_is_begun_again_and_the_log_says_why(monkeypatch, known):
    """Each reason once, as Dask gives it, or else as what has caused it."""

    class Refused:
        """A Nanny of Dask's that says no, twice for each reason."""

        reasons = ["name taken"] * 2 + ["no\nroom"] * 2

        def __init__(self, *_, **__):
            if not self.reasons:
                raise KeyboardInterrupt

        async def __aenter__(self):
            reason = OSError(self.reasons.pop(0))
            raise reason if known else RuntimeError("Nanny failed to start.") from reason

        async def __aexit__(self, *_):
            raise AssertionError

    monkeypatch.setattr(keeper, "Nanny", Refused)
    monkeypatch.setattr(keeper, "PAUSE", 0.0)
    said = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(keeper.keep_worker("tcp://algo-1:8786", "algo-2", "10.0.0.2", 1, Log(said)))
    begin = "The worker of algo-2 could not begin, and is begun again: "
    assert said.getvalue() == f"{begin}name taken\n{begin}no room\n"


@pytest.mark.parametrize("threads", [1, 2, TASKS, TASKS + 1, 96, 192])
def test_threads_are_shared_out(threads):
    """No more than there are, and as good as all of them; never none."""
    tasks, each = slots(threads)
    assert 1 <= tasks <= TASKS
    assert each >= 1
    assert threads / 2 < tasks * each <= threads


@pytest.fixture
def configured():
    """Dask's settings, as they were before at the end."""
    before = copy.deepcopy(dask.config.config)
    yield dask.config
    dask.config.config.clear()
    dask.config.config.update(before)


def test_what_the_user_sets_for_dask_counts(configured, monkeypatch):
    """By Dask's own variables; the rest is as this job needs it."""
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL", "77 s")
    configure(32)
    assert configured.get("distributed.scheduler.worker-ttl") == "77 s"
    assert configured.get("distributed.scheduler.work-stealing") is False
    assert configured.get("distributed.nanny.pre-spawn-environ.OMP_NUM_THREADS") == "2"
    monkeypatch.delenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL")
    configure(1)
    assert configured.get("distributed.scheduler.worker-ttl") == f"{configuration.WORKER_SILENCE} s"


def part(*sources, columns=None, width=2):
    """A host's share: files with their rows, whose numbers are the files' names."""
    rows = [(name, count) for name, count in sources]
    numbers = np.concatenate([np.full(count, float(ord(name[0]))) for name, count in rows])
    features = np.column_stack([numbers * (k + 1) for k in range(width)])
    return Dataset(features, numbers, tuple(Source(name, count) for name, count in rows), columns)


def test_shares_are_joined_in_the_order_of_their_files_names():
    """Whoever has them, and whichever comes first."""
    one, other, third = part(("b", 2), ("e", 1)), part(("a", 1), ("d", 3)), part(("c", 2))
    whole = joined([one, other, third])
    assert [source.name for source in whole.sources] == ["a", "b", "c", "d", "e"]
    assert "".join(chr(int(number)) for number in whole.target) == "abbccddde"
    assert np.array_equal(whole.features[:, 1], 2 * whole.target)
    assert whole.origin(4) == "c, row 2"
    assert joined([third, other, one]).fingerprint == whole.fingerprint


def test_one_share_is_the_channel():
    """There is nothing to put together."""
    one = part(("b", 2), ("e", 1), columns=("y", "u", "v"))
    whole = joined([one])
    assert (whole.fingerprint, whole.sources, whole.columns) == (one.fingerprint, one.sources, one.columns)


def test_files_are_in_the_order_in_which_one_host_reads_them(tmp_path):
    """By the parts of their paths, and not by letters alone."""
    names = ["B.csv", "a.csv", "a/z.csv", "a-b.csv", "a/B.csv", "ä.csv", "c/d/e.csv"]
    for number, name in enumerate(names):
        path = tmp_path / "all/training" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number},1\n{number},2\n")
        path = tmp_path / f"host-{number % 3}/training" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number},1\n{number},2\n")
    whole = read_channel(Channel("training", tmp_path / "all/training"))
    shares = [read_channel(Channel("training", tmp_path / f"host-{number}/training")) for number in range(3)]
    again = joined(shares)
    assert again.sources == whole.sources
    assert again.fingerprint == whole.fingerprint


def test_a_file_in_two_shares_is_refused():
    """By name, with what to set."""
    with pytest.raises(DataError, match=r"^b is on two hosts, .*S3DataDistributionType to FullyReplicated"):
        joined([part(("a", 1), ("b", 1)), part(("c", 1)), part(("b", 1))])


def test_shares_of_different_columns_are_refused():
    """By the files' names, and the numbers or the names of their columns."""
    with pytest.raises(DataError, match=r"^b has 4 columns where a has 3"):
        joined([part(("a", 1)), part(("b", 1), width=3)])
    with pytest.raises(DataError, match=r"^b: column 3 is named 'w' where it is 'v' in a"):
        joined([part(("a", 1), columns=("y", "u", "v")), part(("b", 1), columns=("y", "u", "w"))])


def test_a_share_without_names_takes_those_of_the_others():
    """A header line may be on another host."""
    whole = joined([part(("b", 1)), part(("a", 1), columns=("y", "u", "v"))])
    assert whole.columns == ("y", "u", "v")


class Told(SeveralHosts):
    """Hyperparameters of an algorithm that learns over several hosts, in two ways."""

    way: str = "any"


FOUR = Machine(threads=1, memory=math.inf, disk=math.inf, hosts=4)
SIZE = Size(1000, 3)
# Bytes that each way takes on a host, for each row.
EACH = {"exact": 100, "rough": 10}
SPREADING = replace(
    nearest_neighbours.algorithm,
    hyperparameters=Told,
    needs=lambda size, told: Needs(EACH[told.way] * size.rows, 0.0, 0),
    ways=lambda told: tuple(told.model_copy(update={"way": way}) for way in EACH) if told.way == "any" else (told,),
    distribution=Distribution(
        fit=nearest_neighbours.fit, needs=lambda size, told, hosts: Needs(EACH[told.way] * size.rows // hosts, 0.0, 0)
    ),
)


def told(found):
    return [(way.hyperparameters.way, way.hosts) for way in found]


@pytest.mark.parametrize(
    ("distributed", "wanted"),
    [
        (False, [("exact", 1), ("rough", 1)]),
        ("auto", [("exact", 1), ("exact", 4), ("rough", 4), ("rough", 1)]),
        (True, [("exact", 4), ("rough", 4)]),
    ],
)
def test_a_better_way_over_more_hosts_comes_before_a_rougher_one(distributed, wanted):
    """One host before several, and for what is rougher several before one; as it is asked for, if it is."""
    hyperparameters = Told(distributed=distributed)
    assert told(ways(SPREADING, hyperparameters, 4)) == wanted
    assert told(ways(SPREADING, hyperparameters, 1)) == [("exact", 1), ("rough", 1)]


@pytest.mark.parametrize(
    ("memory", "way", "hosts"),
    [(100_000, "exact", 1), (99_999, "exact", 4), (25_000, "exact", 4), (24_999, "rough", 4), (2_500, "rough", 4)],
)
def test_the_first_way_is_taken_for_which_there_is_memory(memory, way, hosts):
    """On each of the hosts."""
    found = settle(SPREADING, SIZE, Told(), replace(FOUR, memory=memory))
    assert told([found]) == [(way, hosts)]
    assert preferred(SPREADING, SIZE, Told(), replace(FOUR, memory=memory)) == found


def test_what_no_way_has_memory_for_is_refused_by_the_one_that_takes_the_least():
    """With the number of hosts, and of rows that would fit."""
    machine = replace(FOUR, memory=2_499.0)
    assert told([preferred(SPREADING, SIZE, Told(), machine)]) == [("rough", 4)]
    with pytest.raises(
        PlatformError, match=r"of memory on each of 4 hosts, and .* 999 rows would fit\..* or more of them"
    ):
        settle(SPREADING, SIZE, Told(), machine)
    with pytest.raises(
        PlatformError, match=r"of memory, and .* 249 rows would fit\. Use an instance with more memory, or"
    ):
        settle(SPREADING, SIZE, Told(distributed=False), machine)


def test_an_algorithm_that_says_nothing_goes_its_first_way():
    """There is nothing to compare."""
    silent = replace(
        SPREADING,
        needs=None,
        distribution=replace(SPREADING.distribution, needs=lambda *_: Needs(0, 0.0, 0)),
        ways=None,
    )
    assert settle(silent, SIZE, Told(), replace(FOUR, memory=0.0)) == Way(Told())


def test_hosts_work_together_on_the_jobs_terms():
    """If there are several, the algorithm can, and it is not forbidden."""
    hyperparameters = Told(arrival_seconds=7)
    assert terms_of(SPREADING, hyperparameters, 2) is hyperparameters
    assert terms_of(SPREADING, hyperparameters, 1) is None
    assert terms_of(SPREADING, Told(distributed=False), 2) is None
    assert terms_of(replace(SPREADING, distribution=None), hyperparameters, 2) is None
    assert terms_of(SPREADING, nearest_neighbours.Hyperparameters(), 2) is None
