"""Training over several hosts, which are addresses of this machine: processor time and memory beside LAPACK's.

python benchmarks/several_hosts.py [--rows 12288] [--hosts 2,3,4] [--tile 0] [--repeats 3]

The factor alone is compared, and the matrix and the factor together: LAPACK's dpotrf, and the compiled Gram matrix with it,
in one thread, each time just before. Then what Dask itself takes: the scheduler's time for 64 tiles a side, of which each
is next to nothing, and how fast bytes come from another worker.
"""

import argparse
import multiprocessing
import statistics
import time
from contextlib import contextmanager
from pathlib import Path

import timing  # prepares the libraries
import numpy as np
import psutil
from distributed import Client, Nanny, Scheduler, SpecCluster
from scipy.linalg.lapack import dpotrf
from threadpoolctl import threadpool_limits

from gaussian_processes.cluster.configuration import configure
from gaussian_processes.gp import ArcCosine
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.distributed_gp.tiled_cholesky import PANELS, TiledCholesky
from gaussian_processes.distributed_gp.engine import Engine
from gaussian_processes.distributed_gp.grid import Grid

SIGMA2 = 0.1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=12288)
    parser.add_argument("--hosts", default="2,3,4")
    parser.add_argument("--tile", type=int, default=0, help="rows of a tile; 0 for what suits the hosts")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    configure(1)
    for hosts in map(int, filter(None, arguments.hosts.split(","))):
        compare(arguments.rows, hosts, arguments.tile or None, arguments.repeats)
    overhead()


def compare(N, hosts, tile, repeats):
    """A line for each run, and the median."""
    M, lower = matrix(N), 4 * N * (N + 1)
    with threadpool_limits(1):
        M.packed()  # compiled, or loaded
    shares = []
    print(f"\n{N} rows, {hosts} hosts of one thread, tiles of {len(Grid.of(N, ('',) * hosts, 1, tile))} a side")
    print(
        " factor: LAPACK  tiles  efficiency | with the matrix: efficiency | largest worker / its share of the triangle"
    )
    for _ in range(repeats):
        making, factoring = processor_seconds_of_lapack(M)
        with cluster(hosts) as engine:
            warm = TiledCholesky.of(matrix(600), engine)
            del warm
            before = {process.pid: resident(process) for process in workers(engine)}
            start = processor_seconds(engine)
            L = TiledCholesky.of(M, engine, size=tile)
            spent = processor_seconds(engine) - start
            peak = max(largest(process) - before[process.pid] for process in workers(engine))
            del L
        shares.append((factoring / (spent - making), (making + factoring) / spent, peak / (lower / hosts)))
        print(
            f"        {factoring:6.1f} s {spent - making:5.1f} s {shares[-1][0]:10.2f} | {shares[-1][1]:28.2f} | "
            f"{shares[-1][2]:.2f}"
        )
    print(
        " median" + " " * 19 + "{:10.2f} | {:28.2f} | {:.2f}".format(*map(statistics.median, zip(*shares, strict=True)))
    )


def processor_seconds_of_lapack(M):
    """For the matrix in half its memory, which the tiles are made as; and for dpotrf of the whole, in one thread."""
    with threadpool_limits(1):
        start = time.process_time()
        packed = M.packed()
        making = time.process_time() - start
        whole = np.asfortranarray(packed.lower())
        del packed
        start = time.process_time()
        dpotrf(whole, lower=1, overwrite_a=1)
        return making, time.process_time() - start


def overhead():
    """What Dask takes, whatever the tasks do."""
    side, tile = 64, 64
    with cluster(2) as engine:
        me = psutil.Process()
        start, begun = sum(me.cpu_times()[:2]), time.perf_counter()
        L = TiledCholesky.of(matrix(side * tile), engine, size=tile)
        wall, leader = time.perf_counter() - begun, sum(me.cpu_times()[:2]) - start
        count = sum((side - j) * (1 + len(range(0, j - 1, PANELS))) for j in range(side))
        print(
            f"\n{len(L.grid)} tiles a side of {tile} rows: {count} tasks; leader (scheduler and client) {leader:.1f} s, "
            f"{1e3 * leader / count:.2f} ms a task; {wall:.1f} s in all"
        )
        del L
        size = 2**28
        block = engine.client.submit(np.ones, size // 8, workers=[engine.hosts[0]], key="block")
        engine.client.submit(len, block, workers=[engine.hosts[0]], pure=False).result()
        begun = time.perf_counter()
        engine.client.submit(len, block, workers=[engine.hosts[1]], pure=False).result()
        print(
            f"{size / 2**20:.0f} MiB from one worker to another: {size / (time.perf_counter() - begun) / 1e9:.2f} GB/s"
        )


def matrix(N):
    """M of rows of five numbers."""
    kernel = ArcCosine(1, 1)
    return Covariance(kernel, kernel.inputs(timing.rows(N, 5)[0]), SIGMA2)


@contextmanager
def cluster(hosts):
    """Workers at addresses of their own, set up as `train` does."""
    addresses = tuple(f"127.0.0.{n + 2}" for n in range(hosts))
    workers = {
        address: {"cls": Nanny, "options": {"host": address, "nthreads": 1, "memory_limit": 0}} for address in addresses
    }
    scheduler = {"cls": Scheduler, "options": {"host": addresses[0], "dashboard": False, "dashboard_address": None}}
    with SpecCluster(scheduler=scheduler, workers=workers) as started, Client(started) as client:
        yield Engine(client, addresses, 1)


def workers(engine):
    """Their processes, in one order."""
    return [psutil.Process(pid) for pid in sorted(engine.client.run(_pid).values())]


def _pid():
    return multiprocessing.current_process().pid


def processor_seconds(engine):
    """Of the leader and all workers so far."""
    return sum(sum(process.cpu_times()[:2]) for process in [psutil.Process(), *workers(engine)])


def resident(process):
    return process.memory_info().rss


def largest(process):
    """The largest memory so far."""
    with Path(f"/proc/{process.pid}/status").open() as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
