"""RBF: the squared exponential kernel with lengthscales, [RW06] eqs. 2.16 and 5.1, by its definition in NumPy.

A second kernel, which is no function of an angle: it fulfils `Kernel` and shows what code above the kernels may ask of it.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gaussian_processes.gp.compiled.span import places
from gaussian_processes.gp.kernels.base import Hyperparameter
from gaussian_processes.gp.linalg.symmetric import unpack


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows (N, d) divided by the lengthscales."""

    z: np.ndarray

    def __len__(self):
        return len(self.z)

    def __getitem__(self, rows):
        return Rows(self.z[rows])

    def astype(self, dtype):
        return Rows(self.z.astype(dtype))


@dataclass(frozen=True)
class RBF:
    """v exp(-|x - x'|^2 / 2), the features divided by their lengthscales."""

    hyperparameters: ClassVar = (
        Hyperparameter("variance", (1e-4, 1e4)),
        Hyperparameter("lengthscales", (1e-3, 1e3), lambda kernel, d: kernel.lengthscales or (1.0,) * d, True),
    )

    variance: float = 1.0
    lengthscales: tuple[float, ...] | None = None

    def inputs(self, X, *, training=None, together=True):
        """Equal rows are equal to the bit already."""
        del training, together
        return Rows(X / np.array(self.lengthscales or 1.0))

    def prior_variances(self, inputs):
        return np.full(len(inputs), self.variance)

    def fill(self, rows, columns, span, out, product=None):
        K = self._matrix(rows, columns)
        for i, wanted, place in places(span, len(rows)):
            out[i, place] = K[i, wanted]
        if product:
            product[1][:] = K @ product[0]

    def multiply(self, rows, columns, product, *, begin=0, transposed=None):
        K = self._matrix(rows, columns)
        product[1][:] = K[:, begin:] @ product[0][begin:]
        if transposed:
            transposed[1][:] = transposed[0] @ K

    def derivatives(self, names, inputs, W, c):
        """dK_ij/dlog s_k = K_ij (z_ik - z_jk)^2."""
        WK = unpack(W) * self._matrix(inputs, inputs)
        squares = (inputs.z[:, None] - inputs.z) ** 2
        found = {"variance": c.sum(), "lengthscales": np.einsum("ij,ijk->k", WK, squares)}
        return {name: found[name] for name in names}

    def _matrix(self, rows, columns):
        return self.variance * np.exp(-((rows.z[:, None] - columns.z) ** 2).sum(axis=2) / 2)
