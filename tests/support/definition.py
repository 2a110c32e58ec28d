"""The kernel and the criteria from their definitions, in mpmath: [CS09] and [RW06], nothing of the code under test.

Precision is that of the caller's `mpmath.workdps`.
"""

import mpmath
from mpmath import mpf


def base_kernel(q, t):
    """J_q(theta)/J_q(0) for a cosine t."""
    theta = mpmath.acos(t)
    sine, J, previous = mpmath.sqrt(1 - t * t), mpmath.pi - theta, mpf(0)
    for n in range(q):
        following = (2 * n + 1) * t * J + n * n * sine**2 * previous if n else sine + t * J
        J, previous = following, J
    return J / (mpmath.pi * mpmath.fac2(2 * q - 1))


def composed_kernel(q, l, t):
    """k_{q,l}(t)."""
    for _ in range(l + 1):
        t = min(base_kernel(q, t), mpf(1))
    return t


# Rows whose cosine is nearer than this to 1 or -1 are one row, or opposite, but for their rounding in double precision.
SAME = mpf("1e-30")


def cosine(a, b):
    """Of the angle between two rows; exactly 1 or -1 where only rounding is between them, which order 0 would show."""
    t = mpmath.fdot(a, b) / mpmath.sqrt(mpmath.fdot(a, a) * mpmath.fdot(b, b))
    return mpmath.sign(t) if 1 - abs(t) < SAME else t


def covariance(q, l, rows, power, variance):
    """K = v (|x| |x'|)^p k_{q,l} for rows that have their bias and are in lengthscales."""
    N = len(rows)
    lengths = [mpmath.sqrt(mpmath.fdot(row, row)) for row in rows]
    K = mpmath.matrix(N, N)
    for i in range(N):
        for j in range(i + 1):
            scale = (lengths[i] * lengths[j]) ** power
            k = composed_kernel(q, l, cosine(rows[i], rows[j])) if scale else mpf(0)
            K[i, j] = K[j, i] = variance * scale * k
    return K


def log_evidence(M, y):
    """log N(y; 0, M), [RW06] eq. 2.30."""
    L = mpmath.cholesky(M)
    z = _forward(L, y)
    logs = mpmath.fsum(mpmath.log(L[i, i]) for i in range(len(y)))
    return -mpmath.fdot(z, z) / 2 - logs - len(y) * mpmath.log(2 * mpmath.pi) / 2


def leave_one_out(M, y):
    """sum_i log p(y_i | the others), each from the others' own matrix, [RW06] eqs. 2.25, 2.26 and 5.10."""
    total = mpf(0)
    for i in range(len(y)):
        others = [j for j in range(len(y)) if j != i]
        mean, variance = mpf(0), M[i, i]
        if others:
            L = mpmath.cholesky(mpmath.matrix([[M[j, k] for k in others] for j in others]))
            z, b = _forward(L, [y[j] for j in others]), _forward(L, [M[j, i] for j in others])
            mean, variance = mpmath.fdot(b, z), variance - mpmath.fdot(b, b)
        total -= (mpmath.log(2 * mpmath.pi * variance) + (y[i] - mean) ** 2 / variance) / 2
    return total


def _forward(L, b):
    """L^-1 b."""
    z = []
    for i in range(len(b)):
        z.append((b[i] - mpmath.fdot((L[i, j], z[j]) for j in range(i))) / L[i, i])
    return z
