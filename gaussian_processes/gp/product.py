"""Products of a kernel matrix with a vector, without the matrix: its entries are made, used and forgotten."""

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
    polynomials = approximation(kernel.q, kernel.l, "float64")
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
            compiled.workspace(np.float64),
        )
        return
    K = np.empty((len(unit), len(columns)))
    kernel.fill_by_definition(rows[panel], columns, (0, 0, len(columns), 0, 0), K)
    out[panel] = K[:, begin:] @ v[begin:]
    if len(below):
        below += K.T @ u[panel]
