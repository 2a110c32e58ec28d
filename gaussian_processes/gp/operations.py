"""Operations: how long a computation will take, in units of a floating-point operation of a large matrix product.

Divided by the rate at which this machine multiplies matrices in double precision, say two of 1000 rows, they are
seconds, to within a factor of about 1.5 for N >= 1000. What is not multiplication was measured beside it, on 1 and 2 threads
of an x86-64 processor with AVX-512, and is expressed by it (`benchmarks/training.py` prints estimate and time).
"""

from collections.abc import Mapping

from gaussian_processes.gp.criterion import Criterion
from gaussian_processes.gp.preconditioner import default_rank
from gaussian_processes.gp.solution import Precision

# To begin and to end; and by how many rows N is as if larger, as BLAS is slower on narrow panels.
START, ROW = 3e8, 600
# An entry of the matrix, without its dot product, and for each dimension.
ENTRY, DIMENSION = 500, 8
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


def training(N: int, d: int, precision: Precision) -> float:
    """To train on N rows of d numbers: N^3 / 3 to factor, and the rest."""
    factor, matrix = N**3 / 3 + ROW * N**2, _entries(N, d) / 2
    return START + (factor + matrix if precision == "double" else (factor + matrix) / 2 + STEPS * matrix)


def iterative(N: int, d: int, rank: int | None = None, iterations: int = ITERATIONS) -> float:
    """To solve for the means alone on N rows of d numbers; how many iterations that takes depends on them."""
    rank = default_rank(N) if rank is None else min(rank, N)
    making = rank * _entries(N, d) / N + 3 * N * rank**2
    products = (iterations * SINGLE + RESIDUALS) * USED * _entries(N, d) / 2
    return START + making + products + iterations * FACTOR_PRODUCT * N * rank


def prediction(M: int, N: int, d: int, precision: Precision) -> float:
    """To predict mean and variance of M rows from N."""
    return M * (_entries(N, d) / N + (N**2 + ROW * N) / (1 if precision == "double" else 2))


def means(M: int, N: int, d: int) -> float:
    """To predict the mean alone of M rows from N."""
    return M * _entries(N, d) / N if N else 0.0


def leave_one_out(N: int, precision: Precision) -> float:
    """To leave each of N rows out."""
    return (N**3 / 2 + ROW * N**2) / (1 if precision == "double" else 2)


def learning(N: int, d: int, criterion: Criterion) -> float:
    """For one evaluation of a criterion on N rows of d numbers and its derivatives: N^3 / 3 to factor, the rest to invert.

    Leave-one-out takes a product of N^3 beside.
    """
    return START / 10 + (N**3 + 2 * ROW * N**2) * (1 if criterion == "evidence" else 2) + _entries(N, d)


def comparison(N: int, d: int, criterion: Criterion) -> float:
    """To find a kernel at its best on N rows of d numbers, when many are compared: the average of them."""
    return LOOKING[criterion] + FACTORISATIONS[criterion] * (N**3 / 3 + ROW * N**2) + _entries(N, d) / 2


def _entries(N: int, d: int) -> float:
    """N^2 entries of the matrix in double precision."""
    return float(N**2 * (ENTRY + DIMENSION * d))
