"""Needs: what a job of the size of its data takes, on one machine and on each of several."""

from dataclasses import replace

from gaussian_processes.algorithm import Needs, Size
from gaussian_processes.arc_cosine.learnable import SCALARS
from gaussian_processes.arc_cosine.learning import free_names, learns, moves_rows
from gaussian_processes.arc_cosine.settings import Hyperparameters
from gaussian_processes.distributed_gp.grid import shape
from gaussian_processes.gp import cost


def needs(size: Size, hyperparameters: Hyperparameters) -> Needs:
    """On one machine."""
    N, d, M, h = size.rows, size.features, size.validation_rows, hyperparameters
    learning, (entry, note), mixed = _learning(N, d, h), _dearest(N, d, h), h.precision == "mixed"
    if h.solver == "cg":
        solving, factor, training = cost.iterative_bytes(N, d), 0, cost.iterative(N, d, entry=entry)
        evaluation = cost.means(M, N, d, entry)
    else:
        solving = factor = cost.factor_bytes(N, mixed=mixed)
        training = cost.training(N, d, entry, mixed=mixed)
        evaluation = cost.prediction(M, N, d, entry, mixed=mixed) if M else cost.leave_one_out(N, mixed=mixed)
    return Needs(
        memory=max(solving, learning.memory) + cost.job_bytes(N, d, M),
        operations=training + evaluation + learning.operations,
        disk=cost.model_bytes(N, d) + (factor if h.include_variance else 0),
        note=note,
    )


def needs_across(size: Size, hyperparameters: Hyperparameters, hosts: int) -> Needs:
    """On several hosts: the memory of each with its part of the tiles, and the operations of all together."""
    N, d, M, h = size.rows, size.features, size.validation_rows, hyperparameters
    if h.solver == "cg":
        alone = needs(size, h)
        return replace(alone, memory=alone.memory + cost.PROCESSES)
    learning, (entry, note), factor = _learning(N, d, h), _dearest(N, d, h), cost.factor_bytes(N)
    evaluation = cost.prediction(M, N, d, entry) if M else cost.leave_one_out(N)
    return Needs(
        memory=cost.host_bytes(N, d, M, hosts, learning.memory),
        operations=cost.training(N, d, entry) / cost.EFFICIENCY + 2 * evaluation + learning.operations,
        disk=cost.model_bytes(N, d) + (factor if h.include_variance else 0),
        traffic=cost.traffic_bytes(N, *shape(hosts)),
        note=note,
    )


def _learning(N: int, d: int, h: Hyperparameters) -> Needs:
    """Learning before the training on N rows of d features."""
    kernels, rows = len(h.orders) * len(h.depths) * len(h.geometries), min(N, h.learning_rows or N)
    making = sum(cost.making(q, l) for q in h.orders for l in h.depths)
    if not learns(h):
        return Needs(0, making, 0)
    entries = [cost.entry(q, l, rows) for q in h.orders for l in h.depths]
    derivatives = [cost.entry(q, l, rows, derivative=True) for q in h.orders for l in h.depths]
    evaluation = cost.learning(rows, d, h.criterion, (max(entries) + max(derivatives)) / 2)
    numbers = sum(1 if name in SCALARS else d for name in free_names(h))
    run = (1 + h.restarts) * cost.evaluations(numbers, h.iterations) * evaluation
    memory = cost.learning_bytes(rows, h.criterion, compared=kernels > 1)
    if kernels == 1:
        return Needs(memory, making + run, 0)
    pilots = len(h.geometries) if moves_rows(h) else 0
    comparison = sum(cost.comparison(rows, d, h.criterion, entry) for entry in entries) * len(h.geometries)
    return Needs(memory, making + (pilots + min(h.finalists, kernels)) * run + comparison, 0)


def _dearest(N: int, d: int, h: Hyperparameters) -> tuple[float, str]:
    """An entry of the matrix of the slowest kernel among the choices; and a note if it is unusually slow."""
    entry, q, l = max((cost.entry(q, l, N), q, l) for q in h.orders for l in h.depths)
    plain, training = (cost.training(N, d, one) for one in (cost.ENTRY, entry))
    times = f"{entry / cost.ENTRY:.0e} times as long at q={q}, l={l} as at q=1, l=1"
    return entry, f"an entry of the matrix takes about {times}" if training + cost.making(q, l) > 2 * plain else ""
