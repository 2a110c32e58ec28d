r"""Gradient: a criterion's derivatives in the logarithms of the hyperparameters, without a matrix for each of them.

With rows z = (x / lengthscales, bias), their lengths r and directions u = z / r, cosines t_ij = u_i . u_j, and

    K_ij = v (r_i r_j)^p k(t_ij),    M = sigma2 I + K,    dL = sum_ij W_ij dM_ij,    c_i = sum_j W_ij K_ij,

    dL/dlog sigma2 = sigma2 tr W,    dL/dlog v = sum_i c_i,    dL/dlog p = 2 p sum_i c_i log r_i,

and c_i = (W M)_ii - sigma2 W_ii needs no matrix. What moves the rows, dz, moves their lengths and directions,
dlog r = u . dz / r, du = dz / r - u dlog r, so with G_ij = W_ij v (r_i r_j)^p k'(t_ij), in W's memory, and H = G U (N, d):

    dL = 2 sum_i du_i . H_i + 2 p sum_i c_i dlog r_i.

For the bias and each lengthscale, dz / r is u_k in one coordinate k, with sign + and -.
"""

from typing import NamedTuple

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.kernels.derivative import weigh_by_slope
from gaussian_processes.gp.linalg.symmetric import times
from gaussian_processes.gp.selection.criterion import Sensitivity
from gaussian_processes.gp.solvers.covariance import Covariance


class Gradient(NamedTuple):
    """Derivatives in nats, each with respect to the logarithm of a hyperparameter; of the bias 0 where it is 0."""

    sigma2: float
    variance: float
    degree: float
    bias: float
    lengthscales: Array


def gradient(M: Covariance, X: Array, sensitivity: Sensitivity, *, of_rows: bool = True) -> Gradient:
    """The derivatives of a criterion.

    Args:
        M: the covariance.
        X: its rows (N, d).
        sensitivity: of the criterion to M; its weights' memory is taken.
        of_rows: whether bias and lengthscales are wanted too, for which a pass over the matrix is needed; else they are 0.
    """
    kernel, rows, sigma2 = M.kernel, M.inputs, M.sigma2
    diagonal = sensitivity.weights.diagonal
    c = sensitivity.products - sigma2 * diagonal
    p, d = kernel.power, X.shape[1]
    lengths = kernel.lengths(X)
    logs = np.log(lengths, where=lengths > 0.0, out=np.zeros_like(lengths))
    moved = np.zeros(d + 1)
    if of_rows:
        U = rows.unit[:, : d + 1] if kernel.bias else np.column_stack([rows.unit[:, :d], np.zeros(len(X))])
        apart = weigh_by_slope(kernel, rows, sensitivity.weights)
        H = times(sensitivity.weights, U)
        along = p * c - np.einsum("nd,nd->n", U, H)
        moved = 2.0 * (np.einsum("nd,nd->d", U, H) + along @ U**2) + apart[: d + 1]
    return Gradient(
        sigma2=sigma2 * float(diagonal.sum()),
        variance=float(c.sum()),
        degree=2.0 * p * float(c @ logs),
        bias=float(moved[d]),
        lengthscales=-moved[:d],
    )
