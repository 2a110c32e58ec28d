"""The kernel's slope: polynomials against the definition, and a matrix weighed by it against plain arrays."""

import definition
import mpmath
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from gaussian_processes.gp.compiled import threads as threads_module
from gaussian_processes.gp.compiled.passes import CLOSE
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.kernels.derivative import weigh_by_derivative
from gaussian_processes.gp.kernels.formulas import composed_kernel_derivative
from gaussian_processes.gp.kernels.polynomials import DERIVATIVE_ERRORS, derivative_polynomials
from gaussian_processes.gp.linalg.packed import Packed

pytestmark = pytest.mark.usefixtures("one_thread")

ORDERS = [1, 2, 3, 4, 5, 6, 8, 12, 20]
DEPTHS = [0, 1, 2, 3, 6]


def largest(q, l):
    """dk/dt at t = 1: each layer's is q^2/(2q - 1)."""
    return (q**2 / (2 * q - 1)) ** (l + 1)


@pytest.mark.parametrize("l", DEPTHS)
@pytest.mark.parametrize("q", ORDERS)
def test_polynomials_are_as_near_as_they_say(q, l):
    """To ten digits of the greatest slope, at cosines dense at both ends, the ends themselves included."""
    terms = derivative_polynomials(q, l)
    if terms is None:  # for great orders at great depths
        assert largest(q, l) > 50
        return
    s = np.concatenate([np.linspace(0.0, np.sqrt(0.5), 4001), np.geomspace(1e-12, 0.1, 500)])
    h = s**2
    x = 2.0 * np.sqrt(2.0) * s - 1.0
    near = composed_kernel_derivative(q, l, 1.0 - 2.0 * h, 2.0 * h, 2.0 - 2.0 * h)
    far = composed_kernel_derivative(q, l, 2.0 * h - 1.0, 2.0 - 2.0 * h, 2.0 * h)
    for polynomial, wanted in zip(terms, (near, far), strict=True):
        assert np.abs(np.polyval(polynomial, x) - wanted).max() <= 2.0 * DERIVATIVE_ERRORS[-1] * largest(q, l)


@pytest.mark.parametrize(("q", "l"), [(q, l) for q in (1, 2, 3, 4) for l in (0, 1, 2, 3)])
def test_usual_orders_have_polynomials(q, l):
    """Without which it would be slow."""
    assert derivative_polynomials(q, l) is not None


@pytest.mark.parametrize(("q", "l"), [(0, 0), (0, 3), (1, 0), (1, 3), (2, 2), (4, 1), (8, 0)])
def test_is_the_derivative_of_the_definition(q, l):
    """By mpmath's own differentiation, for a pair of unit rows of each cosine."""
    kernel = ArcCosine(q, l)
    for t in (-0.999, -0.7, -0.3, 0.0, 0.2, 0.5, 0.9, 0.999):
        with mpmath.workdps(40):
            sine = float(mpmath.sqrt(1 - mpmath.mpf(t) ** 2))
            wanted = float(mpmath.diff(lambda t: definition.composed_kernel(q, l, t), mpmath.mpf(t), h=1e-15))
        rows = kernel.inputs(np.array([[1.0, 0.0], [t, sine]]))
        W = Packed.of(np.ones((2, 2)))
        weigh_by_derivative(kernel.q, kernel.l, kernel.variance, rows, W)
        tolerance = DERIVATIVE_ERRORS[-1] * largest(q, l) if q else 1e-12 * wanted
        assert W.lower()[1, 0] == pytest.approx(wanted, rel=1e-12, abs=2.0 * tolerance)


def plain(kernel, X, W):
    """v (r_i r_j)^p dk/dt W_ij with 1 -+ t from the chords; of order 0, NaN where rows are close and it is steep.

    Of equal rows, whose cosine nothing changes, it is 0 where the definition is evaluated.
    """
    Z = np.column_stack([X, np.full(len(X), kernel.bias)]) if kernel.bias else X
    r = np.linalg.norm(Z, axis=1)
    U = Z / r[:, None]
    apart, together = (((U[:, None] - sign * U) ** 2).sum(axis=2) / 2.0 for sign in (1.0, -1.0))
    slopes = composed_kernel_derivative(kernel.q, kernel.l, U @ U.T, apart, together)
    if kernel.q == 0:
        closeness = np.minimum(apart, together)
        slopes[closeness < 1.01 * CLOSE] = np.nan
        slopes[closeness < 1e-30] = 0.0
    elif derivative_polynomials(kernel.q, kernel.l) is None:
        slopes[apart < 1e-30] = 0.0
    return kernel.variance * np.outer(r, r) ** kernel.power * slopes * W


@pytest.mark.parametrize("N", [1, 2, 3, 40, 65, 530])
@pytest.mark.parametrize(
    "kernel",
    [
        ArcCosine(0, 0),
        ArcCosine(0, 2, "homogeneous", bias=0.5, degree=0.7, variance=2.5),
        ArcCosine(1, 0),
        ArcCosine(1, 3, bias=0.7, variance=0.3),
        ArcCosine(3, 1, "homogeneous", variance=2.5),
        ArcCosine(8, 3, bias=0.5),
        ArcCosine(45, 0, "homogeneous", degree=0.5),
        ArcCosine(60, 1),
    ],
    ids=str,
)
def test_a_matrix_is_weighed_entry_by_entry(kernel, N, monkeypatch):
    """With rows that are repeated and opposite; in its own memory; whatever the panels, to the bit."""
    generator = np.random.default_rng(N)
    X, W = generator.normal(size=(N, 3)), generator.normal(size=(N, N))
    X[N // 2 : N // 2 + N // 8], X[N - N // 8 :] = X[: N // 8], -X[: N // 8]
    rows, packed = kernel.inputs(X), Packed.of(W)
    weigh_by_derivative(kernel.q, kernel.l, kernel.variance, rows, packed)
    wanted = np.tril(plain(kernel, X, W))
    found = np.where(np.isnan(wanted), np.nan, packed.lower())
    tolerance = 1e-9 * largest(kernel.q, kernel.l) if kernel.q else 1e-12
    scale = kernel.variance * np.abs(W).max() * rows.scale.max() ** 2
    assert np.allclose(found, wanted, rtol=1e-9, atol=tolerance * scale, equal_nan=True)
    monkeypatch.setattr(threads_module, "PANEL", 7)
    again = Packed.of(W)
    with threadpool_limits(2):
        weigh_by_derivative(kernel.q, kernel.l, kernel.variance, rows, again)
    assert np.array_equal(again.lower(), packed.lower())


def test_order_0_has_no_slope_between_rows_that_are_one_or_opposite():
    """It is infinite there; the same is true of multiples, which are one row or its opposite but for rounding."""
    x = np.random.default_rng(0).normal(size=5)
    X = np.outer([1.0, 3.0, 0.1, -1.0, -7.0, -0.3], x)
    for l in (0, 2):
        W = Packed.of(np.ones((6, 6)))
        weigh_by_derivative(0, l, 1.0, ArcCosine(0, l).inputs(X), W)
        assert np.all(W.lower() == 0.0)
