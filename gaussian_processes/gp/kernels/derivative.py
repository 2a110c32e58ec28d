"""Slope: dk_{q,l}/dt as polynomials for the compiled pass, and a matrix weighed by it.

For q >= 1 the slope is, for each sign of t, an analytic function of s = sqrt((1 - |t|)/2) on [0, sqrt(1/2)]. Where a
matrix of weights is multiplied by it, ten to twelve digits are enough for a gradient that is only followed.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.compiled import passes
from gaussian_processes.gp.compiled.passes import Floats
from gaussian_processes.gp.compiled.span import Span, places
from gaussian_processes.gp.compiled.threads import in_threads, panels
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.kernels.formulas import composed_kernel_derivative, of_half_complements
from gaussian_processes.gp.kernels.inputs import Directions
from gaussian_processes.gp.kernels.polynomials import fitted
from gaussian_processes.gp.linalg.packed import Packed

# What is allowed, relative to the slope at t = 1, the largest. The inverse of a matrix with little noise multiplies it.
ERRORS = (1e-12, 1e-10)
DEGREES = (8, 16, 24, 32, 40, 48)
# Beyond this depth, and this logarithm of the slope at t = 1, none is near enough, though it may be where it is tried.
DEEPEST, STEEPEST = 64, 10.0
# For order 0, which has no polynomials.
NO_TERMS = np.empty((2, 1))


@cache
def slope(q: int, l: int) -> Floats | None:
    """The polynomials (2, n) of dk_{q,l}/dt, q >= 1, for t > 0 and t < 0 in x = 2 sqrt(2) s - 1, highest power first.

    None where none of moderate degree is near enough, which is for great orders at great depths, such as q = 8, l = 3.
    """
    if l > DEEPEST or (l + 1) * math.log(q * q / (2 * q - 1)) > STEEPEST:
        return None
    largest = (q**2 / (2.0 * q - 1.0)) ** (l + 1)

    def near(x: Array) -> Array:
        h = (x + 1.0) ** 2 / 8.0
        return composed_kernel_derivative(q, l, 1.0 - 2.0 * h, 2.0 * h, 2.0 - 2.0 * h) / largest

    def far(x: Array) -> Array:
        h = (x + 1.0) ** 2 / 8.0
        return composed_kernel_derivative(q, l, 2.0 * h - 1.0, 2.0 - 2.0 * h, 2.0 * h) / largest

    for error in ERRORS:
        terms = fitted([near, far], DEGREES, error, relative=False)
        if terms is not None:
            return np.ascontiguousarray(largest * terms)
    return None


def weigh_by_slope(kernel: ArcCosine, rows: Directions, W: Packed) -> Array:
    """W <- v (r_i r_j)^p dk_{q,l}/dt W_ij, for the cosines t of `rows` (N) and their lengths r, in W's own memory.

    Of order 0, whose slope is infinite there, equal and opposite rows count nothing: nothing changes their cosine. Those
    that are nearly so are left out too, and what they do is returned.

    Returns:
        (d,), sum_ij W_ij dt_ij over the pairs that were left out, as each coordinate of the rows is stretched.
    """
    found: dict[int, Array] = {}

    def weigh(panel: slice) -> None:
        found[panel.start] = moved = np.zeros(rows.unit.shape[1])
        for there, span, out in W.spans(panel):
            _weigh(kernel, rows[there], rows, span, out)
            if kernel.q == 0:
                chosen, work = rows[there], passes.workspace(np.float64)
                passes.gather_close(chosen.unit, rows.unit, rows.transposed, span, out, moved, work)

    in_threads(weigh, panels(W.m))
    return np.asarray(np.sum([found[start] for start in sorted(found)], axis=0))


def _weigh(kernel: ArcCosine, rows: Directions, columns: Directions, span: Span, out: NDArray[Any]) -> None:
    q, l, work = kernel.q, kernel.l, passes.workspace(np.float64)
    terms = slope(q, l) if q else NO_TERMS
    if terms is not None:
        passes.weigh_by_slope(rows.unit, columns.unit, columns.transposed, span, terms, q, l, out, work)
    else:
        _weigh_by_definition(kernel, rows, columns, span, out)
    passes.scale(span, kernel.variance, rows.scale, columns.scale, out)


def _weigh_by_definition(
    kernel: ArcCosine, rows: Directions, columns: Directions, span: Span, out: NDArray[Any]
) -> None:
    h = np.empty((len(rows), len(columns)))
    passes.fill_half_complements(rows.unit, columns.unit, columns.transposed, h, passes.workspace(np.float64))
    slopes = of_half_complements(composed_kernel_derivative, kernel.q, kernel.l, h)
    slopes[h == 0.0] = 0.0  # nothing changes the cosine of equal rows, where the slope may be beyond float64
    for i, wanted, place in places(span, len(rows)):
        out[i, place] *= slopes[i, wanted]
