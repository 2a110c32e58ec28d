"""Standardisation: columns shifted to mean 0 and scaled to standard deviation 1, and back."""

from dataclasses import dataclass

import numpy as np

from gaussian_processes.gp.arrays import Array


@dataclass(frozen=True, eq=False)
class Scaling:
    """z = (x - shift) / scale, column by column.

    Attributes:
        shift, scale: (d,) for rows (N, d), or () for a vector; in units of x, scale > 0.
    """

    shift: Array
    scale: Array

    @classmethod
    def none(cls, x: Array) -> "Scaling":
        """Leave values as they are."""
        return cls(np.zeros(x.shape[1:]), np.ones(x.shape[1:]))

    @classmethod
    def standard(cls, x: Array) -> "Scaling":
        """Mean 0 and standard deviation 1 over x (N, d) or (N,); a constant column is shifted only."""
        # Divided by powers of 2, exactly, so that neither the sums nor the squares overflow or vanish.
        _, exponents = np.frexp(np.abs(x).max(axis=0))
        scaled = np.ldexp(x, -exponents)
        constant = x.max(axis=0) == x.min(axis=0)
        scale = np.where(constant, 1.0, np.ldexp(scaled.std(axis=0), exponents))
        return cls(np.asarray(np.ldexp(scaled.mean(axis=0), exponents)), scale)

    def apply(self, x: Array) -> Array:
        """From units of x to the scaled units."""
        return (x - self.shift) / self.scale

    def invert(self, z: Array) -> Array:
        """From scaled units to units of x."""
        return z * self.scale + self.shift
