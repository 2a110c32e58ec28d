"""Products of a kernel matrix with a vector, for any kernel. The matrix is never stored."""

import itertools
import math
from typing import Any

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.compiled.threads import in_threads, panels
from gaussian_processes.gp.kernels.base import I, Kernel
from gaussian_processes.gp.progress import Progress, Work, no_progress


def product(kernel: Kernel[I], rows: I, columns: I, v: Array, progress: Progress = no_progress) -> Array:
    """K v (N,) for the covariances K (N, M) between rows and columns, and v (M,). The phase is "prediction"."""
    out, work = np.empty(len(rows)), Work("prediction", len(rows), progress)
    in_threads(
        lambda panel: kernel.multiply(rows[panel], columns, (v, out[panel])),
        panels(len(rows)),
        lambda panel: work.advance(panel.stop - panel.start),
    )
    return out


def strip_product(
    kernel: Kernel[I], inputs: I, v: Array, strip: slice, dtype: type[np.floating[Any]] = np.float64
) -> Array:
    """The part of K v (N,) that a strip of K (N, N) contributes: the sum over all `strips` is K v.

    A strip is some rows of the upper triangle, and their mirror image in the lower one. Strips share no entry, and each
    entry is computed once, except beside the diagonal. The memory is a few vectors.

    Args:
        kernel: of K.
        inputs: N of them.
        v: (N,).
        strip: rows; `slice(0, N)` for all.
        dtype: precision of the entries, float64 or float32. Single precision takes a third of the time. Its rounding is
            the same each time and in both triangles: K is then another matrix, near and exactly symmetric. v and all
            sums are in double precision.

    Returns:
        (N,) in double precision; the same bits for the same number of threads.
    """
    inputs = inputs.astype(dtype)
    N, first = len(inputs), strip.start
    out, below = np.zeros(N), np.zeros(N)
    mirrored: dict[int, Array] = {}

    def multiply(panel: slice) -> None:
        mirrored[panel.start] = image = np.empty(N)
        kernel.multiply(inputs[panel], inputs, (v, out[panel]), begin=panel.start, transposed=(v[panel], image))

    def add(panel: slice) -> None:  # in the panels' order
        below[panel.stop :] += mirrored.pop(panel.start)[panel.stop :]

    in_threads(multiply, [slice(first + one.start, first + one.stop) for one in panels(strip.stop - first)], add)
    return out + below


def strips(N: int, count: int) -> list[slice]:
    """N rows in `count` strips with equally many entries of the upper triangle, to a row."""
    # The first i rows have i N - i^2/2 of N^2/2 entries.
    cuts = [N - round(N * math.sqrt(1 - i / count)) for i in range(count + 1)]
    return [slice(*ends) for ends in itertools.pairwise(cuts)]
