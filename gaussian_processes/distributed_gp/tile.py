"""Tile: tasks on one tile, or a few. They never write to their arguments: another task may need those."""

import numpy as np

from gaussian_processes.gp.arrays import Array, Matrix
from gaussian_processes.gp.linalg.blas import factor, solve_triangular, subtract_product, subtract_square
from gaussian_processes.gp.linalg.cholesky import require_positive
from gaussian_processes.gp.solvers.covariance import Covariance


def updated(M: Covariance, rows: slice, columns: slice, before: Matrix | None, *panels: Matrix) -> Matrix:
    """A tile of M, or an earlier state of it, less the products L_ik L_jk^T.

    Args:
        M: the matrix.
        rows: the tile's rows.
        columns: the tile's columns.
        before: the earlier state; None for the tile of M itself.
        panels: L_ik, L_jk and so on; on the diagonal L_jk alone, and so on.
    """
    tile = M.tile(rows, columns) if before is None else before.copy()
    if rows == columns:
        for L in panels:
            subtract_square(tile, L)
    else:
        for L, other in zip(panels[::2], panels[1::2], strict=True):
            subtract_product(tile, L, other.T)
    return tile


def factored(M: Covariance, span: slice, before: Matrix | None, *panels: Matrix) -> Matrix:
    """`updated` and then factored: L_jj, whose lower triangle counts.

    Raises:
        NotPositiveDefiniteError: a pivot is not positive, or not a number.
    """
    tile = updated(M, span, span, before, *panels)
    require_positive(factor(tile), np.diagonal(tile), len(M), span.start)
    return tile


def divided(
    M: Covariance, rows: slice, columns: slice, diagonal: Matrix, before: Matrix | None, *panels: Matrix
) -> Matrix:
    """`updated` and then divided by L_jj^T: L_ij."""
    tile = updated(M, rows, columns, before, *panels)
    solve_triangular(diagonal, tile.T)
    return tile


# Right-hand sides lie as rows: B (m, N) in tiles (m, n), so that (L^-1 B^T)^T is one more row of tiles of L.


def swept(before: Matrix | None, right: Matrix, L: Matrix, transposed: bool) -> Matrix:
    """before - right L^T, or before - right L where transposed; nothing before is zero."""
    factor = L if transposed else L.T
    after = np.zeros((len(right), factor.shape[1])) if before is None else before.copy()
    subtract_product(after, right, factor)
    return after


def solved(before: Matrix, diagonal: Matrix, transposed: bool) -> Matrix:
    """before L_jj^-T, or before L_jj^-1 where transposed."""
    after = before.copy()
    solve_triangular(diagonal, after.T, transposed)
    return after


def squares(tile: Matrix) -> Array:
    """The sums of squares (m,) of the rows of a tile (m, n)."""
    return np.asarray(np.einsum("mn,mn->m", tile, tile))


def log_det(diagonal: Matrix) -> float:
    """log det (L_jj L_jj^T)."""
    return 2.0 * float(np.sum(np.log(np.diagonal(diagonal))))
