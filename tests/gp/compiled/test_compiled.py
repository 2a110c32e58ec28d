"""The compiled pass against the definition, to rounding, for both precisions and every kind of order and depth."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import read_reference

from gaussian_processes.gp.compiled.passes import STRIP
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.kernels.formulas import composed_kernel
from gaussian_processes.gp.kernels.matrices import matrix
from gaussian_processes.gp.kernels.polynomials import approximation, errors

TRUTH = read_reference("kernel_truth.csv")
CASES = sorted({(int(row["q"]), int(row["l"])) for row in TRUTH})


@pytest.mark.slow
@pytest.mark.parametrize(("q", "l"), CASES)
def test_agrees_with_the_definition_at_30_digits(q, l):
    """Between points of the unit circle whose cosines are those of the table: 4e-15, and what their rounding does."""
    rows = [row for row in TRUTH if (int(row["q"]), int(row["l"])) == (q, l)]
    steepness = max(1.0, q**2 / (2 * q - 1)) ** (l + 1) if q else 0.0
    for row in rows:
        t = float(row["t"])
        with mpmath.workdps(40):
            sine = float(mpmath.sqrt(1 - mpmath.mpf(t) ** 2))
        near_an_end = q == 0 and 1 - abs(t) < 1e-3  # there the circle's points themselves round too much for order 0
        k = ArcCosine(q, l).cross(np.array([[1.0, 0.0]]), np.array([[t, sine]]))[0, 0]
        assert 0.0 <= k <= 1.0
        if not near_an_end:
            with mpmath.workdps(40):
                assert abs(mpmath.mpf(float(k)) - mpmath.mpf(row["k"])) < 4e-15 + 4.5e-16 * steepness


@pytest.mark.slow
@pytest.mark.parametrize("l", [0, 1, 2, 3, 6, 20])
@pytest.mark.parametrize("q", [0, 1, 2, 3, 4, 5, 8, 16, 30])
def test_there_are_polynomials_and_their_error_is_known(q, l):
    """Checked when they are made: 4e-15 in double precision, and as many roundings in single."""
    for dtype, most in (("float64", 4e-15), ("float32", 3e-6)):
        polynomials = approximation(q, l, dtype)
        assert polynomials is not None
        assert errors(polynomials, dtype)[0].max() < most


def test_without_polynomials_the_pass_goes_by_the_definition():
    """Orders above 30 need none: their entries agree with the definition all the same."""
    assert approximation(60, 1, "float64") is None
    X = np.random.default_rng(0).normal(size=(9, 3))
    X_hat = X / np.linalg.norm(X, axis=1)[:, None]
    K = ArcCosine(60, 1).cross(X, X[:4])
    assert np.abs(K - composed_kernel(60, 1, X_hat @ X_hat[:4].T)).max() < 1e-12
    assert np.all(np.diagonal(K) == 1.0)


@pytest.mark.parametrize(("q", "l"), [(0, 0), (0, 1), (0, 4), (1, 0), (1, 3), (2, 6), (4, 6), (8, 2)])
@pytest.mark.parametrize("d", [1, 3, 4, 5, 8, 11, 16, 50])
def test_every_number_of_columns_and_every_remainder_of_a_strip(q, l, d):
    """Sums over 4 and 8 columns, rows and columns that fill no strip: each entry is the formula's."""
    generator = np.random.default_rng(d)
    X, Z = generator.normal(size=(19, d)), generator.normal(size=(STRIP + 7, d))
    t = (X / np.linalg.norm(X, axis=1)[:, None]) @ (Z / np.linalg.norm(Z, axis=1)[:, None]).T
    far = np.abs(t) < 0.99
    for dtype, tolerance in ((np.float64, 1e-14), (np.float32, 1e-5)):
        kernel = ArcCosine(q, l)
        K = matrix(kernel, kernel.inputs(X), kernel.inputs(Z), dtype)
        assert K.dtype == dtype
        assert K[far] == pytest.approx(composed_kernel(q, l, t)[far], abs=tolerance)
        assert np.all((K >= 0) & (K <= 1))


@settings(deadline=None, max_examples=60)
@given(
    q=st.integers(0, 12),
    l=st.integers(0, 8),
    angle=st.floats(1e-12, 3.14),
    turn=st.floats(0, 6.3),
)
def test_close_pairs_keep_the_digits_of_their_difference(q, l, angle, turn):
    """1 - k between two points of a circle, against the angle between them, however small it is."""
    x, z = np.array([[np.cos(turn), np.sin(turn)]]), np.array([[np.cos(turn + angle), np.sin(turn + angle)]])
    with mpmath.workdps(50):
        a, b = mpmath.matrix(x[0].tolist()), mpmath.matrix(z[0].tolist())
        t = (a.T * b)[0] / (mpmath.norm(a) * mpmath.norm(b))
        u, w = float(1 - t), float(1 + t)
    k = ArcCosine(q, l).cross(x, z)[0, 0]
    wanted = composed_kernel(q, l, float(t), u, w)
    if q:
        slope = max(1.0, q**2 / (2 * q - 1)) ** (l + 1)
        assert abs(k - wanted) <= 4e-15 + 5e-16 * min(slope, 1e6)
    else:
        r = float(mpmath.sqrt(2 * u)) if u else 1e-300
        assert abs(k - wanted) <= (2e-15 / r + 1e-8) * (1 - wanted) + 3e-16
