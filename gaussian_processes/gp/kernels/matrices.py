"""Kernel matrices, whole and packed, of any kernel; threads share their rows in panels."""

from typing import Any

import numpy as np

from gaussian_processes.gp.arrays import Array, Matrix
from gaussian_processes.gp.compiled import passes
from gaussian_processes.gp.compiled.span import full
from gaussian_processes.gp.compiled.threads import in_threads, panels
from gaussian_processes.gp.kernels.base import I, Kernel
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.progress import Progress, Work, no_progress


def matrix(kernel: Kernel[I], rows: I, columns: I, dtype: type[np.floating[Any]] = np.float64) -> Matrix:
    """The covariances (N, M) between rows and columns, in float64 or float32."""
    rows, columns = rows.astype(dtype), columns.astype(dtype)
    K = np.empty((len(rows), len(columns)), dtype)
    in_threads(lambda panel: kernel.fill(rows[panel], columns, full(len(columns)), K[panel]), panels(len(K)))
    return K


def matrix_and_product(kernel: Kernel[I], rows: I, columns: I, v: Array) -> tuple[Array, Array]:
    """`matrix` K (N, M) and K v (N,), to the bit `matvec.product` of v (M,)."""
    K, product, span = np.empty((len(rows), len(columns))), np.empty(len(rows)), full(len(columns))
    in_threads(lambda panel: kernel.fill(rows[panel], columns, span, K[panel], (v, product[panel])), panels(len(K)))
    return K, product


def gram(kernel: Kernel[I], inputs: I) -> Array:
    """The covariances (N, N) among inputs: exactly symmetric, with exactly the prior variances."""
    N = len(inputs)
    K = np.empty((N, N))
    in_threads(lambda panel: kernel.fill(inputs[panel], inputs, (panel.start, 0, N, 0, 0), K[panel]), panels(N))
    in_threads(lambda panel: passes.mirror(K, panel.start, panel.stop), panels(N))
    return K


def packed_gram(
    kernel: Kernel[I], inputs: I, dtype: type[np.floating[Any]] = np.float64, progress: Progress = no_progress
) -> Packed:
    """`gram` in half the memory, in float64 or float32. The phase of `progress` is "Gram matrix"."""
    inputs = inputs.astype(dtype)
    K = Packed.empty(len(inputs), dtype)

    def fill(panel: slice) -> None:
        for rows, span, out in K.spans(panel):
            kernel.fill(inputs[rows], inputs, span, out)

    work = Work("Gram matrix", K.m, progress)
    in_threads(fill, panels(K.m), lambda panel: work.advance(panel.stop - panel.start))
    return K
