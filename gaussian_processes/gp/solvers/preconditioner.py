"""Preconditioner: P = F F^T + sigma2 I, near M = sigma2 I + K, whose inverse is cheap; by pivoted Cholesky.

[CETW23] Y. Chen, E. N. Epperly, J. A. Tropp and R. J. Webber, Randomly pivoted Cholesky: practical approximation of a
    kernel matrix with few entry evaluations, 2023, arXiv:2207.06503: which rows.
[ETW24] E. N. Epperly, J. A. Tropp and R. J. Webber, Embrace rejection: kernel matrix approximation by accelerated
    randomly pivoted Cholesky, 2024, arXiv:2410.03969: how to choose the same a block at a time.
[DEFTW23] M. Diaz, E. N. Epperly, Z. Frangella, J. A. Tropp and R. J. Webber, Robust, randomized preconditioning for
    kernel ridge regression, 2023, arXiv:2304.12465: that this is a preconditioner, and how good a one.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.linalg.blas import add_square, divide, factor, subtract_product
from gaussian_processes.gp.progress import Progress, Work, no_progress
from gaussian_processes.gp.solvers.covariance import Covariance

# The rank is so many times sqrt(N): to make P, about 3 N rank^2 operations, then takes as long, whatever N, as some
# iterations of N^2 entries. At N = 20,000, 3.5 to 14 are within two fifths of the best (`benchmarks/conjugate_gradients.py`).
RANK = 7.0
# Rows proposed at a time: enough for BLAS, few enough for most to be accepted.
BLOCK = 256
# What is left of a variance is rounding where it is less than this of the whole.
ROUNDING = 100 * np.finfo(np.float64).eps


def default_rank(N: int, room: float = math.inf) -> int:
    """The rank for N rows, of which a factor has 8 N rank bytes: no more than `room`."""
    return max(0, int(min(N, max(BLOCK, RANK * math.sqrt(N)), room / (8 * max(N, 1)))))


@dataclass(frozen=True, eq=False)
class Preconditioner:
    """P = F F^T + noise I (N, N); called with a vector it is divided by.

    The eigenvalues of P^-1 M lie between 1 and 1 + tr(K - F F^T) / sigma2 where noise = sigma2 ([DEFTW23]).

    Attributes:
        F: (N, rank), by columns.
        L: (rank, rank), the lower triangle of L L^T = noise I + F^T F.
        noise: sigma2, in (units of y)^2; more where rounding would else leave no L.
    """

    F: Array
    L: Array
    noise: float

    @classmethod
    def of(
        cls, M: Covariance, rank: int | None = None, seed: int = 0, progress: Progress = no_progress
    ) -> "Preconditioner":
        """P for M.

        Args:
            M: of N rows.
            rank: at most; None for `default_rank(N)`. It ends below it where F F^T is K but for less than sigma2 in
                trace, and so no eigenvalue of P^-1 M is above 2.
            seed: decides which rows are chosen.
            progress: is told of the phase "preconditioner".

        Raises:
            OverflowError: the trace of K is not finite.
        """
        rank = default_rank(len(M)) if rank is None else min(rank, len(M))
        work = Work("preconditioner", max(1, 2 * rank**2), progress)
        F = pivoted_cholesky(M, rank, seed, work)
        # The rounding of F^T F is some units of its trace, which is not less than its largest eigenvalue.
        noise = max(M.sigma2, ROUNDING * float(np.einsum("nk,nk->", F, F)))
        L = np.zeros((F.shape[1], F.shape[1]), order="F")
        if len(L):
            L[np.diag_indices(len(L))] = noise
            add_square(L, F.T)
            row = factor(L)
            if row:
                raise ArithmeticError(f"the preconditioner's pivot {row} of {len(L)} is not positive: raise sigma2")
        work.finish()
        return cls(F, L, noise)

    @property
    def rank(self) -> int:
        """Of F F^T."""
        return int(self.F.shape[1])

    def __call__(self, v: Array) -> Array:
        """P^-1 v (N,) for v (N,).

        By Woodbury's formula, P^-1 = (I - F (noise I + F^T F)^-1 F^T) / noise. What cancels in it is rounding of
        v / noise, which beside P^-1 is as cond(P) eps: as much as M itself is not known better.
        """
        if not self.rank:
            return np.asarray(v / self.noise)
        w = self.F.T @ v
        divide(self.L, w)
        divide(self.L, w, transposed=True)
        return np.asarray((v - self.F @ w) / self.noise)


def pivoted_cholesky(M: Covariance, rank: int, seed: int, work: Work) -> Array:
    """F (N, <= rank), by columns, with F F^T near K: exact in as many rows, and nowhere more than K ([CETW23]).

    A row is chosen with a probability proportional to what is left of its variance, d_i = (K - F F^T)_ii. It is proposed
    in a block of rows, all by the d from before the block, and accepted with the probability by which d_i has shrunk
    since: so rows are chosen as one after the other, and all that takes time is a product of matrices ([ETW24]).

    Args:
        M: sigma2 I + K. Where the trace of K - F F^T comes down to sigma2, there is nothing left to gain.
        rank: at most.
        seed: decides which rows are chosen.
        work: is advanced by up to rank^2 units.

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
        if not len(accepted):  # all that is left is rounding
            break
        here = slice(chosen, chosen + len(accepted))
        columns[here] = M.cross(rows[proposed[accepted]])
        if chosen:
            subtract_product(columns[here], np.asfortranarray(known[:, accepted]).T, columns[:chosen])
        divide(np.ascontiguousarray(L), columns[here])
        left = np.maximum(left - np.einsum("kn,kn->n", columns[here], columns[here]), 0.0)
        work.advance(here.stop**2 - here.start**2)
        chosen = here.stop
    return columns[:chosen].T


def _accept(H: Array, proposed: Array, generator: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Which proposals are accepted, and the factor L of H among these.

    Args:
        H: (b, b), what is left of the proposals' covariances.
        proposed: (b,) variances by which they were proposed.
        generator: of randomness.
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
