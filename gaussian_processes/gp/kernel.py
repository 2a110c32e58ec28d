"""ArcCosine: the arc-cosine kernel on rows of R^d. Its fields are its hyperparameters; its methods build matrices."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gaussian_processes.gp.arccosine import Array, composed_kernel, require_integer
from gaussian_processes.gp.blocks import blocks

Geometry = Literal["sphere", "homogeneous"]

# Nearer to 1 than this, a cosine's rounding shows in k: 1 - t is taken from the rows' difference (1 + t likewise).
CLOSE = 1e-4
# Unit rows that differ by less, squared, are multiples of one row: dividing those by their lengths rounds no further.
SAME = (4 * np.finfo(np.float64).eps) ** 2


class LengthError(ValueError):
    """Rows whose length leaves them without a direction or without a finite covariance.

    Attributes:
        rows: their indices, from 0.
        reason: the rest of the sentence, after "row ...".
    """

    def __init__(self, rows: Array, reason: str) -> None:
        self.rows: list[int] = np.flatnonzero(rows).tolist()
        self.reason = reason
        super().__init__(f"row {self.rows[0]} {reason}")


@dataclass(frozen=True)
class ArcCosine:
    """The covariance v (|x| |x'|)^p k_{q,l}(x.x' / (|x| |x'|)) of [CS09], on rows of R^d.

    Args:
        q: order, an integer >= 0.
        l: depth, an integer >= 0; the kernel is applied l + 1 times.
        geometry: "sphere" divides each row by its length (p = 0); "homogeneous" keeps the lengths, as [CS09] do.
        bias: a constant >= 0 appended to every row first, so that on the sphere a row's length is not lost.
        degree: p, the power of the lengths in the homogeneous geometry, >= 0; q when None.
        variance: v > 0, the prior variance of a unit row, in (units of y)^2.
    """

    q: int
    l: int
    geometry: Geometry = "sphere"
    bias: float = 0.0
    degree: float | None = None
    variance: float = 1.0

    def __post_init__(self) -> None:
        require_integer("q", self.q)
        require_integer("l", self.l)
        if self.geometry not in ("sphere", "homogeneous"):
            raise ValueError(f"geometry is {self.geometry!r}; 'sphere' or 'homogeneous' is wanted")
        if not (math.isfinite(self.bias) and self.bias >= 0):
            raise ValueError(f"bias is {self.bias!r}; a finite number, 0 or more, is wanted")
        if self.degree is not None and not (math.isfinite(self.degree) and self.degree >= 0):
            raise ValueError(f"degree is {self.degree!r}; a finite number, 0 or more, or None is wanted")
        if not (math.isfinite(self.variance) and self.variance > 0):
            raise ValueError(f"variance is {self.variance!r}; a finite number above 0 is wanted")

    @property
    def power(self) -> float:
        """p, the power to which the rows' lengths enter the covariance."""
        if self.geometry == "sphere":
            return 0.0
        return float(self.q if self.degree is None else self.degree)

    def cross(self, X: Array, Z: Array) -> Array:
        """The covariances (N, M) between the rows of X (N, d) and those of Z (M, d).

        Raises:
            LengthError: a row has length zero where its direction is needed (power 0, no bias), or is so long that
                its covariance overflows.
        """
        X_hat, X_scale = self._directions(X)
        Z_hat, Z_scale = self._directions(Z)
        K = np.empty((len(X_hat), len(Z_hat)))
        for rows in blocks(len(X_hat), len(Z_hat)):
            K[rows] = self._covariance(X_hat[rows], X_scale[rows], Z_hat, Z_scale)
        return K

    def gram(self, X: Array) -> Array:
        """The covariances (N, N) among the rows of X (N, d): exactly symmetric, with exactly `diagonal(X)`.

        Raises:
            LengthError: as `cross`.
        """
        X_hat, X_scale = self._directions(X)
        K = np.empty((len(X_hat), len(X_hat)))
        for rows in blocks(len(X_hat), len(X_hat)):
            left = slice(0, rows.start)
            K[rows, left] = self._covariance(X_hat[rows], X_scale[rows], X_hat[left], X_scale[left])
            K[left, rows] = K[rows, left].T
            # Symmetric to the bit: NumPy forms a product with its own transpose by syrk, and a product of two commutes.
            K[rows, rows] = self._covariance(X_hat[rows], X_scale[rows], X_hat[rows], X_scale[rows])
        np.fill_diagonal(K, self.variance * X_scale**2)
        return K

    def diagonal(self, X: Array) -> Array:
        """The prior variances (N,) of the rows of X (N, d), in closed form: k_{q,l}(1) = 1.

        Raises:
            LengthError: as `cross`.
        """
        return self.variance * self._directions(X)[1] ** 2

    def lengths(self, X: Array) -> Array:
        """The lengths (N,) of the rows of X (N, d) after the bias is appended, in units of X; infinite on overflow."""
        scaled, exponents = self._scaled(X)
        return _unscaled(np.linalg.norm(scaled, axis=1), exponents)

    def _covariance(self, X_hat: Array, X_scale: Array, Z_hat: Array, Z_scale: Array) -> Array:
        t = X_hat @ Z_hat.T
        u, w = _from_difference(1.0 - t, X_hat, Z_hat), _from_difference(1.0 + t, X_hat, -Z_hat)
        K = composed_kernel(self.q, self.l, t, u, w)
        K *= self.variance
        if self.power != 0.0:
            K *= np.outer(X_scale, Z_scale)
        return K

    def _directions(self, X: Array) -> tuple[Array, Array]:
        """Unit rows (N, d or d + 1), and each row's length to the power p (N,)."""
        scaled, exponents = self._scaled(X)
        norms = np.linalg.norm(scaled, axis=1)
        zero = norms == 0.0
        if self.power == 0.0 and zero.any():
            raise LengthError(
                zero, "has length zero, and so no direction on the sphere: leave it out, or train with a bias above 0"
            )
        with np.errstate(over="ignore"):
            powers = _unscaled(norms, exponents) ** self.power
            infinite = ~np.isfinite(self.variance * powers**2)
        if infinite.any():
            overflow = f"is so long that its length to the power {2 * self.power:g} overflows"
            raise LengthError(infinite, f"{overflow}: train with a lower degree, or standardise")
        # A row of length zero with p > 0 has covariance 0 with everything, whatever direction it is given.
        return scaled / np.where(zero, 1.0, norms)[:, None], powers

    def _scaled(self, X: Array) -> tuple[Array, Array]:
        """Rows with the bias, divided by powers of 2 (exactly) so that their squares neither overflow nor vanish."""
        # In one order of memory, so that the same numbers round in the same way wherever they come from.
        X = np.ascontiguousarray(X, dtype=np.float64)
        if X.ndim != 2:
            raise ValueError(f"rows have shape {X.shape}; a matrix (N, d) is wanted")
        if self.bias > 0.0:
            X = np.column_stack([X, np.full(len(X), self.bias)])
        _, exponents = np.frexp(np.abs(X).max(axis=1, initial=0.0))
        return np.ldexp(X, -exponents[:, None]), exponents


def _unscaled(lengths: Array, exponents: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(np.ldexp(lengths, exponents))


def _from_difference(u: Array, A: Array, B: Array) -> Array:
    """u = 1 - A B^T (N, M) for unit rows, mended in place: |a - b|^2 / 2 where it is small, 0 where a and b are one."""
    i, j = np.nonzero(u < CLOSE)
    for pairs in blocks(len(i), A.shape[1]):
        difference = A[i[pairs]] - B[j[pairs]]
        squared = np.einsum("nd,nd->n", difference, difference)
        u[i[pairs], j[pairs]] = np.where(squared < SAME, 0.0, squared / 2.0)
    return u
