"""Polynomials: k_{q,l} and dk_{q,l}/dt as a few polynomials; the compiled passes evaluate nothing else.

For q >= 1 the complement c = 1 - k_{q,l}(t) is, for each sign of t, an analytic function of s = sqrt((1 - |t|)/2) on
[0, sqrt(1/2)]: c = s^2 G(s) for t > 0, c = C(s) for t < 0; so polynomials of moderate degree are near them. Depth
sharpens these functions at high order. Then the l + 1 layers are cut into stages. Each stage maps the complement
before it, 2 s^2, to the one after it; a small complement keeps its digits from stage to stage.

For q = 0, c = (2/pi) asin(s) for t > 0 and 1 minus that for t < 0, and asin(s)/s is an analytic function of s^2. The
following l layers are one analytic function of the fourth root of c; below some c they are evaluated one by one.

Coefficients are computed from the definition when (q, l) is first used, and the pass with them is checked against it.

dk_{q,l}/dt, q >= 1, is an analytic function of s, too. It weighs a matrix for a gradient, where ten to twelve digits
are enough.
"""

import math
from collections.abc import Callable, Iterable
from functools import cache
from math import asin, pi, sqrt
from typing import TypeAlias

import numpy as np
from numpy.polynomial.chebyshev import cheb2poly
from scipy.fft import dct

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.compiled import passes
from gaussian_processes.gp.compiled.passes import CLOSE, COLUMNS, STRIP, Floats, Polynomials
from gaussian_processes.gp.kernels.formulas import composed_complement, composed_kernel_derivative, cosines, layers

# The pass evaluates eight terms at a time; at higher degrees the powers of x lose digits.
DEGREES = (8, 16, 24, 32, 40)
NODES = 128
# The greatest order with polynomials of these degrees, in single precision.
HIGHEST = 40
# The errors allowed to a polynomial and, beside the rounding of the cosine, to the pass, in roundings: 2e-15 and 4e-15 in
# double precision.
POLYNOMIAL, PASS = 9, 18
# Below this fourth root of a complement, order 0 goes layer by layer: that of a pair with 1 - t = CLOSE.
NEAREST = (2 / pi * asin(sqrt(CLOSE / 2))) ** 0.25

# The errors allowed to the derivative, relative to dk/dt at t = 1, the largest. The inverse of a matrix with little noise
# multiplies them.
DERIVATIVE_ERRORS = (1e-12, 1e-10)
DERIVATIVE_DEGREES = (*DEGREES, 48)
# Beyond this depth, or this logarithm of dk/dt at t = 1, no polynomial is near enough, even if it is so at the points tried.
DEEPEST, STEEPEST = 64, 10.0

Function: TypeAlias = Callable[[Array], Array]


@cache
def approximation(q: int, l: int, dtype: str) -> Polynomials | None:
    """k_{q,l} for the compiled pass in "float64" or "float32"; coefficients begin with the highest power.

    Returns:
        first: (2, n) of (G/G(0) + C)/2 and (G/G(0) - C)/2 in x = 2 sqrt(2) s - 1; for q = 0, (1, n) of asin(s)/s in
            x = 4 s^2 - 1.
        later: (0 to 2, n) of G/G(0) of the following stages; for q = 0, (1 or 0, n) of the following l layers.
        gains: G(0) of first and later stages; for q = 0, gradient and offset of x in the fourth root of c.
        repeats: number of applications of the first later stage; the second is applied once.
        q, l: as given.

        None where no polynomials of moderate degree are right to rounding: for q above about 30.
    """
    found = _order_0(l, dtype) if q == 0 else _higher_order(q, l, dtype)
    if found is None:
        return None
    first, later, gains = (np.ascontiguousarray(array, dtype=dtype) for array in found)
    depths = stages(q, l, dtype) if q else ()
    polynomials = first, later, gains, depths[1][1] if len(depths) > 1 else 1, q, l
    error, allowed = errors(polynomials, dtype)
    return polynomials if np.all(error <= allowed) else None


@cache
def stages(q: int, l: int, dtype: str) -> tuple[tuple[int, int], ...]:
    """The stages of the l + 1 layers of an order q >= 1: the depth of each, and the number of its applications.

    Every stage but the last has as many layers as polynomials allow. Empty where they do not allow even one.
    """
    first = _deepest(q, l, True, dtype)
    rest = l - first
    each = _deepest(q, rest - 1, False, dtype) if rest else 0
    if min(first, each) < 0:
        return ()
    later = (each, rest // (each + 1)), (rest % (each + 1) - 1, 1)
    return ((first, 1), *(stage for stage in later if stage[0] >= 0 and stage[1]))


def _deepest(q: int, most: int, signed: bool, dtype: str) -> int:
    depth = -1
    while q <= HIGHEST and depth < most and _stage(q, depth + 1, signed, dtype) is not None:
        depth += 1
    return depth


def _higher_order(q: int, l: int, dtype: str) -> tuple[Floats, Floats, list[float]] | None:
    depths = [depth for depth, _ in stages(q, l, dtype)]
    terms = [one for n, depth in enumerate(depths) if (one := _stage(q, depth, n == 0, dtype)) is not None]
    if not terms:
        return None
    near, far = terms[0]
    width = max((one.shape[1] for one in terms[1:]), default=1 + DEGREES[0])
    later = np.array([_padded(one[0], width) for one in terms[1:]]).reshape(-1, width)
    return np.stack([near + far, near - far]) / 2.0, later, [_gain(q, depth) for depth in depths]


@cache
def _stage(q: int, l: int, signed: bool, dtype: str) -> Floats | None:
    """Polynomials of G(s)/G(0) and, for cosines of both signs, of C(s)."""
    return fitted([_near(q, l), _far(q, l)] if signed else [_near(q, l)], dtype=dtype)


def _gain(q: int, l: int) -> float:
    """G(0), twice dk/dt at t = 1."""
    return 2.0 * (q**2 / (2.0 * q - 1.0)) ** (l + 1)


def _near(q: int, l: int) -> Function:
    """G(s)/G(0) in x = 2 sqrt(2) s - 1, for t > 0."""

    def function(x: Array) -> Array:
        h = ((x + 1.0) ** 2) / 8.0
        return composed_complement(q, l, 1.0 - 2.0 * h, 2.0 * h) / (_gain(q, l) * h)

    return function


def _far(q: int, l: int) -> Function:
    """C(s) in x = 2 sqrt(2) s - 1, for t < 0."""

    def function(x: Array) -> Array:
        h = ((x + 1.0) ** 2) / 8.0
        return composed_complement(q, l, 2.0 * h - 1.0, 2.0 - 2.0 * h, 2.0 * h)

    return function


def _order_0(l: int, dtype: str) -> tuple[Floats, Floats, list[float]] | None:
    def sine_over(x: Array) -> Array:
        s = np.sqrt((x + 1.0) / 4.0)
        return np.asarray(np.arcsin(s) / s)

    def layers(x: Array) -> Array:
        c = (NEAREST + (1.0 - NEAREST) * (x + 1.0) / 2.0) ** 4
        return composed_complement(0, l - 1, 1.0 - c, c)

    first = fitted([sine_over], dtype=dtype)
    later = fitted([layers], dtype=dtype, relative=False) if l else np.zeros((0, 1 + DEGREES[0]))
    if first is None or later is None:
        return None
    return first, later, [2.0 / (1.0 - NEAREST), -(1.0 + NEAREST) / (1.0 - NEAREST)]


def fitted(
    functions: list[Function],
    degrees: Iterable[int] = DEGREES,
    error: float | None = None,
    dtype: str = "float64",
    relative: bool = True,
) -> Floats | None:
    """Polynomials in x on [-1, 1] near some functions, all of the lowest sufficient degree.

    Args:
        functions: of x.
        degrees: degrees to try, ascending.
        error: the largest error allowed; POLYNOMIAL when None.
        dtype: precision of the evaluation.
        relative: whether the error is relative to the function's value, or absolute.

    Returns:
        Coefficients (functions, n), highest power first; None where no degree is sufficient.
    """
    error = POLYNOMIAL * float(np.finfo(dtype).eps) if error is None else error
    nodes = np.sin(np.pi * np.arange(NODES - 1, -NODES, -2) / (2 * NODES))
    x = np.cos(np.pi * (np.arange(2 * NODES) + 0.5) / (2 * NODES))  # between the nodes
    series = [dct(function(nodes), type=2) / NODES for function in functions]
    truth = [function(x) for function in functions]
    for degree in degrees:
        terms = [cheb2poly(np.append(c[0] / 2.0, c[1 : degree + 1]))[::-1] for c in series]
        terms = [_padded(polynomial, degree + 1) for polynomial in terms]
        # In the precision of the evaluation: powers whose terms cancel show their rounding.
        values = [np.polyval(polynomial.astype(dtype), x.astype(dtype)) for polynomial in terms]
        errors = [np.abs((v - f) / (f if relative else 1.0)).max() for v, f in zip(values, truth, strict=True)]
        if max(errors) <= error:
            return np.array(terms)
    return None


def _padded(terms: Floats, width: int) -> Floats:
    """A polynomial (n,) with zeros as its highest coefficients (width,)."""
    return np.concatenate([np.zeros(width - len(terms)), terms])


def errors(polynomials: Polynomials, dtype: str) -> tuple[Array, Array]:
    """The pass's error against the definition at angles dense at both ends, and the error allowed there."""
    q, l = polynomials[4:]
    angles = np.concatenate(
        [np.linspace(0.0, pi, 1024), np.geomspace(1e-9, 1.0, 512), pi - np.geomspace(1e-9, 1.0, 512)]
    )
    columns = np.zeros((len(angles), COLUMNS))
    columns[:, 0], columns[:, 1] = np.cos(angles), np.sin(angles)
    columns = columns.astype(dtype)
    transposed = np.zeros((COLUMNS, len(columns) + STRIP), dtype)
    transposed[:, : len(columns)] = columns.T
    found = np.empty((1, len(columns)), dtype)
    span, row = (0, 0, len(columns), 0, 0), np.eye(1, COLUMNS, dtype=dtype)
    passes.fill(row, columns, transposed, span, polynomials, found, *passes.NO_VECTORS, passes.workspace(dtype))
    # The points after rounding.
    t, sine = columns[:, 0].astype(np.float64), columns[:, 1].astype(np.float64)
    chord = ((1.0 - np.abs(t)) ** 2 + sine**2) / 2.0
    close = 1.0 - np.abs(t) < CLOSE
    exact = t, np.where(close & (t > 0.0), chord, 1.0 - t), np.where(close & (t < 0.0), chord, 1.0 + t)
    k, _, derivative = layers(q, l, exact, with_derivative=True)
    eps = float(np.finfo(dtype).eps)
    # Where the kernel is steep, the rounding of the cosine shows too.
    return np.abs(found[0].astype(np.float64) - k), eps * (PASS + np.minimum(derivative, 1.0 / eps))


@cache
def derivative_polynomials(q: int, l: int) -> Floats | None:
    """Polynomials (2, n) of dk_{q,l}/dt, q >= 1, for t > 0 and t < 0 in x = 2 sqrt(2) s - 1, highest power first.

    None where none of moderate degree is near enough: for great orders at great depths, such as q = 8, l = 3.
    """
    if l > DEEPEST or (l + 1) * math.log(q * q / (2 * q - 1)) > STEEPEST:
        return None
    largest = (q**2 / (2.0 * q - 1.0)) ** (l + 1)

    def of_sign(sign: float) -> Function:
        return lambda x: composed_kernel_derivative(q, l, *cosines(sign * (x + 1.0) ** 2 / 8.0)) / largest

    for error in DERIVATIVE_ERRORS:
        terms = fitted([of_sign(1.0), of_sign(-1.0)], DERIVATIVE_DEGREES, error, relative=False)
        if terms is not None:
            return np.ascontiguousarray(largest * terms)
    return None
