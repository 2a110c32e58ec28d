"""Iterative: M^-1 y by preconditioned conjugate gradients, without M: for means, where its factor takes too much room or time."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.progress import Progress, no_progress
from gaussian_processes.gp.solvers.base import Solution
from gaussian_processes.gp.solvers.conjugate_gradients import LIMIT, TOLERANCE, Iterated, System, conjugate_gradients
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.gp.solvers.preconditioner import Preconditioner

Dtype: TypeAlias = type[np.floating[Any]]
# Takes v (N,) and the precision of the entries, float64 or float32, and returns M v (N,) in double precision.
Product: TypeAlias = Callable[[Array, Dtype], Array]


class NotConvergedError(ValueError):
    """Conjugate gradients ended before the residual was small enough; says how far they came, and what to do.

    Attributes:
        iterated: what they came to.
    """

    def __init__(self, iterated: Iterated, solver: "Iterative", rank: int, sigma2: float) -> None:
        self.iterated = iterated
        how = "ran out of iterations" if iterated.iterations >= solver.limit else "stagnated"
        super().__init__(
            f"Conjugate gradients {how}: after {iterated.iterations} iterations the relative residual "
            f"|y - M alpha|/|y| is {iterated.residual:.1e}, not {solver.tolerance:.0e}. What to do: (a) raise sigma2, which "
            f"is {sigma2:.3g}: the smaller it is beside the variances, the more iterations it takes; (b) give the "
            f"preconditioner a rank above {rank}; (c) set solver=direct, if there is memory for it."
        )


@dataclass(frozen=True)
class Iterative:
    """Solve by products with M, whose entries are computed again for each: a solution without a factor.

    Most products are of entries in single precision; those that measure the residual are of entries in double precision.
    The phases are "preconditioner" and "conjugate gradients".

    The mean of a row x is off by at most sqrt(k(x, x) / sigma2) tolerance |y|, for M of any condition: it is off by
    k^T M^-1 r, and k^T M^-1 k <= k(x, x). With the default and N rows that is 1e-8 sqrt(N v / sigma2) times the targets'
    root mean square; it is mostly far less.

    Attributes:
        tolerance: the largest |y - M alpha| / |y|.
        rank: the preconditioner's; None for `default_rank(N)`.
        limit: the largest number of iterations.
        products: makes the function that multiplies by M, such as one that several hosts share.
    """

    tolerance: float = TOLERANCE
    rank: int | None = None
    limit: int = LIMIT
    products: Callable[[Covariance], Product] = attrgetter("product")

    def solve(self, M: Covariance, y: Array, progress: Progress = no_progress) -> Solution:
        """See `base.Solver`."""
        product = self.products(M)
        P = Preconditioner.of(M, self.rank, progress=progress)
        system = System(lambda v: product(v, np.float64), P, lambda v: product(v, np.float32))
        iterated = conjugate_gradients(system, y, self.tolerance, self.limit, progress)
        if not iterated.converged:
            raise NotConvergedError(iterated, self, P.rank, M.sigma2)
        message = (
            f"Solved in {iterated.iterations} iterations of conjugate gradients, with a preconditioner of rank {P.rank}, "
            f"to a relative residual of {iterated.residual:.1e}."
        )
        return Solution(iterated.alpha, message=message)
