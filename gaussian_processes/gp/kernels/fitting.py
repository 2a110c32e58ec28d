"""Fitting: polynomials near analytic functions on [-1, 1], from Chebyshev series."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
from numpy.polynomial.chebyshev import cheb2poly
from scipy.fft import dct

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.compiled.passes import Floats

# The pass evaluates eight terms at a time; at higher degrees the powers of x lose digits.
DEGREES = (8, 16, 24, 32, 40)
NODES = 128
# Default error of a polynomial, in roundings: 2e-15 in double precision.
ROUNDINGS = 9

Function: TypeAlias = Callable[[Array], Array]


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
        error: the largest error allowed; ROUNDINGS when None.
        dtype: precision of the evaluation.
        relative: whether the error is relative to the function's value, or absolute.

    Returns:
        Coefficients (functions, n), highest power first; None where no degree is sufficient.
    """
    error = ROUNDINGS * float(np.finfo(dtype).eps) if error is None else error
    nodes = np.sin(np.pi * np.arange(NODES - 1, -NODES, -2) / (2 * NODES))
    x = np.cos(np.pi * (np.arange(2 * NODES) + 0.5) / (2 * NODES))  # between the nodes
    series = [dct(function(nodes), type=2) / NODES for function in functions]
    truth = [function(x) for function in functions]
    for degree in degrees:
        terms = [cheb2poly(np.append(c[0] / 2.0, c[1 : degree + 1]))[::-1] for c in series]
        terms = [padded(polynomial, degree + 1) for polynomial in terms]
        # In the precision of the evaluation: powers whose terms cancel show their rounding.
        values = [np.polyval(polynomial.astype(dtype), x.astype(dtype)) for polynomial in terms]
        errors = [np.abs((v - f) / (f if relative else 1.0)).max() for v, f in zip(values, truth, strict=True)]
        if max(errors) <= error:
            return np.array(terms)
    return None


def padded(terms: Floats, width: int) -> Floats:
    """A polynomial (n,) with zeros as its highest coefficients (width,)."""
    return np.concatenate([np.zeros(width - len(terms)), terms])
