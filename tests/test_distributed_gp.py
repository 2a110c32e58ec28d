"""The tiled Cholesky on hosts that are addresses of this machine, against the one that all of a matrix fits into."""

import copy
import pickle
import threading
import time
from ast import literal_eval
from contextlib import contextmanager

import dask
import numpy as np
import pytest
from distributed import Client, Scheduler, SpecCluster, Worker

from gaussian_processes.cluster.configuration import configure
from gaussian_processes.distributed_gp.engine import Engine
from gaussian_processes.distributed_gp.grid import MOST, SMALLEST, Grid
from gaussian_processes.distributed_gp.solver import Tiled
from gaussian_processes.distributed_gp.tiled_cholesky import TiledCholesky
from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.gp.linalg.cholesky import Cholesky, NotPositiveDefiniteError
from gaussian_processes.gp.linalg.packed import Packed, halves
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.gp.solvers.direct import DirectFactor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("sys.platform != 'linux'", reason="Linux has all of 127.0.0.0/8 for its own"),
    pytest.mark.last_digits,
]

KERNELS = [
    ArcCosine(0, 0),
    ArcCosine(0, 2, bias=1.0),
    ArcCosine(1, 1),
    ArcCosine(1, 0, "homogeneous", variance=2.5),
    ArcCosine(2, 3, "homogeneous", bias=0.3, degree=0.5),
]
# Rows, and rows of a tile at most: one tile and two, fewer rows than a tile has, odd, even, with and without a rest.
CUTS = [(1, 4), (2, 4), (7, 100), (8, 4), (60, 10), (61, 10), (257, 32), (300, None), (301, 45)]
# What threads of Dask's stay for the next cluster.
STAYING = ("Dask-Offload", "Dask-Callback", "TCP-Executor", "Profile", "AsyncProcess")


@contextmanager
def engine_of(*hosts):
    """An engine over workers of this process, each of which has an address of its own."""
    spec = {host: {"cls": Worker, "options": {"host": host, "nthreads": 1, "memory_limit": 0}} for host in hosts}
    options = {"host": hosts[0], "port": 0, "dashboard": False, "dashboard_address": f"{hosts[0]}:0"}
    before, threads = copy.deepcopy(dask.config.config), set(threading.enumerate())
    try:
        configure(1)
        with (
            SpecCluster(scheduler={"cls": Scheduler, "options": options}, workers=spec) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield Engine(client, hosts)
    finally:
        dask.config.config.clear()
        dask.config.config.update(before)
    deadline = time.monotonic() + 10
    while left := [one for one in set(threading.enumerate()) - threads if not one.name.startswith(STAYING)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


@pytest.fixture(scope="module")
def three():
    """Three hosts."""
    with engine_of("127.0.0.2", "127.0.0.3", "127.0.0.4") as engine:
        yield engine


@pytest.fixture(scope="module")
def one():
    """One host."""
    with engine_of("127.0.0.2") as engine:
        yield engine


def data(N, M=9):
    """Rows, targets and rows to predict at, of which some are rows that are learned from."""
    generator = np.random.default_rng(N)
    X, X_star = generator.normal(size=(N, 3)), generator.normal(size=(M, 3))
    X_star[: min(N, 2)] = X[: min(N, 2)]
    return X, np.sin(3 * X[:, 0]) + 0.3 * generator.normal(size=N), X_star


def dense(M):
    """The matrix, tile by tile in one tile."""
    return M.tile(slice(0, len(M)), slice(0, len(M)))


def require_equal(tiles, M, y, others):
    """All that a factor in tiles can be asked, by the factor in one piece."""
    L, N = DirectFactor.of(M.packed()), len(y)
    copies, told = (Packed.zeros(N), Packed.zeros(N)), []
    for factor, copy_of_it in zip((tiles, L), copies, strict=True):
        assert len(factor) == N
        factor.write_into(copy_of_it, told.append)
        assert told[-1] == 1.0
    assert copies[0].lower() == pytest.approx(np.linalg.cholesky(dense(M)), rel=1e-10, abs=1e-12)
    assert np.array_equal(copies[1].lower(), L.L.lower())
    assert tiles.log_det() == pytest.approx(L.log_det(), rel=1e-10, abs=1e-12)
    alpha = L.solve(y)
    assert np.linalg.norm(tiles.solve(y) - alpha) <= 1e-10 * np.linalg.norm(alpha)
    assert tiles.inverse_diagonal() == pytest.approx(L.inverse_diagonal(), rel=1e-9)
    K_star = M.cross(others)
    wanted = np.einsum("mn,nm->m", K_star, np.linalg.solve(dense(M), K_star.T))
    for factor in (tiles, L):
        mean, reduction = factor.mean_and_reduction(M, others, y)
        assert mean == pytest.approx(K_star @ y, rel=1e-10, abs=1e-10)
        assert reduction == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(("N", "size"), CUTS, ids=str)
def test_is_the_factor_of_one_machine_however_the_matrix_is_cut(three, N, size):
    """M^-1 y, log det M, k^T M^-1 k, the diagonal of M^-1, and L itself."""
    X, y, X_star = data(N)
    kernel = KERNELS[2]
    M = Covariance(kernel, kernel.inputs(X), 0.1)
    require_equal(TiledCholesky.of(M, three, size=size), M, y, kernel.inputs(X_star))


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_is_the_factor_of_one_machine_whatever_the_kernel(three, kernel):
    """Orders, depths, geometries; more rows to predict at than are taken at a time."""
    X, y, X_star = data(150, 50)
    M = Covariance(kernel, kernel.inputs(X), 0.05)
    require_equal(TiledCholesky.of(M, three, size=20), M, y, kernel.inputs(X_star))


def test_one_host_is_enough(one):
    """There is nobody to send anything to."""
    X, y, X_star = data(90)
    kernel = KERNELS[2]
    M = Covariance(kernel, kernel.inputs(X), 0.1)
    require_equal(TiledCholesky.of(M, one, size=16), M, y, kernel.inputs(X_star))


@pytest.mark.parametrize("kernel", [KERNELS[1], KERNELS[4]], ids=str)
def test_the_model_is_that_of_one_machine(three, kernel):
    """Means, standard deviations, evidence and leave-one-out, and the phases of all that takes long."""
    X, y, X_star = data(131)
    phases = []

    def told(phase, fraction):
        assert 0 <= fraction <= 1
        phases.append((phase, fraction))

    whole = TrainedGPModel(X, y, kernel, 0.1)
    spread = TrainedGPModel(X, y, kernel, 0.1, Tiled(three), progress=told)
    assert spread.log_evidence == pytest.approx(whole.log_evidence, rel=1e-10)
    assert spread.solution.alpha == pytest.approx(whole.solution.alpha, rel=1e-9, abs=1e-9)
    for found, wanted in zip(
        spread.predict(X_star, return_std=True, progress=told), whole.predict(X_star, return_std=True), strict=True
    ):
        assert found == pytest.approx(wanted, rel=1e-8, abs=1e-12)
    assert spread.predict(X_star) == pytest.approx(whole.predict(X_star), rel=1e-10)
    for found, wanted in zip(spread.leave_one_out(told), whole.leave_one_out(), strict=True):
        assert found == pytest.approx(wanted, rel=1e-8, abs=1e-10)
    with pytest.raises(ValueError, match="need the factor on one machine"):
        spread.predict_joint(X_star)
    assert {phase for phase, _ in phases} >= {"Cholesky", "prediction", "leave-one-out"}
    assert {(phase, 1.0) for phase, _ in phases} <= {(phase, round(fraction, 12)) for phase, fraction in phases}


@pytest.mark.parametrize("row", [2, 33, 60, 100])
def test_a_matrix_that_is_not_positive_definite_is_refused_at_the_row_of_one_machine(three, row):
    """The first row again: what is left of its variance is zero to the bit."""
    X, _, _ = data(100)
    X[row - 1] = X[0]
    kernel = ArcCosine(1, 0)
    M = Covariance(kernel, kernel.inputs(X), 1e-18)
    with pytest.raises(NotPositiveDefiniteError) as wanted:
        Cholesky.of(M.packed())
    with pytest.raises(NotPositiveDefiniteError) as found:
        TiledCholesky.of(M, three, size=20)
    assert (found.value.row, found.value.pivot) == (wanted.value.row, wanted.value.pivot) == (row, 0.0)
    assert str(found.value) == str(wanted.value)


def test_the_refusal_survives_the_way_from_host_to_host():
    """Pickled, with all that it says."""
    error = NotPositiveDefiniteError(100, 7, -1e-17)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (again.size, again.row, again.pivot, str(again)) == (100, 7, -1e-17, str(error))


def test_hosts_keep_their_own_tiles_and_none_of_the_others(three):
    """Once nobody waits for the copies, which takes the scheduler a moment."""
    X, _, _ = data(400)
    kernel = KERNELS[2]
    tiles = TiledCholesky.of(Covariance(kernel, kernel.inputs(X), 0.1), three, size=25)

    def held():
        who = three.client.who_has(list(tiles.L.tiles.values()))
        hosts = {worker["host"]: address for address, worker in three.client.scheduler_info()["workers"].items()}
        return [
            (key, addresses)
            for key, addresses in who.items()
            if list(addresses) != [hosts[tiles.grid.owner(*_tile(key))]]
        ]

    deadline = time.monotonic() + 20
    while foreign := held():
        assert time.monotonic() < deadline, foreign[:3]
        time.sleep(0.1)


def _tile(key):
    _, i, j = key if isinstance(key, tuple) else literal_eval(key)
    return i, j


def test_what_is_not_wanted_any_more_is_given_back(three):
    """A factor lies on the hosts for as long as somebody has it."""
    X, _, _ = data(120)
    kernel = KERNELS[2]
    tiles = TiledCholesky.of(Covariance(kernel, kernel.inputs(X), 0.1), three, size=20)
    keys = {future.key for future in (*tiles.L.tiles.values(), tiles.M)}

    def held():
        return [key for keys_there in three.client.has_what().values() for key in keys_there if key in keys]

    assert set(held()) == keys
    del tiles
    deadline = time.monotonic() + 20
    while left := held():
        assert time.monotonic() < deadline, left[:3]
        time.sleep(0.1)


HOSTS = tuple(f"10.0.0.{number}" for number in range(1, 17))


@pytest.mark.parametrize("hosts", [1, 2, 3, 4, 6, 7, 16])
@pytest.mark.parametrize("N", [1, 2, 100, 3000, 50_001])
def test_the_grid_covers_the_matrix(N, hosts):
    """Each row once and in order, no tile in both halves of the packed format, and neither too many of them nor too small."""
    grid = Grid.of(N, HOSTS[:hosts])
    assert [row for span in grid.spans for row in range(span.start, span.stop)] == list(range(N))
    assert grid.rows == N
    (_, middle), _ = ((half.start, half.stop) for half in halves(N))
    assert all(span.stop <= middle or span.start >= middle for span in grid.spans)
    assert len(grid) <= MOST + 2
    assert N <= 2 * SMALLEST or min(span.stop - span.start for span in grid.spans) >= SMALLEST / 2


@pytest.mark.parametrize(
    ("hosts", "excess"), [(1, 0.0), (2, 0.12), (3, 0.25), (4, 0.2), (6, 0.15), (7, 0.35), (8, 0.2), (16, 0.15)]
)
def test_hosts_have_equal_shares(hosts, excess):
    """The largest is little above the mean, in numbers held and in multiplications."""
    grid = Grid.of(50_001, HOSTS[:hosts])
    held, work = dict.fromkeys(HOSTS[:hosts], 0), dict.fromkeys(HOSTS[:hosts], 0)
    for i, rows in enumerate(grid.spans):
        for j, columns in enumerate(grid.spans[: i + 1]):
            entries = (rows.stop - rows.start) * (columns.stop - columns.start)
            held[grid.owner(i, j)] += entries
            work[grid.owner(i, j)] += entries * columns.stop
    for share in (held, work):
        assert set(share) == set(HOSTS[:hosts])
        assert max(share.values()) <= (1 + excess) * sum(share.values()) / hosts
