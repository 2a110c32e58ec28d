"""Products of a kernel matrix with a vector, without the matrix: its entries are made, used and forgotten."""

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np

from gaussian_processes.gp import compiled
from gaussian_processes.gp.approximation import approximation
from gaussian_processes.gp.arccosine import Array
from gaussian_processes.gp.directions import Directions
from gaussian_processes.gp.kernel import ArcCosine, panels
from gaussian_processes.gp.progress import Progress, Work, untold
from gaussian_processes.gp.threads import in_threads


def product(kernel: ArcCosine, rows: Directions, columns: Directions, v: Array, progress: Progress = untold) -> Array:
    """K v (N,) for the covariances K (N, M) between rows and columns, and v (M,). Its phase is "prediction"."""
    out, nothing = np.empty(len(rows)), np.empty(0)
    scaled = kernel.variance * (v * columns.scale)
    work = Work("prediction", len(rows), progress)
    in_threads(
        lambda panel: _multiply(kernel, rows, panel, columns, 0, scaled, out, out, nothing),
        panels(len(rows)),
        lambda panel: work.advance(panel.stop - panel.start),
    )
    return np.asarray(out * rows.scale)


def symmetric_product(kernel: ArcCosine, rows: Directions, v: Array) -> Array:
    """K v (N,) for the covariances K (N, N) among rows, of which half are computed, and v (N,)."""
    N, out = len(rows), np.empty(len(rows))
    scaled = kernel.variance * (v * rows.scale)
    mirrored: dict[int, Array] = {}

    def multiply(panel: slice) -> None:
        below = np.zeros(N)
        _multiply(kernel, rows, panel, rows, panel.start, scaled, scaled, out, below)
        mirrored[panel.stop] = below[panel.stop :]

    in_threads(multiply, panels(N))
    for start in sorted(mirrored):  # in one order, so that the sum is the same whatever the threads' order
        out[start:] += mirrored[start]
    return np.asarray(out * rows.scale)


def strip_product(
    kernel: ArcCosine,
    rows: Directions,
    v: Array,
    strip: slice,
    dtype: type[np.floating[Any]] = np.float64,
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
        mirrored[panel.start] = np.zeros(N)
        _multiply(kernel, rows, panel, rows, panel.start, scaled, scaled, out, mirrored[panel.start])

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
    kernel: ArcCosine,
    rows: Directions,
    panel: slice,
    columns: Directions,
    begin: int,
    v: Array,
    u: Array,
    out: Array,
    below: Array,
) -> None:
    """`compiled.multiply` for some of the rows, or the same where there are no polynomials."""
    dtype = rows.unit.dtype
    polynomials = approximation(kernel.q, kernel.l, dtype.name)
    unit = rows.unit[panel]
    if polynomials is not None:
        compiled.multiply(
            unit,
            columns.unit,
            columns.transposed,
            begin,
            polynomials.polynomials,
            v,
            u[panel],
            out[panel],
            below,
            compiled.workspace(dtype),
        )
        return
    K = np.empty((len(unit), len(columns)), dtype)
    kernel.fill_by_definition(rows[panel], columns, (0, 0, len(columns), 0, 0), K)
    out[panel] = K[:, begin:] @ v[begin:]
    if len(below):
        below += K.T @ u[panel]
