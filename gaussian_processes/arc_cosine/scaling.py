"""Scaling: standardised columns, and the way back to their units."""

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
        """The identity."""
        return cls(np.zeros(x.shape[1:]), np.ones(x.shape[1:]))

    @classmethod
    def standard(cls, x: Array) -> "Scaling":
        """Mean 0 and standard deviation 1 over x (N, d) or (N,); a constant column is only shifted."""
        # Powers of 2 scale exactly, and keep sums and squares from overflow and underflow.
        _, exponents = np.frexp(np.abs(x).max(axis=0))
        scaled = np.ldexp(x, -exponents)
        constant = x.max(axis=0) == x.min(axis=0)
        scale = np.where(constant, 1.0, np.ldexp(scaled.std(axis=0), exponents))
        return cls(np.asarray(np.ldexp(scaled.mean(axis=0), exponents)), scale)

    def apply(self, x: Array) -> Array:
        """z (M, d) or (M,) for x."""
        return (x - self.shift) / self.scale

    def invert(self, z: Array) -> Array:
        """x for z (M, d) or (M,)."""
        return z * self.scale + self.shift
