"""BLAS and LAPACK routines on views of matrices stored by columns (Fortran order) or by rows (C order), in any mix.

A matrix stored by rows is its transpose stored by columns, and its lower triangle an upper one. Of a triangular or
symmetric matrix only the lower triangle is read and written.
"""

from gaussian_processes.gp.arrays import Matrix
from gaussian_processes.gp.linalg.lapack import blas, lapack


def factor(M: Matrix) -> int:
    """M <- L, M = L L^T. Returns 0, or the first row, counted from 1, with a pivot that is not positive."""
    return lapack("potrf", _triangle(M), len(M), _by_columns(M))


def invert(L: Matrix) -> None:
    """L <- (L L^T)^-1 for a lower triangle L."""
    if lapack("potri", _triangle(L), len(L), _by_columns(L)):
        raise ZeroDivisionError("a triangular matrix with a zero on its diagonal has no inverse")


def invert_triangle(L: Matrix) -> None:
    """L <- L^-1 for a lower triangle L."""
    if lapack("trtri", _triangle(L), "N", len(L), _by_columns(L)):
        raise ZeroDivisionError("a triangular matrix with a zero on its diagonal has no inverse")


def solve_triangular(L: Matrix, B: Matrix, transposed: bool = False) -> None:
    """B <- L^-1 B, or L^-T B, for a lower triangle L and a matrix or a contiguous vector B."""
    flipped = transposed ^ _is_by_rows(L)
    if B.ndim == 1:
        blas("trsv", _triangle(L), "NT"[flipped], "N", len(L), _by_columns(L), B, 1)
        return
    # B by rows is B^T <- B^T L^-T by columns.
    X, flipped = _by_columns(B), flipped ^ _is_by_rows(B)
    blas("trsm", "LR"[_is_by_rows(B)], _triangle(L), "NT"[flipped], "N", *X.shape, 1.0, _by_columns(L), X)


def subtract_product(C: Matrix, A: Matrix, B: Matrix) -> None:
    """C <- C - A B for matrices B and C, or contiguous vectors."""
    if B.ndim == 1:
        X = _by_columns(A)
        blas("gemv", _operation(A), *X.shape, -1.0, X, B, 1, 1.0, C, 1)
        return
    if _is_by_rows(C):
        C, A, B = C.T, B.T, A.T
    blas("gemm", _operation(A), _operation(B), *C.shape, len(B), -1.0, _by_columns(A), _by_columns(B), 1.0, C)


def subtract_square(C: Matrix, A: Matrix) -> None:
    """C <- C - A A^T for a symmetric C."""
    add_square(C, A, -1.0)


def add_square(C: Matrix, A: Matrix, factor: float = 1.0) -> None:
    """C <- C + factor A A^T for a symmetric C."""
    blas("syrk", _triangle(C), _operation(A), *A.shape, factor, _by_columns(A), 1.0, _by_columns(C))


def add_symmetric_product(C: Matrix, a: Matrix, b: Matrix) -> None:
    """C <- C + (a b^T + b a^T)/2 for a symmetric C and contiguous vectors."""
    blas("syr2", _triangle(C), len(a), 0.5, a, 1, b, 1, _by_columns(C))


def add_outer_product(C: Matrix, a: Matrix, b: Matrix) -> None:
    """C <- C + a b^T / 2 for contiguous vectors."""
    if _is_by_rows(C):
        a, b = b, a
    blas("ger", len(a), len(b), 0.5, a, 1, b, 1, _by_columns(C))


def add_product(A: Matrix, B: Matrix, C: Matrix) -> None:
    """C <- C + A B for a symmetric A and matrices B and C stored by columns."""
    blas("symm", "L", _triangle(A), *B.shape, 1.0, _by_columns(A), B, 1.0, C)


def _is_by_rows(A: Matrix) -> bool:
    return A.strides[0] != A.itemsize


def _by_columns(A: Matrix) -> Matrix:
    return A.T if _is_by_rows(A) else A


def _operation(A: Matrix) -> str:
    """BLAS's TRANS: the operation that turns `_by_columns(A)` into A."""
    return "NT"[_is_by_rows(A)]


def _triangle(L: Matrix) -> str:
    """BLAS's UPLO: the triangle of `_by_columns(L)` that holds the lower triangle of L."""
    return "LU"[_is_by_rows(L)]
