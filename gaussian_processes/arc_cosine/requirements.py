"""Needs: what learning from so many rows takes, on one machine and on each of several."""

from dataclasses import replace

from gaussian_processes.algorithm import Needs, Size
from gaussian_processes.arc_cosine.learning import needs_of_learning
from gaussian_processes.arc_cosine.settings import Hyperparameters
from gaussian_processes.distributed_gp.grid import shape
from gaussian_processes.gp import cost
from gaussian_processes.gp.regression import ENTRIES
from gaussian_processes.gp.solvers import iterative
from gaussian_processes.gp.solvers.direct import memory

# What a worker holds at most, in shares of the tiles; the share of the processors' time that goes into the tiles; and bytes
# that the scheduler, the leader and a worker take for themselves. docs/several_hosts.md has what was measured.
PEAK, EFFICIENCY, PROCESSES = 2.0, 0.7, 2**29


def needs(size: Size, hyperparameters: Hyperparameters) -> Needs:
    """What learning takes, and the factor; covariances with requests; copies of all rows; what a pass needs on the way."""
    N, d, M, h = size.rows, size.features, size.validation_rows, hyperparameters
    learning, row, (entry, note) = needs_of_learning(N, d, h), 8 * (d + 1), _dearest(N, d, h)
    if h.solver == "cg":
        solving, training, factor = iterative.memory(N, d), cost.iterative(N, d, entry=entry), 0
        evaluation = cost.means(M, N, d, entry)
    else:
        solving = factor = memory(N, h.precision)
        training = cost.training(N, d, h.precision, entry)
        evaluation = cost.prediction(M, N, d, h.precision, entry) if M else cost.leave_one_out(N, h.precision)
    return Needs(
        memory=max(solving, learning.memory) + 2 * 8 * ENTRIES + 8 * row * (N + M) + 2**26,
        operations=training + evaluation + learning.operations,
        disk=row * N + 8 * N + 2**16 + (factor if h.include_variance else 0),  # no factor, of conjugate gradients
        note=note,
    )


def needs_across(size: Size, hyperparameters: Hyperparameters, hosts: int) -> Needs:
    """What a host takes that has its part of the tiles, and all together."""
    N, d, M, h = size.rows, size.features, size.validation_rows, hyperparameters
    if h.solver == "cg":
        alone = needs(size, h)
        return replace(alone, memory=alone.memory + PROCESSES)
    learning, factor, (entry, note) = needs_of_learning(N, d, h), memory(N, "double"), _dearest(N, d, h)
    row = 8 * (d + 1)
    evaluation = cost.prediction(M, N, d, "double", entry) if M else cost.leave_one_out(N, "double")
    return Needs(
        memory=max(int(PEAK * factor) // hosts, learning.memory) + 8 * row * (N + M) + PROCESSES,
        operations=cost.training(N, d, "double", entry) / EFFICIENCY + 2 * evaluation + learning.operations,
        disk=row * N + 8 * N + 2**16 + (factor if h.include_variance else 0),
        traffic=_traffic(factor, hosts),
        note=note,
    )


def _dearest(N: int, d: int, h: Hyperparameters) -> tuple[float, str]:
    """An entry of the matrix of the kernel that takes the longest, as it may be chosen; and that it is long, in words."""
    entry, q, l = max((cost.entry(q, l, N), q, l) for q in h.orders for l in h.depths)
    plain, training = (cost.training(N, d, "double", one) for one in (cost.ENTRY, entry))
    times = f"{entry / cost.ENTRY:.0e} times as long at q={q}, l={l} as at q=1, l=1"
    return entry, f"an entry of the matrix takes about {times}" if training + cost.making(q, l) > 2 * plain else ""


def _traffic(factor: float, hosts: int) -> float:
    """Bytes of other hosts' tiles that a host of a grid (P, Q) needs for its rows, and for its columns."""
    P, Q = shape(hosts)
    return factor * ((1 - 1 / Q) / P + (1 - 1 / P) / Q)
