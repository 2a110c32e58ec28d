"""The kernel functions against the definition at 30 digits, and against an integral that shares nothing with it."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import read_reference

from gaussian_processes.gp.kernels.formulas import (
    composed_complement,
    composed_kernel,
    composed_kernel_derivative,
)

TRUTH = read_reference("kernel_truth.csv")
CASES = sorted({(int(row["q"]), int(row["l"])) for row in TRUTH})


@pytest.mark.parametrize(("q", "l"), CASES)
def test_agrees_with_the_definition_at_30_digits(q, l):
    """k_{q,l} is right to rounding everywhere, one rounding from t = 1 and t = -1 included."""
    rows = [row for row in TRUTH if (int(row["q"]), int(row["l"])) == (q, l)]
    assert len(rows) == 62
    k = composed_kernel(q, l, np.array([float(row["t"]) for row in rows]))
    with mpmath.workdps(40):
        errors = [abs(mpmath.mpf(float(found)) - mpmath.mpf(row["k"])) for found, row in zip(k, rows, strict=True)]
    assert max(errors) < 5e-16


def from_the_definition(q, l, t):
    """k_{q,l}(t), 1 - k and dk/dt at 700 digits; the derivative by the chain rule on dJ_q/dt = q^2 J_{q-1}."""
    with mpmath.workdps(700):

        def k_of_order(n, t):
            if n < 0:
                return None
            theta = mpmath.acos(t)
            previous, current = None, mpmath.pi - theta
            for m in range(n):
                following = mpmath.sin(theta) + current * t if m == 0 else (2 * m + 1) * t * current
                previous, current = current, following + (m**2 * (1 - t**2) * previous if m else 0)
            return current / (mpmath.pi * mpmath.fac2(2 * n - 1))

        t, derivative = mpmath.mpf(t), mpmath.mpf(1)
        for _ in range(l + 1):
            outer = (
                mpmath.mpf(q**2) / (2 * q - 1) * k_of_order(q - 1, t) if q else 1 / (mpmath.pi * mpmath.sqrt(1 - t**2))
            )
            derivative *= outer
            t = min(k_of_order(q, t), mpmath.mpf(1))
        return t, 1 - t, derivative


@pytest.mark.parametrize(
    ("q", "l"), [(0, 0), (0, 3), (1, 0), (1, 6), (2, 1), (5, 2), (8, 6), (13, 0), (30, 0), (30, 20)]
)
def test_keeps_its_digits_at_both_ends(q, l):
    """k near t = -1, 1 - k near t = 1 and dk/dt at both have a small relative error, however small they are."""
    cosines = [-1 + 1e-12, -1 + 1e-5, -0.97, -0.5, -0.11, -0.1, -0.03, 0.0, 0.2, 0.7, 1 - 1e-3, 1 - 1e-9, 1 - 2**-53]
    k, c, derivative = (f(q, l, cosines) for f in (composed_kernel, composed_complement, composed_kernel_derivative))
    for i, t in enumerate(cosines):
        truth = from_the_definition(q, l, t)
        for found, wanted in zip((k[i], c[i], derivative[i]), truth, strict=True):
            assert abs(mpmath.mpf(float(found)) - wanted) <= 1e-13 * wanted + mpmath.mpf("1e-290")


def test_the_derivative_at_the_ends():
    """dk/dt at t = 1 is (q^2/(2q - 1))^(l + 1), as each layer's is q^2/(2q - 1); for order 0 it is infinite at both."""
    for q in range(1, 9):
        for l in range(7):
            assert composed_kernel_derivative(q, l, 1.0) == pytest.approx((q**2 / (2 * q - 1)) ** (l + 1), rel=1e-14)
    assert np.all(np.isinf(composed_kernel_derivative(0, 2, [-1.0, 1.0])))


def angular_function(q, theta):
    """J_q(theta), from the kernel and J_q(0) = pi (2q-1)!!."""
    u, w = 2 * np.sin(theta / 2) ** 2, 2 * np.cos(theta / 2) ** 2
    return math.pi * math.prod(range(1, 2 * q, 2)) * composed_kernel(q, 0, np.cos(theta), u, w)


@pytest.mark.parametrize("q", range(13))
def test_angular_function_is_cho_and_sauls_integral(q):
    """J_q is the Gaussian average of two rectified powers, which in the plane is an integral over an arc."""
    for theta in (0.0, 1e-3, 0.4, math.pi / 2, 2.5, 3.1):
        with mpmath.workdps(30):
            arc = mpmath.quad(
                lambda phi, theta=theta: (mpmath.cos(phi) * mpmath.cos(phi - theta)) ** q,
                mpmath.linspace(theta - mpmath.pi / 2, mpmath.pi / 2, 4),
            )
            wanted = float(2**q * mpmath.factorial(q) * arc)
        scale = float(math.pi * mpmath.fac2(2 * q - 1))
        assert angular_function(q, theta) == pytest.approx(wanted, abs=1e-14 * scale)


def test_closed_forms_of_the_first_orders():
    """J_0, J_1 and J_2 are as Cho and Saul print them."""
    theta = np.linspace(0, math.pi, 101)
    s, c, rest = np.sin(theta), np.cos(theta), math.pi - theta
    assert angular_function(0, theta) == pytest.approx(rest, abs=1e-14)
    assert angular_function(1, theta) == pytest.approx(s + rest * c, abs=1e-14)
    assert angular_function(2, theta) == pytest.approx(3 * s * c + rest * (1 + 2 * c**2), abs=1e-13)


@given(q=st.integers(0, 30), l=st.integers(0, 20))
def test_stays_within_0_and_1_and_rises_with_the_cosine(q, l):
    """A correlation is a number between 0 and 1 that grows as two rows come closer, at any order and depth."""
    k = composed_kernel(q, l, np.linspace(-1, 1, 501))
    assert np.all((k >= 0) & (k <= 1))
    assert np.all(np.diff(k) >= -(2.0**-53))  # half an ulp of 1: rounding, where k does not change any more
    assert k[-1] == 1.0


@given(q=st.integers(0, 8), l=st.integers(0, 5), t=st.floats(-1, 0.9))
def test_depth_is_repeated_application(q, l, t):
    """k_{q,l+1}(t) = k_{q,0}(k_{q,l}(t))."""
    assert composed_kernel(q, l + 1, t) == pytest.approx(composed_kernel(q, 0, composed_kernel(q, l, t)), abs=1e-12)


@pytest.mark.parametrize("t", [1.0, np.nextafter(1.0, 2.0), 1.0 + 1e-12])
def test_a_cosine_pushed_out_of_range_by_rounding_counts_as_1(t):
    """Dot products of unit rows may exceed 1 by a rounding; the kernel is 1 there, not NaN."""
    assert composed_kernel(0, 3, t) == 1.0


@pytest.mark.parametrize(("q", "l"), [(-1, 0), (0, -1), (1.5, 0), (True, 0), (1, "2")])
def test_refuses_what_is_not_an_order_or_a_depth(q, l):
    """Orders and depths are non-negative integers."""
    with pytest.raises(ValueError, match="an integer, 0 or more, is wanted"):
        composed_kernel(q, l, 0.5)
