r"""Derivatives of sum_ij W_ij K_ij in a kernel's hyperparameters, without a matrix for each of them.

With rows z = (x / lengthscales, bias), their lengths r, unit rows u = z / r, cosines t_ij = u_i . u_j, and

    K_ij = v (r_i r_j)^p k(t_ij),    c_i = sum_j W_ij K_ij,

    d/dlog v = sum_i c_i,    d/dlog p = 2 p sum_i c_i log r_i.

A change dz of the rows changes their lengths and unit rows, dlog r = u . dz / r, du = dz / r - u dlog r. With
G_ij = W_ij v (r_i r_j)^p k'(t_ij), in W's memory, and H = G U (N, d), the sum changes by

    2 sum_i du_i . H_i + 2 p sum_i c_i dlog r_i.

For a logarithm of the bias or of a lengthscale, dz / r is u_k in one coordinate k, with sign + and -.
"""

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.compiled import passes
from gaussian_processes.gp.compiled.threads import in_threads, panels
from gaussian_processes.gp.kernels.entries import derivative_evaluation
from gaussian_processes.gp.kernels.inputs import NormalisedInputs
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.linalg.symmetric import times


def stretch_derivatives(q: int, l: int, v: float, p: float, inputs: NormalisedInputs, W: Packed, c: Array) -> Array:
    """d(sum_ij W_ij K_ij) (width,) as each coordinate of the rows is stretched: by dlog z_k for all rows at once.

    Args:
        q: order.
        l: depth.
        v: variance.
        p: power of the lengths.
        inputs: the rows (N).
        W: symmetric (N, N); its memory is taken.
        c: (N,) the diagonal of W K.
    """
    U = inputs.unit[:, : inputs.width]
    close = weigh_by_derivative(q, l, v, inputs, W)
    H = times(W, U)
    along = p * c - np.einsum("nd,nd->n", U, H)
    return np.asarray(2.0 * (np.einsum("nd,nd->d", U, H) + along @ U**2) + close[: inputs.width])


def weigh_by_derivative(q: int, l: int, v: float, inputs: NormalisedInputs, W: Packed) -> Array:
    """W <- G = v (r_i r_j)^p dk_{q,l}/dt W_ij, in W's own memory.

    At order 0 dk/dt is infinite for equal and opposite rows; they count nothing, as nothing changes their cosine. Nearly
    equal and opposite rows are left out of G, and their part is returned.

    Returns:
        (d,), sum_ij W_ij dK_ij over the pairs left out, as each coordinate of the rows is stretched.
    """
    found: dict[int, Array] = {}
    derivative = derivative_evaluation(q, l)

    def weigh(panel: slice) -> None:
        found[panel.start] = close = np.zeros(inputs.unit.shape[1])
        for rows, span, out in W.spans(panel):
            some = inputs[rows]
            derivative.weigh(some, inputs, span, out)
            passes.scale(span, v, some.scale, inputs.scale, out)
            if q == 0:
                work = passes.workspace(np.float64)
                passes.gather_close(some.unit, inputs.unit, inputs.transposed, span, out, close, work)

    in_threads(weigh, panels(W.m))
    return np.asarray(np.sum([found[start] for start in sorted(found)], axis=0))
