r"""The arc-cosine kernels of Cho and Saul, for every integer order q >= 0 and depth l >= 0.

With t = cos(theta) the cosine of the angle between two inputs, [CS09] define

    J_q(theta) = (-1)^q (sin theta)^(2q+1) ((1/sin theta) d/dtheta)^q ((pi - theta)/sin theta)
    k_{q,0}(t) = J_q(arccos t) / J_q(0),        J_q(0) = pi (2q-1)!!
    k_{q,l+1}(t) = k_{q,0}(k_{q,l}(t)).

From the definition, for q >= 1, J_{q+1} = (2q+1) cos(theta) J_q + q^2 sin(theta)^2 J_{q-1} and dJ_q/dt = q^2 J_{q-1}.
Divided by J_{q+1}(0):

    k_{q+1} = t k_q + a_q (1 - t^2) k_{q-1},    a_q = q^2 / (4 q^2 - 1).                                    (*)

Near t = 1 a float64 cosine has no digits left, and every layer multiplies the error; near t = -1 the terms of (*)
cancel. So the functions here carry u = 1 - t and w = 1 + t beside t. They give both k and c = 1 - k with a small relative
error, each in a form without cancellation:

- c_{q+1} = u (1 - 2 a_q + a_q u) + (1 - u) c_q + a_q u (2 - u) c_{q-1}, which is (*) for c_q = 1 - k_q;
- k for t >= 0 by (*) itself, whose terms are then positive;
- k for t < 0 as the product of r_j = J_j / J_{j-1}, r_j = j^2 u w / (r_{j+1} - (2j + 1) t): J is the small
  solution of (*), and only the recurrence downwards finds it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import spherical_jn

from gaussian_processes.gp.arguments import integer
from gaussian_processes.gp.arrays import Array

# The recurrence downwards converges as ((1 + t)/(1 - t))^(2 n): for t below this in DOWNWARD steps, to rounding.
NEGATIVE = -0.1
DOWNWARD = 200
# Cosines evaluated at a time.
PIECE = 8192


def composed_kernel(q: int, l: int, t: ArrayLike, u: ArrayLike | None = None, w: ArrayLike | None = None) -> Array:
    """k_{q,l}(t): the order-q kernel applied l + 1 times to the cosine t.

    Args:
        q: order, an integer >= 0.
        l: depth, an integer >= 0; 0 is the plain kernel.
        t: cosines, any shape; values outside [-1, 1] by rounding are moved to its ends.
        u: 1 - t, of t's shape, if known to more digits than t can hold; computed when None.
        w: 1 + t, likewise.

    Returns:
        Kernel values in [0, 1], of t's shape.

    Raises:
        ValueError: q or l is not such an integer.
    """
    return layers(q, l, (t, u, w), with_derivative=False)[0]


def composed_complement(q: int, l: int, t: ArrayLike, u: ArrayLike | None = None, w: ArrayLike | None = None) -> Array:
    """1 - k_{q,l}(t), with a small relative error where k is near 1; arguments and errors as `composed_kernel`."""
    return layers(q, l, (t, u, w), with_derivative=False)[1]


def composed_kernel_derivative(
    q: int, l: int, t: ArrayLike, u: ArrayLike | None = None, w: ArrayLike | None = None
) -> Array:
    """dk_{q,l}/dt, with a small relative error; infinite at t = 1, and at t = -1, for q = 0.

    From dJ_q/dt = q^2 J_{q-1}: dk_{q,0}/dt = q^2/(2q - 1) k_{q-1,0}, and 1/(pi sqrt(1 - t^2)) for q = 0; by the chain
    rule through the layers. Arguments and errors as `composed_kernel`.
    """
    return layers(q, l, (t, u, w), with_derivative=True)[2]


def cosines(h: Array) -> tuple[Array, Array, Array]:
    """t, 1 - t and 1 + t from half complements (1 - |t|)/2 with the sign of t, as the compiled pass writes them."""
    near, h = h >= 0.0, np.abs(h, dtype=np.float64)
    t, far = np.where(near, 1.0 - 2.0 * h, 2.0 * h - 1.0), 2.0 - 2.0 * h
    return t, np.where(near, 2.0 * h, far), np.where(near, far, 2.0 * h)


def of_half_complements(function: Callable[..., Array], q: int, l: int, h: Array) -> Array:
    """One of the functions above at `cosines(h)`, a piece at a time, so that pieces stay in the second cache."""
    found = np.empty(h.shape)
    given, out = h.reshape(-1), found.reshape(-1)
    for start in range(0, h.size, PIECE):
        out[start : start + PIECE] = function(q, l, *cosines(given[start : start + PIECE]))
    return found


def layers(
    q: int, l: int, cosines: tuple[ArrayLike, ArrayLike | None, ArrayLike | None], *, with_derivative: bool
) -> tuple[Array, Array, Array]:
    """k, 1 - k and, if asked, dk/dt after l + 1 layers, from t, u and w as in `composed_kernel`."""
    q, l = integer("q", q), integer("l", l)
    t, u, w = cosines
    shape = np.shape(t)
    t = np.clip(np.atleast_1d(np.asarray(t, dtype=np.float64)), -1.0, 1.0)
    u = 1.0 - t if u is None else np.clip(np.atleast_1d(np.asarray(u, dtype=np.float64)), 0.0, 2.0)
    w = 1.0 + t if w is None else np.clip(np.atleast_1d(np.asarray(w, dtype=np.float64)), 0.0, 2.0)
    derivative = np.ones_like(t)
    for _ in range(l + 1):
        before = t, u, w, derivative
        k, lower = _base_kernels(q, t, u, w)
        c = np.clip(_base_complement(q, u, _angle(t, u, w)), 0.0, 1.0)
        if with_derivative:
            # For equal rows it is infinite from the first layer on, or from the layer where it overflows.
            with np.errstate(divide="ignore", over="ignore"):
                derivative = derivative * (q**2 / (2 * q - 1) * lower if q else 1.0 / (np.pi * np.sqrt(u * w)))
        # Of k and 1 - k the smaller one has the digits.
        t = np.where(k < 0.5, np.clip(k, 0.0, 1.0), 1.0 - c)
        u = np.where(k < 0.5, 1.0 - t, c)
        w = 1.0 + t
        if all(map(np.array_equal, before, (t, u, w, derivative))):
            break  # no further layer changes a bit
    return t.reshape(shape)[()], u.reshape(shape)[()], derivative.reshape(shape)[()]


def _angle(t: Array, u: Array, w: Array) -> Array:
    """theta = arccos t, accurate at both ends."""
    return np.asarray(np.where(t < 0.0, np.pi - 2.0 * np.arcsin(np.sqrt(w / 2.0)), 2.0 * np.arcsin(np.sqrt(u / 2.0))))


def _base_complement(q: int, u: Array, theta: Array) -> Array:
    """c_q = 1 - k_{q,0}(1 - u), accurate near u = 0; u = 1 - cos(theta)."""
    previous = theta / np.pi  # c_0
    if q == 0:
        return previous
    # J_1 = sin(theta) + (pi - theta) cos(theta), so c_1 = u - (sin(theta) - theta cos(theta))/pi; that bracket,
    # which cancels, is theta^2 times the spherical Bessel function j_1, which does not.
    current: Array = u - theta**2 * spherical_jn(1, theta) / np.pi
    for n in range(1, q):
        a = n**2 / (4.0 * n**2 - 1.0)
        following = u * (1.0 - 2.0 * a + a * u) + (1.0 - u) * current + a * u * (2.0 - u) * previous
        previous, current = current, following
    return current


def _base_kernels(q: int, t: Array, u: Array, w: Array) -> tuple[Array, Array]:
    """k_{q,0}(t) and k_{q-1,0}(t) (1 for q = 0), accurate near t = -1."""
    opposite = t < NEGATIVE
    k, lower = 1.0 - _angle(t, u, w) / np.pi, np.ones_like(t)
    k[opposite] = (2.0 / np.pi) * np.arcsin(np.sqrt(w[opposite] / 2.0))
    if q == 0:
        return k, lower
    lower, k = k, np.sqrt(u * w) / np.pi + t * k
    for n in range(1, q):
        lower, k = k, t * k + n**2 / (4.0 * n**2 - 1.0) * (u * w) * lower
    k[opposite], lower[opposite] = _downward(q, t[opposite], (u * w)[opposite], w[opposite])
    return k, lower


def _downward(q: int, t: Array, sine_squared: Array, w: Array) -> tuple[Array, Array]:
    """k_q and k_{q-1} from k_0 by the ratios r_j, for t < NEGATIVE and q >= 1."""
    r = np.zeros_like(t)
    k_0 = (2.0 / np.pi) * np.arcsin(np.sqrt(w / 2.0))
    product, last = k_0, np.ones_like(t)
    for j in range(q + DOWNWARD, 0, -1):
        r = j**2 * sine_squared / (r - (2 * j + 1) * t)
        if j == q:
            last = r / (2 * j - 1)
        elif j < q:
            product = product * (r / (2 * j - 1))
    return product * last, product
