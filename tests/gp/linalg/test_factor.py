"""Cholesky on packed matrices against NumPy, in both precisions and for both shapes of the format."""

import numpy as np
import pytest
from scipy.linalg.lapack import dpotrf, dtrttf

from gaussian_processes.gp.linalg import blas as blocks_module
from gaussian_processes.gp.linalg.cholesky import BlockSizes, Cholesky, NotPositiveDefiniteError
from gaussian_processes.gp.linalg.lapack import blas
from gaussian_processes.gp.linalg.packed import Packed

SIZES = [1, 2, 3, 4, 5, 8, 33, 200, 301]


def positive_definite(N, dtype=np.float64):
    A = np.random.default_rng(N).normal(size=(N, N))
    return (A @ A.T + N * np.eye(N)).astype(dtype)


# As it is, which is not at all for matrices of this size, and small, with and without a rest.
cut = pytest.mark.parametrize("sizes", [BlockSizes(), BlockSizes(5, 9, 50), BlockSizes(16, 16), BlockSizes(40, 25)])


@pytest.mark.parametrize("N", SIZES)
def test_the_format_is_lapacks(N):
    """The rectangle is what LAPACK's own conversion makes of a lower triangle."""
    M = positive_definite(N)
    packed = Packed.of(M)
    assert np.array_equal(packed.rectangle.ravel(), dtrttf(M, transr="N", uplo="L")[0])
    assert len(packed) == N
    assert np.array_equal(packed.lower(), np.tril(M))
    assert np.array_equal(packed.diagonal, np.diagonal(M))
    packed.add_to_diagonal(0.5)
    assert np.array_equal(packed.lower(), np.tril(M + 0.5 * np.eye(N)))


@pytest.mark.parametrize("N", SIZES)
@pytest.mark.parametrize("size", [1, 3, 50, 1000])
def test_tiles_cover_each_row_once_and_stay_in_a_half(N, size):
    """From any row on; none is larger than was asked for."""
    packed = Packed.empty(N)
    for start in {0, 1, packed.m - 1, packed.m, N - 1, N}:
        tiles = packed.tiles(size, start)
        assert [row for tile in tiles for row in range(tile.start, tile.stop)] == list(range(start, N))
        assert all(0 < tile.stop - tile.start <= size for tile in tiles)
        assert all(tile.stop <= packed.m or tile.start >= packed.m for tile in tiles)


@pytest.mark.slow
@cut
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-4)])
@pytest.mark.parametrize("N", SIZES)
def test_solves_what_numpys_lu_solves(N, dtype, tolerance, sizes):
    """L, M^-1 b, L^-1 B, log det M and the diagonal of M^-1."""
    M = positive_definite(N, dtype)
    b = np.random.default_rng(1).normal(size=(N, 3)).astype(dtype)
    factor = Cholesky.of(Packed.of(M), sizes=sizes)
    L = np.linalg.cholesky(M.astype(np.float64))
    assert factor.L.lower() == pytest.approx(L, rel=tolerance, abs=tolerance)
    assert factor.solve(b[:, 0]) == pytest.approx(np.linalg.solve(M, b[:, 0]), rel=tolerance, abs=tolerance)
    assert factor.solve(b) == pytest.approx(np.linalg.solve(M, b), rel=tolerance, abs=tolerance)
    assert factor.half_solve(b.copy()) == pytest.approx(np.linalg.solve(L, b), rel=tolerance, abs=tolerance)
    assert factor.log_det() == pytest.approx(np.linalg.slogdet(M.astype(np.float64))[1], rel=tolerance)
    wanted = np.diagonal(np.linalg.inv(M.astype(np.float64)))
    assert factor.inverse_diagonal() == pytest.approx(wanted, rel=tolerance)


def test_factors_in_the_matrixs_own_memory():
    """Nothing of the matrix's size is allocated, nor is the right-hand side copied."""
    packed = Packed.of(positive_definite(50))
    factor = Cholesky.of(packed)
    assert factor.L.rectangle is packed.rectangle
    B = np.asfortranarray(np.ones((50, 4)))
    assert factor.half_solve(B) is B


def test_no_call_is_longer_than_a_product_of_tiles(monkeypatch):
    """Operations by the sizes that BLAS and LAPACK are given: 2 panel tile^2 at most, and N^3/3 together."""
    operations = {
        "potrf": lambda n: n**3 / 3,
        "trsm": lambda rows, columns: rows * columns**2,
        "syrk": lambda n, k: n**2 * k,
        "gemm": lambda m, n, k: 2 * m * n * k,
    }
    counts = []

    def counted(call):
        def record(name, *arguments):
            sizes = [argument for argument in arguments if isinstance(argument, int)]
            if name == "trsm" and arguments[0] == "L":
                sizes.reverse()  # the triangle's last, as where it stands on the right
            counts.append(operations[name](*sizes))
            return call(name, *arguments)

        return record

    monkeypatch.setattr(blocks_module, "blas", counted(blocks_module.blas))
    monkeypatch.setattr(blocks_module, "lapack", counted(blocks_module.lapack))
    Cholesky.of(Packed.of(positive_definite(301)), sizes=BlockSizes(panel=16, tile=48))
    assert max(counts) <= 2 * 16 * 48**2
    assert sum(counts) == pytest.approx(301**3 / 3)


@cut
@pytest.mark.parametrize("row", [1, 30, 31, 32, 59])
@pytest.mark.parametrize("N", [60, 61])
def test_a_pivot_that_is_not_positive_is_named_with_its_value(N, row, sizes):
    """The pivot is the row's variance given the rows before it, which the matrix was made to have."""
    M = positive_definite(N)
    before = slice(0, row - 1)
    M[row - 1, row - 1] = M[row - 1, before] @ np.linalg.solve(M[before, before], M[before, row - 1]) - 0.125
    with pytest.raises(NotPositiveDefiniteError, match=rf"{N} rows .* at row {row}, .* is -0\.125") as caught:
        Cholesky.of(Packed.of(M), sizes=sizes)
    assert caught.value.row == dpotrf(M, lower=1)[1]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_found(value):
    """LAPACK itself lets them through."""
    M = positive_definite(20)
    M[7, 7] = value
    with pytest.raises(NotPositiveDefiniteError):
        Cholesky.of(Packed.of(M))


def test_an_array_that_blas_would_misread_is_refused():
    """C's order, or two precisions, would give wrong numbers without a word."""
    with pytest.raises(ValueError, match="not in Fortran's order"):
        blas("trsm", "L", "L", "N", "N", 3, 3, 1.0, np.ones((3, 3)), np.asfortranarray(np.ones((3, 3))))
    with pytest.raises(ValueError, match="float32"):
        blas("trsv", "L", "N", "N", 3, np.asfortranarray(np.eye(3)), np.ones(3, np.float32), 1)
