"""Operations: how long a computation will take, in units of a floating-point operation of a large matrix product.

Divided by the rate at which this machine multiplies matrices in double precision, say two of 1000 rows, they are
seconds, to within a factor of about 1.5 for N >= 1000. What is not multiplication was measured beside it, on 1 and 2 threads
of an x86-64 processor with AVX-512, and is expressed by it (`benchmarks/training.py` prints estimate and time).
"""

import math
from collections.abc import Mapping

from gaussian_processes.gp.compiled.passes import STRIP
from gaussian_processes.gp.compiled.threads import threads
from gaussian_processes.gp.kernels.polynomials import stages
from gaussian_processes.gp.selection.criterion import Criterion
from gaussian_processes.gp.solvers.direct import Precision
from gaussian_processes.gp.solvers.preconditioner import default_rank

# To begin and to end; and by how many rows N is as if larger, as BLAS is slower on narrow panels.
START, ROW = 3e8, 600
# An entry of the matrix, without its dot product, and for each dimension.
ENTRY, DIMENSION = 500, 8
# A stage of polynomials more, a layer of order 0's slope, and a layer by the definition for each order, of ORDERS more.
STAGE, SLOPE, DEFINITION, ORDERS = 150, 450, 1000, 10
# Points at which polynomials are checked against the definition.
POINTS = 2048
# Layers, times the logarithm of one's steepness, after which values and slopes do not change any more; and from which on,
# or from which depth on, slopes have no polynomials.
SETTLED, FLAT, STEEP, DEEP = 40, 700, 4, 60
# Products with the matrix that refinement takes, most often.
STEPS = 3
# Products with the matrix that conjugate gradients take: of entries in single precision, most often fewer, and in double.
ITERATIONS, RESIDUALS = 25, 3
# What an entry costs that is used and forgotten, beside one that is written; and in single precision, beside that.
USED, SINGLE = 0.4, 0.35
# A product with the preconditioner's factor and its transpose, for each of its numbers: they come from memory.
FACTOR_PRODUCT = 50
# Evaluations that a run of the learning takes, most often: for a few numbers, and for each number more.
EVALUATIONS, MORE = 25, 4
# What finding a kernel's best noise takes: to look through all noises on a few rows, and in factorisations of all rows 3 of
# them, with an inverse of the factor each for leave-one-out.
LOOKING: Mapping[Criterion, float] = {"evidence": 9e8, "loo": 1.7e9}
FACTORISATIONS: Mapping[Criterion, float] = {"evidence": 3.0, "loo": 6.8}


def entry(q: int, l: int, N: int, *, slope: bool = False) -> float:
    """An entry of the matrix of k_{q,l} among N rows, without its dot product; or of the slope, dk_{q,l}/dt.

    It goes by a few polynomials, or layer by layer by the definition until nothing changes any more.
    """
    if q == 0:
        return ENTRY + (SLOPE * min(l, FLAT) if slope else 0)
    if slope:
        return ENTRY if l <= DEEP and _steepness(q) * (l + 1) <= STEEP else _by_definition(q, l, FLAT)
    cut = stages(q, l, "float64")
    later = sum(count for _, count in cut[1:])
    # Each row takes whole strips, in both halves of the matrix.
    strips = max(1.0, 2 * STRIP / max(N, 1))
    return ENTRY + STAGE * strips * (min(later, FLAT) if q > 1 else later) if cut else _by_definition(q, l, SETTLED)


def making(q: int, l: int) -> float:
    """To make the polynomials of k_{q,l}: one thread checks them against the definition."""
    return POINTS * threads() * _by_definition(q, l, FLAT) if q and stages(q, l, "float64") else 0.0


def training(N: int, d: int, precision: Precision, entry: float = ENTRY) -> float:
    """To train on N rows of d numbers: N^3 / 3 to factor, and the rest."""
    factor, matrix = N**3 / 3 + ROW * N**2, N * _row(N, d, entry) / 2
    return START + (factor + matrix if precision == "double" else (factor + matrix) / 2 + STEPS * matrix)


def iterative(N: int, d: int, rank: int | None = None, iterations: int = ITERATIONS, entry: float = ENTRY) -> float:
    """To solve for the means alone on N rows of d numbers; how many iterations that takes depends on them."""
    rank = default_rank(N) if rank is None else min(rank, N)
    making = rank * _row(N, d, entry) + 3 * N * rank**2
    products = (iterations * SINGLE + RESIDUALS) * USED * N * _row(N, d, entry) / 2
    return START + making + products + iterations * FACTOR_PRODUCT * N * rank


def prediction(M: int, N: int, d: int, precision: Precision, entry: float = ENTRY) -> float:
    """To predict mean and variance of M rows from N."""
    return M * (_row(N, d, entry) + (N**2 + ROW * N) / (1 if precision == "double" else 2))


def means(M: int, N: int, d: int, entry: float = ENTRY) -> float:
    """To predict the mean alone of M rows from N."""
    return M * _row(N, d, entry)


def leave_one_out(N: int, precision: Precision) -> float:
    """To leave each of N rows out."""
    return (N**3 / 2 + ROW * N**2) / (1 if precision == "double" else 2)


def learning(N: int, d: int, criterion: Criterion, entry: float = ENTRY) -> float:
    """For one evaluation of a criterion on N rows of d numbers and its derivatives: N^3 / 3 to factor, the rest to invert.

    Leave-one-out takes a product of N^3 beside. An entry is the mean of one and its slope.
    """
    return START / 10 + (N**3 + 2 * ROW * N**2) * (1 if criterion == "evidence" else 2) + N * _row(N, d, entry)


def comparison(N: int, d: int, criterion: Criterion, entry: float = ENTRY) -> float:
    """To find a kernel at its best on N rows of d numbers, when many are compared: the average of them."""
    return LOOKING[criterion] + FACTORISATIONS[criterion] * (N**3 / 3 + ROW * N**2) + N * _row(N, d, entry) / 2


def _by_definition(q: int, l: int, most: float) -> float:
    """A value of an order q >= 1, layer by layer until nothing changes any more."""
    return DEFINITION * (q + ORDERS) * (min(l, most / _steepness(q)) + 1 if q > 1 else l + 1)


def _steepness(q: int) -> float:
    """The logarithm of a layer's slope at t = 1."""
    return math.log(q * q / (2 * q - 1))


def _row(N: int, d: int, entry: float) -> float:
    """N entries of the matrix in double precision."""
    return float(N * (entry + DIMENSION * d))
