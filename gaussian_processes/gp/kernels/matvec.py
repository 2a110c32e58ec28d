"""Products of a kernel matrix with a vector, without the matrix: its entries are made, used and forgotten."""

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.compiled import passes
from gaussian_processes.gp.compiled.threads import in_threads, panels
from gaussian_processes.gp.kernels.arc_cosine import ArcCosine
from gaussian_processes.gp.kernels.inputs import Directions
from gaussian_processes.gp.kernels.polynomials import approximation
from gaussian_processes.gp.progress import Progress, Work, no_progress


def product(
    kernel: ArcCosine, rows: Directions, columns: Directions, v: Array, progress: Progress = no_progress
) -> Array:
    """K v (N,) for the covariances K (N, M) between rows and columns, and v (M,). Its phase is "prediction"."""
    out, nothing = np.empty(len(rows)), np.empty(0)
    scaled = kernel.variance * (v * columns.scale)
    work = Work("prediction", len(rows), progress)
    in_threads(
        lambda panel: _multiply(kernel, rows[panel], columns, 0, scaled, out[panel], out[panel], nothing),
        panels(len(rows)),
        lambda panel: work.advance(panel.stop - panel.start),
    )
    return np.asarray(out * rows.scale)


def strip_product(
    kernel: ArcCosine, rows: Directions, v: Array, strip: slice, dtype: type[np.floating[Any]] = np.float64
) -> Array:
    """What a strip of K (N, N) has part in K v (N,): the sum over `strips` of all rows is K v.

    The strip is the rows `strip` of the upper triangle, and as columns of the lower one; so the entries of no two
    strips are the same, and each is computed once, but for those beside the diagonal. The memory is a few vectors.

    Args:
        kernel: of K.
        rows: N of them.
        v: (N,).
        strip: of the rows, `slice(0, N)` for all.
        dtype: precision of the entries, float64 or float32. Single precision takes a third of the time. Its rounding is
            the same each time and in both halves: K is then another matrix, near and exactly symmetric, as precisely
            multiplied; lengths, variance, v and sums are in double precision either way.

    Returns:
        (N,) in double precision, the same to the bit for as many threads.
    """
    N = len(rows)
    if dtype != np.float64:
        rows = replace(rows, unit=rows.unit.astype(dtype))
    scaled = kernel.variance * (v * rows.scale)
    out, below = np.zeros(N), np.zeros(N)
    mirrored: dict[int, Array] = {}

    def multiply(panel: slice) -> None:
        mirrored[panel.start] = below = np.zeros(N)
        _multiply(kernel, rows[panel], rows, panel.start, scaled, scaled[panel], out[panel], below)

    def add(panel: slice) -> None:  # in the panels' order
        below[panel.stop :] += mirrored.pop(panel.start)[panel.stop :]

    first = strip.start
    in_threads(multiply, [slice(first + one.start, first + one.stop) for one in panels(strip.stop - first)], add)
    return np.asarray((out + below) * rows.scale)


def strips(N: int, count: int) -> list[slice]:
    """Slices that cut N rows into `count` strips with as many entries of the upper triangle each, to a row."""
    # The first i rows have i N - i^2/2 of N^2/2 entries.
    cuts = [N - round(N * math.sqrt(1 - i / count)) for i in range(count + 1)]
    return [slice(*ends) for ends in itertools.pairwise(cuts)]


def _multiply(
    kernel: ArcCosine, rows: Directions, columns: Directions, begin: int, v: Array, u: Array, out: Array, below: Array
) -> None:
    """`passes.multiply`, or the same where there are no polynomials."""
    polynomials, work = approximation(kernel.q, kernel.l, rows.unit.dtype.name), passes.workspace(rows.unit.dtype)
    if polynomials is not None:
        unit, others, columnwise = rows.unit, columns.unit, columns.transposed
        passes.multiply(unit, others, columnwise, begin, polynomials.polynomials, v, u, out, below, work)
        return
    K = np.empty((len(rows), len(columns)), rows.unit.dtype)
    kernel.fill_by_definition(rows, columns, (0, 0, len(columns), 0, 0), K)
    out[:] = K[:, begin:] @ v[begin:]
    if len(below):
        below += K.T @ u
