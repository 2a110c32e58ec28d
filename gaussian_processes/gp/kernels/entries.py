"""Entries: k_{q,l} and dk_{q,l}/dt between unit rows, by polynomials in a compiled pass or by the definition.

Only the two functions here ask which. Both ways have the same methods, and work in one thread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from gaussian_processes.gp.arrays import Array, Matrix
from gaussian_processes.gp.compiled import passes
from gaussian_processes.gp.compiled.span import Span, full, places
from gaussian_processes.gp.kernels.base import Pair
from gaussian_processes.gp.kernels.formulas import composed_kernel, composed_kernel_derivative, of_half_complements
from gaussian_processes.gp.kernels.inputs import NormalisedInputs
from gaussian_processes.gp.kernels.polynomials import approximation, derivative_polynomials

# Order 0 has a pass of its own for the derivative, without polynomials.
NO_TERMS = np.empty((2, 1))


@cache
def evaluation(q: int, l: int, dtype: str) -> "ByPolynomials | ByDefinition":
    """k_{q,l} in "float64" or "float32"."""
    polynomials = approximation(q, l, dtype)
    return ByDefinition(q, l) if polynomials is None else ByPolynomials(polynomials)


@cache
def derivative_evaluation(q: int, l: int) -> "DerivativeByPolynomials | ByDefinition":
    """dk_{q,l}/dt in float64."""
    terms = derivative_polynomials(q, l) if q else NO_TERMS
    return ByDefinition(q, l) if terms is None else DerivativeByPolynomials(q, l, terms)


@dataclass(frozen=True, eq=False)
class ByPolynomials:
    """k_{q,l} in the compiled pass. Arguments are those of `passes.fill` and `passes.multiply`."""

    polynomials: passes.Polynomials

    def fill(self, rows: NormalisedInputs, columns: NormalisedInputs, span: Span, out: Matrix, product: Pair) -> None:
        """Write k where the span says; right <- right + k v for a product (v, right), unless v is empty."""
        work = passes.workspace(out.dtype)
        passes.fill(rows.unit, columns.unit, columns.transposed, span, self.polynomials, out, *product, work)

    def multiply(
        self, rows: NormalisedInputs, columns: NormalisedInputs, begin: int, product: Pair, transposed: Pair
    ) -> None:
        """right <- k v from column `begin` on for (v, right); below <- below + k^T u for (u, below), unless it is empty."""
        (v, right), (u, below), unit, work = product, transposed, rows.unit, passes.workspace(rows.unit.dtype)
        passes.multiply(unit, columns.unit, columns.transposed, begin, self.polynomials, v, u, right, below, work)

    def fill_from_angles(self, h: Matrix, out: Matrix) -> None:
        """out <- k from half complements h of the same shape."""
        passes.fill_from_half_complements(h, self.polynomials, out, passes.workspace(out.dtype))


@dataclass(frozen=True, eq=False)
class DerivativeByPolynomials:
    """dk_{q,l}/dt in the compiled pass."""

    q: int
    l: int
    terms: Matrix

    def weigh(self, rows: NormalisedInputs, columns: NormalisedInputs, span: Span, out: Matrix) -> None:
        """Multiply out by dk/dt where the span says."""
        unit, q, l, work = rows.unit, self.q, self.l, passes.workspace(np.float64)
        passes.weigh_by_derivative(unit, columns.unit, columns.transposed, span, self.terms, q, l, out, work)


@dataclass(frozen=True)
class ByDefinition:
    """Both by `formulas`; only the angles come from the compiled pass."""

    q: int
    l: int

    def fill(self, rows: NormalisedInputs, columns: NormalisedInputs, span: Span, out: Matrix, product: Pair) -> None:
        """As `ByPolynomials`."""
        k = self._of(composed_kernel, half_complements(rows, columns, out.dtype))
        for i, wanted, place in places(span, len(rows)):
            out[i, place] = k[i, wanted]
        if len(product[0]):
            product[1][:] += out @ product[0]

    def multiply(
        self, rows: NormalisedInputs, columns: NormalisedInputs, begin: int, product: Pair, transposed: Pair
    ) -> None:
        """As `ByPolynomials`."""
        (v, right), (u, below) = product, transposed
        K = np.empty((len(rows), len(columns)), rows.unit.dtype)
        self.fill(rows, columns, full(len(columns)), K, passes.NO_VECTORS)
        right[:] = K[:, begin:] @ v[begin:]
        if len(below):
            below += K.T @ u

    def fill_from_angles(self, h: Matrix, out: Matrix) -> None:
        """As `ByPolynomials`."""
        out[:] = self._of(composed_kernel, h)

    def weigh(self, rows: NormalisedInputs, columns: NormalisedInputs, span: Span, out: Matrix) -> None:
        """As `DerivativeByPolynomials`."""
        h = half_complements(rows, columns, out.dtype)
        derivative = self._of(composed_kernel_derivative, h)
        derivative[h == 0.0] = 0.0  # nothing changes the cosine of equal rows, where dk/dt may overflow
        for i, wanted, place in places(span, len(rows)):
            out[i, place] *= derivative[i, wanted]

    def _of(self, function: Callable[..., Array], h: Matrix) -> Array:
        return of_half_complements(function, self.q, self.l, h)


def half_complements(rows: NormalisedInputs, columns: NormalisedInputs, dtype: np.dtype[np.floating]) -> Matrix:
    """(1 - |t|)/2 (n, M) with the sign of the cosine t."""
    h = np.empty((len(rows), len(columns)), dtype)
    passes.fill_half_complements(rows.unit, columns.unit, columns.transposed, h, passes.workspace(dtype))
    return h
