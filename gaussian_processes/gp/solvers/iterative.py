"""Iterative: M^-1 y by preconditioned conjugate gradients, without M: for means, where its factor has no room or time."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.compiled.threads import threads
from gaussian_processes.gp.kernels.matvec import strip_product
from gaussian_processes.gp.progress import Progress, no_progress
from gaussian_processes.gp.solvers.conjugate_gradients import LIMIT, TOLERANCE, Iterated, System, conjugate_gradients
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.gp.solvers.direct import Solution
from gaussian_processes.gp.solvers.preconditioner import BLOCK, Preconditioner, default_rank

# Takes v (N,) and the precision of the entries, float64 or float32, and returns K v (N,) in double precision.
Multiply: TypeAlias = Callable[[Array, type[np.floating[Any]]], Array]

# Vectors (N,) that conjugate gradients and a product hold at a time; and for each thread.
VECTORS, PER_THREAD = 20, 4


class NotConvergedError(ValueError):
    """Conjugate gradients ended before the residual was small enough; says how far they came, and what to do.

    Attributes:
        iterated: what they came to.
    """

    def __init__(self, iterated: Iterated, effort: "Effort", rank: int, sigma2: float) -> None:
        self.iterated = iterated
        how = "ran out of iterations" if iterated.iterations >= effort.limit else "stagnated"
        super().__init__(
            f"Conjugate gradients {how}: after {iterated.iterations} iterations the relative residual "
            f"|y - M alpha|/|y| is {iterated.residual:.1e}, and {effort.tolerance:.0e} is wanted. What to do: (a) raise "
            f"sigma2, which is {sigma2:.3g}: the smaller it is beside the variances, the more iterations it takes; (b) give "
            f"the preconditioner a rank above {rank}; (c) solve directly, with solver=direct, where there is memory for it."
        )


@dataclass(frozen=True)
class Effort:
    """What an iterative solution may cost, and how good it is to be.

    The mean of a row x is then off by at most sqrt(k(x, x) / sigma2) tolerance |y|, whatever the condition of M: it is
    off by k^T M^-1 r, and k^T M^-1 k <= k(x, x). With the default and N rows that is 1e-8 sqrt(N v / sigma2) times the
    targets' root mean square; it is mostly far less.

    Attributes:
        tolerance: of |y - M alpha| / |y|.
        rank: of the preconditioner; None for `default_rank(N)`.
        limit: of iterations.
    """

    tolerance: float = TOLERANCE
    rank: int | None = None
    limit: int = LIMIT


def solve_iteratively(
    M: Covariance,
    y: Array,
    effort: Effort = Effort(),
    multiply: Multiply | None = None,
    progress: Progress = no_progress,
) -> Solution:
    """Solve M alpha = y by products with K, whose entries are made anew for each: a solution without a factor.

    Most products are of entries in single precision, those that say how good alpha is of entries in double precision.
    Progress is told of the phases "preconditioner" and "conjugate gradients".

    Args:
        M: of N rows.
        y: (N,), finite.
        effort: what it may cost.
        multiply: products with K, such as from several machines; None for those of `strip_product`.
        progress: see above.

    Raises:
        NotConvergedError: the residual is not small enough.
        OverflowError: alpha is not finite.
    """

    def product(v: Array, dtype: type[np.floating[Any]]) -> Array:
        Kv = strip_product(M.kernel, M.inputs, v, slice(0, len(v)), dtype) if multiply is None else multiply(v, dtype)
        return np.asarray(M.sigma2 * v + Kv)

    P = Preconditioner.of(M, effort.rank, progress=progress)
    system = System(partial(product, dtype=np.float64), P, partial(product, dtype=np.float32))
    iterated = conjugate_gradients(system, y, effort.tolerance, effort.limit, progress)
    if not iterated.converged:
        raise NotConvergedError(iterated, effort, P.rank, M.sigma2)
    account = (
        f"Solved in {iterated.iterations} iterations of conjugate gradients, with a preconditioner of rank {P.rank}, "
        f"to a relative residual of {iterated.residual:.1e}."
    )
    return Solution(None, iterated.alpha, account)


def memory(N: int, d: int, rank: int | None = None) -> int:
    """Bytes that it takes for N rows of d numbers, at most: the preconditioner, and vectors."""
    rank = default_rank(N) if rank is None else min(rank, N)
    rows = 4 * N * (d + 4)  # in either precision, and transposed
    return 8 * (N * (rank + BLOCK + VECTORS + PER_THREAD * threads()) + rank * (rank + BLOCK) + rows)
