"""Cost: how long a computation takes, in floating-point operations of a large matrix product, and its bytes.

Operations over the rate at which this machine multiplies matrices in double precision, say two of 1000 rows, are seconds,
to within a factor of about 1.5 for N >= 1000. What is not multiplication was measured beside it, on 1 and 2 threads of an
x86-64 processor with AVX-512, and is expressed by it (`benchmarks/training.py` prints estimate and time).
docs/several_hosts.md has what was measured over several hosts.
"""

import math
from collections.abc import Mapping

from gaussian_processes.gp.compiled.passes import STRIP
from gaussian_processes.gp.compiled.threads import threads
from gaussian_processes.gp.kernels.polynomials import stages
from gaussian_processes.gp.linalg.cholesky import BlockSizes
from gaussian_processes.gp.selection.criterion import Criterion
from gaussian_processes.gp.solvers.preconditioner import BLOCK, default_rank

# A fixed cost; and the rows by which N is as if larger, as BLAS is slower on narrow panels.
START, ROW = 3e8, 600
# An entry of the matrix, without its dot product, and for each dimension.
ENTRY, DIMENSION = 500, 8
# A further stage of polynomials, a layer of order 0's derivative, and a layer by the definition per order, of ORDERS more.
STAGE, SLOPE, DEFINITION, ORDERS = 150, 450, 1000, 10
# Points at which polynomials are checked against the definition.
POINTS = 2048
# Layers, times the logarithm of one's steepness, after which values and derivatives do not change any more; and from which
# on, or from which depth on, derivatives have no polynomials.
SETTLED, FLAT, STEEP, DEEP = 40, 700, 4, 60
# Products with the matrix in refinement, most often.
STEPS = 3
# Products with the matrix in conjugate gradients: of entries in single precision, most often fewer, and in double.
ITERATIONS, RESIDUALS = 25, 3
# An entry that is used and forgotten, relative to one that is written; and in single precision, relative to that.
USED, SINGLE = 0.4, 0.35
# A product with the preconditioner's factor and its transpose, for each of its numbers: they come from memory.
FACTOR_PRODUCT = 50
# Evaluations in a run of the learning, most often: for a few hyperparameters, and for each one more.
EVALUATIONS, MORE = 25, 4
# The search for a kernel's best noise: a look at all noises on a few rows, and factorisations of all rows, for
# leave-one-out each with an inverse of the factor.
LOOKING: Mapping[Criterion, float] = {"evidence": 9e8, "loo": 1.7e9}
FACTORISATIONS: Mapping[Criterion, float] = {"evidence": 3.0, "loo": 6.8}
# Half matrices that an evaluation of a criterion holds; and that a comparison does: angles, covariances and a factor.
HELD: Mapping[Criterion, int] = {"evidence": 1, "loo": 4}
COMPARED = 3
# Vectors (N,) that conjugate gradients and a product hold at a time; and for each thread.
VECTORS, PER_THREAD = 20, 4
# Copies of all rows in a job, and bytes of its own.
COPIES, PROCESS = 8, 2**26
# Of several hosts: what one holds at most, in shares of the tiles; the part of the processors' time that goes into the
# tiles; and bytes of the scheduler, the leader and a worker.
PEAK, EFFICIENCY, PROCESSES = 2.0, 0.7, 2**29


def entry(q: int, l: int, N: int, *, derivative: bool = False) -> float:
    """An entry of the matrix of k_{q,l} among N rows, without its dot product; or of the derivative, dk_{q,l}/dt.

    It goes by a few polynomials, or layer by layer by the definition until nothing changes any more.
    """
    if q == 0:
        return ENTRY + (SLOPE * min(l, FLAT) if derivative else 0)
    if derivative:
        return ENTRY if l <= DEEP and _steepness(q) * (l + 1) <= STEEP else _by_definition(q, l, FLAT)
    cut = stages(q, l, "float64")
    later = sum(count for _, count in cut[1:])
    # Each row takes whole strips, in both halves of the matrix.
    strips = max(1.0, 2 * STRIP / max(N, 1))
    return ENTRY + STAGE * strips * (min(later, FLAT) if q > 1 else later) if cut else _by_definition(q, l, SETTLED)


def making(q: int, l: int) -> float:
    """To make the polynomials of k_{q,l}: one thread checks them against the definition."""
    return POINTS * threads() * _by_definition(q, l, FLAT) if q and stages(q, l, "float64") else 0.0


def training(N: int, d: int, entry: float = ENTRY, *, mixed: bool = False) -> float:
    """To train on N rows of d numbers: N^3 / 3 to factor, and the rest."""
    factor, matrix = N**3 / 3 + ROW * N**2, N * _row(N, d, entry) / 2
    return START + ((factor + matrix) / 2 + STEPS * matrix if mixed else factor + matrix)


def iterative(N: int, d: int, rank: int | None = None, iterations: int = ITERATIONS, entry: float = ENTRY) -> float:
    """To solve for the means alone on N rows of d numbers; the number of iterations depends on them."""
    rank = default_rank(N) if rank is None else min(rank, N)
    making = rank * _row(N, d, entry) + 3 * N * rank**2
    products = (iterations * SINGLE + RESIDUALS) * USED * N * _row(N, d, entry) / 2
    return START + making + products + iterations * FACTOR_PRODUCT * N * rank


def prediction(M: int, N: int, d: int, entry: float = ENTRY, *, mixed: bool = False) -> float:
    """To predict mean and variance of M rows from N."""
    return M * (_row(N, d, entry) + (N**2 + ROW * N) / (1 + mixed))


def means(M: int, N: int, d: int, entry: float = ENTRY) -> float:
    """To predict the mean alone of M rows from N."""
    return M * _row(N, d, entry)


def leave_one_out(N: int, *, mixed: bool = False) -> float:
    """To leave each of N rows out."""
    return (N**3 / 2 + ROW * N**2) / (1 + mixed)


def learning(N: int, d: int, criterion: Criterion, entry: float = ENTRY) -> float:
    """For one evaluation of a criterion on N rows of d numbers and its derivatives: N^3 / 3 to factor, the rest to invert.

    Leave-one-out takes another product of N^3. An entry is the mean of one and its derivative.
    """
    return START / 10 + (N**3 + 2 * ROW * N**2) * (1 if criterion == "evidence" else 2) + N * _row(N, d, entry)


def evaluations(learned: int, iterations: int) -> int:
    """Evaluations in a run that learns `learned` numbers in at most `iterations` iterations."""
    return min(EVALUATIONS + MORE * learned, 2 * iterations)


def comparison(N: int, d: int, criterion: Criterion, entry: float = ENTRY) -> float:
    """To find a kernel at its best on N rows of d numbers, when many are compared: the average of them."""
    return LOOKING[criterion] + FACTORISATIONS[criterion] * (N**3 / 3 + ROW * N**2) + N * _row(N, d, entry) / 2


def factor_bytes(N: int, *, mixed: bool = False) -> int:
    """The factor of N rows: half a matrix. The rest of training is small beside it."""
    return N * (N + 1) // 2 * (4 if mixed else 8)


def iterative_bytes(N: int, d: int, rank: int | None = None) -> int:
    """Conjugate gradients on N rows of d numbers, at most: the preconditioner, and vectors."""
    rank = default_rank(N) if rank is None else min(rank, N)
    rows = 4 * N * (d + 4)  # in either precision, and transposed
    return 8 * (N * (rank + BLOCK + VECTORS + PER_THREAD * threads()) + rank * (rank + BLOCK) + rows)


def learning_bytes(N: int, criterion: Criterion, *, compared: bool = False) -> int:
    """Learning on N rows, or a comparison of kernels before it."""
    return max(HELD[criterion], COMPARED if compared else 0) * factor_bytes(N)


def job_bytes(N: int, d: int, M: int) -> int:
    """A job with N rows of d numbers and M to predict: copies of all, and covariances of some; without the solver."""
    return 2 * 8 * BlockSizes().entries + COPIES * _data_bytes(N + M, d) + PROCESS


def model_bytes(N: int, d: int) -> int:
    """The files of a model of N rows of d numbers, without the factor."""
    return _data_bytes(N, d) + 8 * N + 2**16


def host_bytes(N: int, d: int, M: int, hosts: int, learning: int = 0) -> int:
    """`job_bytes` and the tiles on each of several hosts; one host learns first, in `learning` bytes."""
    return max(int(PEAK * factor_bytes(N)) // hosts, learning) + COPIES * _data_bytes(N + M, d) + PROCESSES


def traffic_bytes(N: int, P: int, Q: int) -> float:
    """Other hosts' tiles that a host of a grid (P, Q) receives for its rows, and for its columns."""
    return factor_bytes(N) * ((1 - 1 / Q) / P + (1 - 1 / P) / Q)


def _data_bytes(N: int, d: int) -> int:
    """N rows of d numbers, and their targets."""
    return 8 * (d + 1) * N


def _by_definition(q: int, l: int, most: float) -> float:
    """A value of an order q >= 1, layer by layer until nothing changes any more."""
    return DEFINITION * (q + ORDERS) * (min(l, most / _steepness(q)) + 1 if q > 1 else l + 1)


def _steepness(q: int) -> float:
    """The logarithm of a layer's slope at t = 1."""
    return math.log(q * q / (2 * q - 1))


def _row(N: int, d: int, entry: float) -> float:
    """N entries of the matrix in double precision."""
    return float(N * (entry + DIMENSION * d))
