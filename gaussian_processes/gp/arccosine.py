r"""The arc-cosine kernels of Cho and Saul, for every integer order q >= 0 and depth l >= 0.

With t = cos(theta) the cosine of the angle between two inputs, [CS09] define

    J_q(theta) = (-1)^q (sin theta)^(2q+1) ((1/sin theta) d/dtheta)^q ((pi - theta)/sin theta)
    k_{q,0}(t) = J_q(arccos t) / J_q(0),        J_q(0) = pi (2q-1)!!
    k_{q,l+1}(t) = k_{q,0}(k_{q,l}(t)).

From the definition, for q >= 1, J_{q+1} = (2q+1) cos(theta) J_q + q^2 sin(theta)^2 J_{q-1}. Divided by J_{q+1}(0):

    k_{q+1} = t k_q + a_q (1 - t^2) k_{q-1},    a_q = q^2 / (4 q^2 - 1).                                    (*)

Near t = 1 a float64 cosine has no digits left, and every layer multiplies the error. So the functions here carry the
complement u = 1 - t instead of t, and compute 1 - k from 1 - t: (*) becomes a recurrence for c_q = 1 - k_q,

    c_{q+1} = u (1 - 2 a_q + a_q u) + (1 - u) c_q + a_q u (2 - u) c_{q-1},

whose terms are all positive for u <= 1: nothing cancels, so c keeps its relative accuracy however small u is.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import spherical_jn

Array = NDArray[np.float64]


def angular_function(q: int, theta: ArrayLike) -> Array:
    """J_q(theta), the angular dependence of the order-q kernel.

    Args:
        q: order, an integer >= 0.
        theta: angles in radians, in [0, pi], any shape.

    Returns:
        An array of theta's shape, between 0 and J_q(0) = pi (2q-1)!!.

    Raises:
        ValueError: q is not such an integer, or above 150, where J_q(0) overflows; an angle is outside [0, pi].
    """
    require_integer("q", q)
    if q > 150:
        raise ValueError(f"q is {q}; J_q(0) overflows above 150 (the kernels, which are divided by it, do not)")
    theta = np.asarray(theta, dtype=np.float64)
    if not np.all((theta >= 0.0) & (theta <= np.pi)):
        raise ValueError("an angle lies outside [0, pi]")
    J_at_0 = np.pi * float(np.prod(np.arange(1, 2 * q, 2, dtype=np.float64)))
    # 1 - cos(theta) by the half angle, where the subtraction would cancel.
    complement = _base_complement(q, 2.0 * np.sin(theta / 2.0) ** 2, theta)
    return J_at_0 * (1.0 - np.clip(complement, 0.0, 1.0))


def base_kernel(q: int, t: ArrayLike) -> Array:
    """k_{q,0}(t), the kernel of one layer, for cosines t in [-1, 1] of any shape."""
    return composed_kernel(q, 0, t)


def composed_kernel(q: int, l: int, t: ArrayLike, u: ArrayLike | None = None, w: ArrayLike | None = None) -> Array:
    """k_{q,l}(t): the order-q kernel applied l + 1 times to the cosine t.

    Args:
        q: order, an integer >= 0.
        l: depth, an integer >= 0; 0 is the plain kernel.
        t: cosines, any shape; values outside [-1, 1] by rounding are moved to its ends.
        u: 1 - t, of t's shape, where it is known to more digits than t can hold; computed when None.
        w: 1 + t, likewise.

    Returns:
        Kernel values in [0, 1], of t's shape.

    Raises:
        ValueError: q or l is not such an integer.
    """
    require_integer("q", q)
    require_integer("l", l)
    t = np.clip(np.asarray(t, dtype=np.float64), -1.0, 1.0)
    u = 1.0 - t if u is None else np.clip(np.asarray(u, dtype=np.float64), 0.0, 2.0)
    w = 1.0 + t if w is None else np.clip(np.asarray(w, dtype=np.float64), 0.0, 2.0)
    # Where t < 0 it is 1 + t that holds the angle's last digits.
    theta = np.where(t < 0.0, np.pi - _angle(w), _angle(u))
    for _ in range(l):
        # A layer's output is in [0, 1]; the clip keeps rounding out of the next square root.
        u = np.clip(_base_complement(q, u, theta), 0.0, 1.0)
        theta = _angle(u)
    return 1.0 - np.clip(_base_complement(q, u, theta), 0.0, 1.0)


def _angle(u: Array) -> Array:
    """theta = arccos(1 - u), accurate however small u is."""
    return np.asarray(2.0 * np.arcsin(np.sqrt(u / 2.0)))


def _base_complement(q: int, u: Array, theta: Array) -> Array:
    """c_q = 1 - k_{q,0}(1 - u) by the recurrence of this module's docstring; u = 1 - cos(theta)."""
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


def require_integer(name: str, value: int) -> None:
    """Refuse an order or a depth that is not a non-negative integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise ValueError(f"{name} is {value!r}; an integer, 0 or more, is wanted")
