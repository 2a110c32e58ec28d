r"""Criteria by which a kernel is learned, each with its derivative with respect to the covariance matrix M.

    dL = sum_ij W_ij dM_ij,    W (N, N) symmetric,

The derivative in any hyperparameter follows from W (`parameters.py`, `kernels/derivative.py`). With Q = M^-1, alpha = Q y, kappa = diag(Q):

- the log evidence, [RW06] eqs. 5.8 and 5.9, has W = (alpha alpha^T - Q)/2;
- the leave-one-out log density, [RW06] eqs. 5.10 to 5.13, sum_i log p(y_i | X, y without y_i), has
  W = (g alpha^T + alpha g^T)/2 - Q D Q with g = Q (alpha/kappa), D = diag(1 + alpha^2/kappa)/(2 kappa).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.evidence import leave_one_out, log_evidence
from gaussian_processes.gp.linalg.cholesky import Cholesky
from gaussian_processes.gp.linalg.inverse import inverse
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.linalg.symmetric import minus_square, rank_2_update, times, unpack
from gaussian_processes.gp.progress import Progress, no_progress

Criterion = Literal["evidence", "loo"]


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """How a criterion changes with the covariance matrix.

    Attributes:
        value: the criterion, in nats.
        weights: W (N, N), packed.
        products: (N,) the diagonal of W M, known without a product of matrices.
    """

    value: float
    weights: Packed
    products: Array


def sensitivity(criterion: Criterion, y: Array, factor: Cholesky, progress: Progress = no_progress) -> Sensitivity:
    """A criterion's value and derivative.

    Args:
        criterion: "evidence", in the memory of the factor; or "loo", in three times the memory and 1.5 times the time.
        y: targets (N,).
        factor: of M; its memory is taken.
        progress: callback for the phase "inverse".
    """
    return _evidence(y, factor, progress) if criterion == "evidence" else _leave_one_out(y, factor, progress)


def _evidence(y: Array, factor: Cholesky, progress: Progress) -> Sensitivity:
    alpha = factor.solve(y)
    value = log_evidence(y, alpha, factor.log_det())
    W = inverse(factor, progress)
    np.multiply(W.rectangle, -0.5, out=W.rectangle)
    rank_2_update(W, alpha / 2.0, alpha)
    return Sensitivity(value, W, (alpha * y - 1.0) / 2.0)


def _leave_one_out(y: Array, factor: Cholesky, progress: Progress) -> Sensitivity:
    alpha = factor.solve(y)
    Q = inverse(factor, progress)
    kappa = Q.diagonal
    value = float(leave_one_out(y, alpha, kappa).log_density.sum())
    D = (1.0 + alpha**2 / kappa) / (2.0 * kappa)
    g = times(Q, (alpha / kappa)[:, None])[:, 0]
    B = unpack(Q)
    B *= np.sqrt(D)
    W = minus_square(B)
    rank_2_update(W, g, alpha)
    return Sensitivity(value, W, (g * y + alpha**2 / kappa) / 2.0 - kappa * D)
