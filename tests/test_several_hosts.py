"""Three hosts that learn together, each a network namespace with the real `train` in it; and what happens when one fails.

Faults come at some of the moments, and the hosts are hasty to take each other for lost. With ALL_FAULTS=1 they come at all of
the moments, and the hosts are as patient as in a real job, which takes some twenty minutes.
"""

import json
import os
import random
import signal
import time
from contextlib import suppress

import numpy as np
import pytest
from namespaces import NAMES, all_names, namespaces, require_namespaces
from processes import ALL_FAULTS, run_train, slow_tiles, wait_for, write_opt_ml
from reference import ROOT
from reporting import metrics_in

from gaussian_processes.arc_cosine import algorithm
from gaussian_processes.gp import ArcCosine
from gaussian_processes.gp.linalg.cholesky import Cholesky, NotPositiveDefiniteError
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.storage.model_file import load_artifact

patient = pytest.mark.skipif(not ALL_FAULTS, reason="takes minutes; ALL_FAULTS=1 runs it")
STOPPED = 128 + signal.SIGTERM
LEADER, FOLLOWER, OTHER = NAMES
# In name order by their parts, and not by their letters alone.
FILES = ("B.csv", "a.csv", "a/z.csv", "a-b.csv", "c.csv")
N, M = 1501, 40


def table(rows):
    return "".join(",".join(map(repr, map(float, row))) + "\n" for row in rows)


def measured(count):
    """Rows with their targets before them."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(count, 4))
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * generator.normal(size=count)
    return np.column_stack([y, X])


ROWS = measured(N + M)
TRAINING = {
    f"training/{name}": table(rows) for name, rows in zip(FILES, np.array_split(ROWS[:N], len(FILES)), strict=True)
}
VALIDATION = {"validation/a.csv": table(ROWS[N:])}
SMALL = {"training/a.csv": table(ROWS[:60])}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The three hosts, with nothing running on them."""
    require_namespaces()
    with namespaces(tmp_path_factory.mktemp("network")) as hosts:
        yield hosts


@pytest.fixture
def hosts(network):
    """The three hosts; what a test leaves running there is ended."""
    yield network
    for host in network.values():
        host.clear()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The same job on one host."""
    paths = write_opt_ml(tmp_path_factory.mktemp("alone") / "job", {**TRAINING, **VALIDATION})
    done = run_train(paths)
    assert (done.returncode, done.stderr) == (0, "")
    return paths, metrics_in(done.stdout)


@pytest.fixture(scope="module")
def together(network, tmp_path_factory):
    """The job on three hosts: paths and log of each, exit codes, and all addresses at which something has listened."""
    begin(network, tmp_path_factory.mktemp("together"), {**TRAINING, **VALIDATION}, distributed="true")
    listening = {name: set() for name in network}

    def over():
        for name, host in network.items():
            listening[name] |= host.listening
        return all(host.process.poll() is not None for host in network.values())

    wait_for(over, 120, pause=0.1)
    codes = {name: host.process.returncode for name, host in network.items()}
    told = {name: (host.paths, host.said) for name, host in network.items()}
    for host in network.values():
        host.clear()
    return told, codes, listening


def begin(hosts, folder, channels, extra=None, config=None, **hyperparameters):
    """Start `train` on the hosts; of channels by host's name, each has its own."""
    for name in hosts:
        paths = write_opt_ml(folder / name, channels.get(name, channels), hyperparameters, config)
        document = {"current_host": name, "hosts": list(NAMES), "network_interface_name": "eth0"}
        paths.resource_config.write_text(json.dumps(document))
        hosts[name].start(paths, extra)


def some(hosts, *names):
    return {name: hosts[name] for name in names}


def ends(hosts, seconds=120.0):
    """The exit codes of all hosts that were started, once they have ended; none ends, or goes on, with a traceback."""
    started = {name: host for name, host in hosts.items() if host.process is not None}
    with suppress(AssertionError):  # shown below, with what they said
        wait_for(lambda: all(host.process.poll() is not None for host in started.values()), seconds)
    codes = {name: host.process.poll() for name, host in started.items()}
    told = {name: host.said for name, host in started.items()}
    assert None not in codes.values(), (codes, told)
    assert "Traceback" not in "".join(told.values()), told
    return codes


def model_in(paths):
    return algorithm.from_state(load_artifact(paths.model, algorithm).state)


def require_same_model(paths, wanted_paths):
    """alpha, means and standard deviations, by way of the model's files."""
    found, wanted = model_in(paths), model_in(wanted_paths)
    X_star = np.random.default_rng(1).normal(size=(20, 4))
    pairs = zip(found.gp.predict(X_star, return_std=True), wanted.gp.predict(X_star, return_std=True), strict=True)
    for this, that in ((found.gp.solution.alpha, wanted.gp.solution.alpha), *pairs):
        assert np.linalg.norm(this - that) <= 1e-8 * np.linalg.norm(that)


def require_followed(host, code=0):
    """Nothing printed for the tuner, and nothing written but a failure file, if it has failed."""
    assert metrics_in(host.said) == {}
    assert not list(host.paths.root.glob("model/*"))
    assert host.paths.failure.exists() == bool(code)


def test_three_hosts_learn_what_one_does(together, alone):
    """Metrics and model, to 1e-8; the rows are no multiple of a tile's."""
    told, codes, _ = together
    assert codes == dict.fromkeys(NAMES, 0), told
    paths, said = told[LEADER]
    wanted_paths, wanted = alone
    assert metrics_in(said) == pytest.approx(wanted, rel=1e-8)
    assert list(metrics_in(said)) == list(wanted)
    assert "Factored in 12 by 12 tiles of 126 rows on 3 hosts." in said
    require_same_model(paths, wanted_paths)


def test_followers_print_no_metric_and_write_nothing(together):
    """They say whom they follow, that they work, and how it ended."""
    told, _, _ = together
    for name in (FOLLOWER, OTHER):
        paths, said = told[name]
        assert metrics_in(said) == {}
        assert sorted(path.name for path in paths.root.iterdir()) == ["input"]
        first, second, last = said.splitlines()
        assert first == f"Host {name} of 3: algo-1 leads; waiting for it."
        assert second.startswith(f"{name} works for algo-1, at 10.77.0.")
        assert last == f"Host {name} of 3: algo-1 has written the model; nothing is left to do here."


def test_nothing_listens_beyond_the_jobs_interface(together, network):
    """Not at the loopback interface's address, nor at all of them, nor at IPv6's."""
    _, _, listening = together
    assert listening == {name: {host.address} for name, host in network.items()}


def test_a_channel_dealt_over_the_hosts_is_read_whole(hosts, together, tmp_path):
    """To the bit what all hosts having all files gives, although one has none."""
    told, _, _ = together
    dealt = {LEADER: FILES[1::2], FOLLOWER: (), OTHER: FILES[::2]}
    shares = {
        name: {**{f"training/{file}": TRAINING[f"training/{file}"] for file in files}, **VALIDATION}
        for name, files in dealt.items()
    }
    config = {"training": {"S3DistributionType": "ShardedByS3Key"}}
    begin(hosts, tmp_path, shares, config=config, distributed="true")
    assert ends(hosts) == dict.fromkeys(NAMES, 0)
    found, wanted = (load_artifact(paths.model, algorithm).state for paths in (hosts[LEADER].paths, told[LEADER][0]))
    for name in ("X", "y", "alpha", "factor"):
        assert np.array_equal(found[name], wanted[name]), name
    assert metrics_in(hosts[LEADER].said) == metrics_in(told[LEADER][1])


def test_a_file_on_two_hosts_is_refused(hosts, tmp_path):
    """By name; the followers hear of it."""
    shares = {LEADER: SMALL, FOLLOWER: {"training/b.csv": "1,2,1,1,2\n"}, OTHER: SMALL}
    config = {"training": {"S3DistributionType": "ShardedByS3Key"}}
    begin(hosts, tmp_path, shares, config=config, distributed="true")
    assert ends(hosts) == dict.fromkeys(NAMES, 2)
    reason = hosts[LEADER].paths.failure.read_text()
    assert reason.startswith(
        "training/a.csv is on two hosts, and a channel that is ShardedByS3Key has each file on one"
    )
    for name in (FOLLOWER, OTHER):
        require_followed(hosts[name], code=2)
        assert hosts[name].paths.failure.read_text() == f"algo-1, which leads, has failed: {reason}"


def test_names_may_resolve_late(hosts, tmp_path):
    """They are asked for again and again."""
    names = hosts[LEADER].names
    names.write_text("127.0.0.1 localhost\n")
    try:
        begin(hosts, tmp_path, SMALL, distributed="true")
        wait_for(lambda: all("waiting for it" in hosts[name].said for name in (FOLLOWER, OTHER)))
        time.sleep(3)
    finally:
        names.write_text(all_names())
    assert ends(hosts) == dict.fromkeys(NAMES, 0)
    assert "1 by 1" in hosts[LEADER].said or "2 by 2" in hosts[LEADER].said


def test_a_leader_that_has_room_trains_alone(hosts, tmp_path):
    """The others are told so, one that begins late too; none has worked."""
    begin(some(hosts, LEADER, FOLLOWER), tmp_path, SMALL)
    wait_for(lambda: "train:N=60;" in hosts[LEADER].said)
    begin(some(hosts, OTHER), tmp_path, SMALL)
    assert ends(hosts) == dict.fromkeys(NAMES, 0)
    assert "hosts are at work" not in hosts[LEADER].said
    for name in (FOLLOWER, OTHER):
        require_followed(hosts[name])
        assert f"Host {name} of 3: algo-1 trains, alone; nothing is left to do here." in hosts[name].said
        assert "works for" not in hosts[name].said


def test_hosts_that_are_to_stay_apart_open_no_port(hosts, tmp_path):
    """With distributed=false each is done without the others."""
    begin(hosts, tmp_path, SMALL, distributed="false")
    listening = set()

    def over():
        for host in hosts.values():
            listening.update(host.listening)
        return all(host.process.poll() is not None for host in hosts.values())

    wait_for(over)
    assert (ends(hosts), listening) == (dict.fromkeys(NAMES, 0), set())


@pytest.fixture
def slow(tmp_path):
    """What tiles that take a while need in the environment; and the fraction of the Cholesky that is done."""
    progress = tmp_path / "progress"
    extra = slow_tiles(ROOT / "tests/algorithms", progress)

    def done():
        lines = [line.split() for line in progress.read_text().splitlines()] if progress.exists() else []
        return max((float(line[1]) for line in lines if len(line) == 2 and line[0] == "Cholesky"), default=0.0)

    return extra, done


def reach(hosts, done, fraction):
    """Wait until so much of the Cholesky is done."""
    wait_for(lambda: done() >= fraction or hosts[LEADER].process.poll() is not None, 120, pause=0.005)
    assert hosts[LEADER].process.poll() is None, hosts[LEADER].said


AT_EACH = ((0.1, FOLLOWER), (0.5, LEADER), (0.95, OTHER))


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(AT_EACH, id="one at each moment"),
        pytest.param(tuple((1.0, name) for name in NAMES), id="all when all is factored", marks=patient),
        *(
            pytest.param(((at, name),), id=f"{name} at {at}", marks=patient)
            for name in NAMES[:2]
            for at in (0.1, 0.5, 0.95)
        ),
    ],
)
def test_a_worker_that_is_killed_comes_back(hosts, alone, slow, tmp_path, kills):
    """The answer is the same, and all end well; the log says what happened."""
    extra, done = slow
    begin(hosts, tmp_path, {**TRAINING, **VALIDATION}, extra, distributed="true")
    for at, name in kills:
        reach(hosts, done, at)
        hosts[name].signal_worker(signal.SIGKILL)
    assert ends(hosts) == dict.fromkeys(NAMES, 0)
    require_same_model(hosts[LEADER].paths, alone[0])
    for name in {name for _, name in kills}:
        assert f"The worker of {name} is lost; what it had is computed again." in hosts[LEADER].said


@patient
def test_ten_workers_that_are_killed_do_not_change_the_answer(hosts, alone, slow, tmp_path):
    """One every few seconds, whichever it is and whatever it is doing."""
    extra, done = slow
    begin(hosts, tmp_path, {**TRAINING, **VALIDATION}, {**extra, "TILE_SECONDS": "0.3"}, distributed="true")
    reach(hosts, done, 0.02)
    generator = random.Random(0)
    for _ in range(10):
        time.sleep(generator.uniform(1, 3))
        assert hosts[LEADER].process.poll() is None
        hosts[generator.choice(NAMES)].signal_worker(signal.SIGKILL)
    assert ends(hosts, 300) == dict.fromkeys(NAMES, 0)
    require_same_model(hosts[LEADER].paths, alone[0])


@pytest.mark.parametrize(
    "moment",
    [
        (FOLLOWER, 0.5),
        pytest.param((FOLLOWER, 0.1), marks=patient),
        pytest.param((FOLLOWER, 0.95), marks=patient),
        pytest.param((LEADER, 0.5), marks=patient),
    ],
    ids=str,
)
def test_a_worker_that_does_not_move_is_replaced(hosts, alone, slow, tmp_path, moment):
    """After its silence; the answer is the same."""
    (extra, done), (name, at) = slow, moment
    begin(hosts, tmp_path, {**TRAINING, **VALIDATION}, extra, distributed="true")
    reach(hosts, done, at)
    hosts[name].signal_worker(signal.SIGSTOP)
    assert ends(hosts) == dict.fromkeys(NAMES, 0)
    require_same_model(hosts[LEADER].paths, alone[0])


@pytest.mark.parametrize("at", [0.1, pytest.param(0.5, marks=patient), pytest.param(0.95, marks=patient)])
def test_without_a_host_that_is_cut_off_the_others_finish(hosts, alone, slow, tmp_path, at):
    """It alone fails, and says why."""
    extra, done = slow
    begin(hosts, tmp_path, {**TRAINING, **VALIDATION}, extra, distributed="true")
    reach(hosts, done, at)
    hosts[OTHER].set_link("down")
    assert ends(hosts, 180) == {LEADER: 0, FOLLOWER: 0, OTHER: 3}
    require_same_model(hosts[LEADER].paths, alone[0])
    require_followed(hosts[OTHER], code=3)
    assert "The leader, algo-1, has not answered for" in hosts[OTHER].paths.failure.read_text()
    assert "algo-3 could not be told of the end." in hosts[LEADER].said


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=patient)], ids=lambda one: one.name
)
def test_without_the_leader_all_fail_within_a_minute(hosts, slow, tmp_path, number):
    """No model is there; the leader's worker is gone with it."""
    extra, done = slow
    begin(hosts, tmp_path, {**TRAINING, **VALIDATION}, {**extra, "TILE_SECONDS": "0.2"}, distributed="true")
    reach(hosts, done, 0.1)
    worker = hosts[LEADER].worker
    hosts[LEADER].process.send_signal(number)
    codes = ends(hosts, 60)
    assert codes == {LEADER: -number if number == signal.SIGKILL else STOPPED, FOLLOWER: 3, OTHER: 3}
    for name in (FOLLOWER, OTHER):
        require_followed(hosts[name], code=3)
        assert "has not answered for" in hosts[name].paths.failure.read_text()
    assert not list(hosts[LEADER].paths.root.glob("model/*"))
    wait_for(lambda: not is_running(worker))


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_host_that_does_not_arrive_is_named(hosts, slow, tmp_path):
    """By the leader, in about the time that it has; the host that is there fails for the same reason."""
    extra, _ = slow
    begin(some(hosts, LEADER, FOLLOWER), tmp_path, SMALL, extra, distributed="true", arrival_seconds="5")
    assert ends(hosts, 90) == {LEADER: 3, FOLLOWER: 3}
    reason = hosts[LEADER].paths.failure.read_text()
    assert reason.startswith("algo-3 did not arrive within 5 s (arrival_seconds); of 3 hosts all are wanted.")
    assert hosts[FOLLOWER].paths.failure.read_text() == f"algo-1, which leads, has failed: {reason}"
    require_followed(hosts[FOLLOWER], code=3)


def test_a_matrix_that_is_not_positive_definite_is_explained_as_on_one_host(hosts, tmp_path):
    """The first row again, to the bit; with the row's number, on all hosts."""
    rows = np.vstack([ROWS[:400], ROWS[:1], ROWS[400:500]])
    kernel = ArcCosine(1, 1)
    with pytest.raises(NotPositiveDefiniteError, match="stopped at row 401") as wanted:
        Cholesky.of(Covariance(kernel, kernel.inputs(rows[:, 1:]), 1e-18).packed())
    begin(hosts, tmp_path, {"training/a.csv": table(rows)}, distributed="true", sigma2="1e-18")
    assert ends(hosts) == dict.fromkeys(NAMES, 4)
    reason = hosts[LEADER].paths.failure.read_text()
    assert reason == f"{wanted.value}\n"
    for name in (FOLLOWER, OTHER):
        require_followed(hosts[name], code=4)
        assert hosts[name].paths.failure.read_text() == f"algo-1, which leads, has failed: {reason}"


def test_a_job_that_takes_too_long_is_given_up_on_all_hosts(hosts, slow, tmp_path):
    """With the sentence that names the limit."""
    extra, done = slow
    begin(hosts, tmp_path, TRAINING, {**extra, "TILE_SECONDS": "3"}, distributed="true", deadline_seconds="12")
    assert ends(hosts) == dict.fromkeys(NAMES, 3)
    reason = "The job has taken more than 12 s (deadline_seconds): it is given up.\n"
    assert hosts[LEADER].paths.failure.read_text() == reason
    for name in (FOLLOWER, OTHER):
        require_followed(hosts[name], code=3)
        assert hosts[name].paths.failure.read_text() == f"algo-1, which leads, has failed: {reason}"
    assert done() < 1.0
