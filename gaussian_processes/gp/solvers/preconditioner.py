"""Preconditioner: P = F F^T + sigma2 I for M = sigma2 I + K, by randomly pivoted partial Cholesky, F F^T ~ K.

[CETW23] Y. Chen, E. N. Epperly, J. A. Tropp and R. J. Webber, Randomly pivoted Cholesky: practical approximation of a
    kernel matrix with few entry evaluations, 2023, arXiv:2207.06503: the pivots.
[ETW24] E. N. Epperly, J. A. Tropp and R. J. Webber, Embrace rejection: kernel matrix approximation by accelerated
    randomly pivoted Cholesky, 2024, arXiv:2410.03969: the pivots by blocks.
[DEFTW23] M. Diaz, E. N. Epperly, Z. Frangella, J. A. Tropp and R. J. Webber, Robust, randomized preconditioning for
    kernel ridge regression, 2023, arXiv:2304.12465: the bound on the eigenvalues of P^-1 M.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.linalg.blas import add_square, factor, solve_triangular, subtract_product
from gaussian_processes.gp.progress import Progress, Work, no_progress
from gaussian_processes.gp.solvers.covariance import Covariance

# The rank over sqrt(N). P costs about 3 N rank^2 operations: as much as a fixed number of iterations of N^2 entries each.
# At N = 20,000, any RANK from 3.5 to 14 is within 40 % of the fastest (`benchmarks/conjugate_gradients.py`).
RANK = 7.0
# Rows proposed at once: enough for BLAS, few enough to accept most.
BLOCK = 256
# A residual variance below this fraction of the trace is rounding.
ROUNDING = 100 * np.finfo(np.float64).eps


def default_rank(N: int, room: float = math.inf) -> int:
    """The default rank for N rows, such that F takes at most `room` bytes."""
    return max(0, int(min(N, max(BLOCK, RANK * math.sqrt(N)), room / (8 * max(N, 1)))))


@dataclass(frozen=True, eq=False)
class Preconditioner:
    """P = F F^T + noise I (N, N), called to multiply by P^-1.

    If noise = sigma2, the eigenvalues of P^-1 M lie between 1 and 1 + tr(K - F F^T) / sigma2 [DEFTW23].

    Attributes:
        F: partial Cholesky factor (N, rank) of K, by columns.
        L: Cholesky factor (rank, rank) of noise I + F^T F; its lower triangle is defined.
        noise: sigma2, in (units of y)^2, or more if L does not exist to rounding.
    """

    F: Array
    L: Array
    noise: float

    @classmethod
    def of(
        cls, M: Covariance, rank: int | None = None, seed: int = 0, progress: Progress = no_progress
    ) -> "Preconditioner":
        """The preconditioner of M.

        Args:
            M: covariance of N rows.
            rank: highest rank; None for `default_rank(N)`. The rank stays below it if tr(K - F F^T) falls below sigma2:
                no eigenvalue of P^-1 M is above 2 then.
            seed: seed of the pivots.
            progress: reports the phase "preconditioner".

        Raises:
            OverflowError: the trace of K is not finite.
        """
        rank = default_rank(len(M)) if rank is None else min(rank, len(M))
        work = Work("preconditioner", max(1, 2 * rank**2), progress)
        F = pivoted_cholesky(M, rank, seed, work)
        # Rounding of F^T F is relative to its largest eigenvalue, at most its trace.
        noise = max(M.sigma2, ROUNDING * float(np.einsum("nk,nk->", F, F)))
        L = np.zeros((F.shape[1], F.shape[1]), order="F")
        if len(L):
            L[np.diag_indices(len(L))] = noise
            add_square(L, F.T)
            row = factor(L)
            if row:
                raise ArithmeticError(f"pivot {row} of {len(L)} of the preconditioner is not positive: raise sigma2")
        work.finish()
        return cls(F, L, noise)

    @property
    def rank(self) -> int:
        """The rank of F F^T."""
        return int(self.F.shape[1])

    def __call__(self, v: Array) -> Array:
        """P^-1 v (N,) for v (N,), by Woodbury's formula P^-1 = (I - F (noise I + F^T F)^-1 F^T) / noise.

        Cancellation costs a relative error of cond(P) eps, no more than rounding of M itself does.
        """
        if not self.rank:
            return np.asarray(v / self.noise)
        w = self.F.T @ v
        solve_triangular(self.L, w)
        solve_triangular(self.L, w, transposed=True)
        return np.asarray((v - self.F @ w) / self.noise)


def pivoted_cholesky(M: Covariance, rank: int, seed: int, work: Work) -> Array:
    """F (N, <= rank), by columns, with F F^T <= K, and equal to K in the rows of the pivots [CETW23].

    A row becomes a pivot with probability proportional to its residual variance d_i = (K - F F^T)_ii. A block of rows is
    proposed by the d before the block, and each row is accepted with the probability d_i now / d_i then. The pivots have
    the distribution of a choice one by one, at the speed of matrix products [ETW24].

    Args:
        M: sigma2 I + K. The choice ends when tr(K - F F^T) falls to sigma2.
        rank: highest rank.
        seed: seed of the pivots.
        work: advanced by at most rank^2 units.

    Raises:
        OverflowError: the trace of K is not finite.
    """
    rows, generator = M.inputs, np.random.default_rng(seed)
    columns = np.empty((rank, len(rows)))  # F^T by rows
    variances = M.kernel.prior_variances(rows)
    with np.errstate(over="ignore"):
        trace = float(variances.sum())
    if not math.isfinite(trace):
        raise OverflowError("the trace of K is too large for float64: train with a lower variance or degree")
    left, chosen = variances.copy(), 0
    while chosen < rank and (total := left.sum()) > max(M.sigma2, ROUNDING * trace):
        proposed = generator.choice(len(rows), size=BLOCK, p=left / total)
        H = M.cross(rows[proposed], proposed)
        known = np.asfortranarray(columns[:chosen, proposed])
        if chosen:
            subtract_product(H, known.T, known)
        accepted, L = _accept(H, left[proposed], generator)
        accepted, L = accepted[: rank - chosen], L[: rank - chosen, : rank - chosen]
        if not len(accepted):  # only rounding is left
            break
        here = slice(chosen, chosen + len(accepted))
        columns[here] = M.cross(rows[proposed[accepted]])
        if chosen:
            subtract_product(columns[here], np.asfortranarray(known[:, accepted]).T, columns[:chosen])
        solve_triangular(np.ascontiguousarray(L), columns[here])
        left = np.maximum(left - np.einsum("kn,kn->n", columns[here], columns[here]), 0.0)
        work.advance(here.stop**2 - here.start**2)
        chosen = here.stop
    return columns[:chosen].T


def _accept(H: Array, proposed: Array, generator: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """The accepted proposals, and the Cholesky factor of their part of H.

    Args:
        H: residual covariances (b, b) of the proposals.
        proposed: residual variances (b,) before the block.
        generator: random generator.
    """
    left, coins = np.diagonal(H).copy(), generator.random(len(H))
    L, accepted = np.zeros_like(H), list[int]()
    for i in range(len(H)):
        if left[i] > coins[i] * proposed[i]:
            k = len(accepted)
            L[:, k] = (H[:, i] - L[:, :k] @ L[i, :k]) / math.sqrt(left[i])
            left -= L[:, k] ** 2
            accepted.append(i)
    return np.array(accepted, dtype=np.intp), L[accepted, : len(accepted)]
