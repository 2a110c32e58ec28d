"""Inverse: M^-1 from the Cholesky factor of M. It overwrites the factor."""

import numpy as np

from gaussian_processes.gp.arrays import Array
from gaussian_processes.gp.linalg.blas import add_square, invert, invert_triangle, solve_triangular
from gaussian_processes.gp.linalg.cholesky import Cholesky
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.progress import Progress, Work, no_progress

# Columns per step of a sum of squares.
COLUMNS = 64


def inverse(factor: Cholesky, progress: Progress = no_progress) -> Packed:
    """M^-1 (N, N), packed, at twice the operations of the factorisation. Reports progress of the phase "inverse".

    With M = L L^T in two by two blocks and X = L^-1, M^-1 = X^T X is

        L11^-T L11^-1 + X21^T X21
        L22^-T X21                   L22^-T L22^-1          X21 = -L22^-1 L21 L11^-1.
    """
    M = factor.L
    work = Work("inverse", 6 if len(M) > 1 else 1, progress)
    L11, L21, L22 = M.blocks
    if len(L22):
        solve_triangular(L11, L21.T, transposed=True)
        work.advance(1)
        solve_triangular(L22, L21)
        work.advance(1)
    invert(L11)
    work.advance(1)
    if len(L22):
        add_square(L11, L21.T)
        work.advance(1)
        solve_triangular(L22, L21, transposed=True)
        np.negative(L21, out=L21)
        work.advance(1)
        invert(L22)
        work.advance(1)
    return M


def inverse_diagonal(factor: Cholesky) -> Array:
    """The diagonal (N,) of M^-1, at two thirds of the operations of `Cholesky.inverse_diagonal`.

    Entry i is |L^-1 e_i|^2. The blocks of L^-1 are L11^-1, L22^-1 and -X21, X21 = L22^-1 L21 L11^-1.
    """
    L = factor.L
    L11, L21, L22 = L.blocks
    if len(L22):
        solve_triangular(L11, L21.T, transposed=True)
        solve_triangular(L22, L21)
        invert_triangle(L22)
    invert_triangle(L11)
    diagonal = np.empty(len(L))
    for half in L.halves:
        for start in range(half.start, half.stop, COLUMNS):
            columns = slice(start, min(start + COLUMNS, half.stop))
            triangle = np.tril(L[slice(start, half.stop), columns])
            below = L[slice(half.stop, len(L)), columns]
            diagonal[columns] = np.einsum("nm,nm->m", triangle, triangle) + np.einsum("nm,nm->m", below, below)
    return diagonal
