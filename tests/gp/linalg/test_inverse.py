"""The inverse from the factor, and operations on symmetric packed matrices, against NumPy on full arrays."""

import numpy as np
import pytest

from gaussian_processes.gp.linalg.cholesky import Cholesky
from gaussian_processes.gp.linalg.inverse import inverse
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.linalg.symmetric import minus_square, rank_2_update, times, unpack

pytestmark = pytest.mark.usefixtures("one_thread")

each_size = pytest.mark.parametrize("N", [1, 2, 3, 50, 51, 700])


def symmetric(N):
    A = np.random.default_rng(N).normal(size=(N, N))
    return A + A.T


def mirrored(packed):
    L = packed.lower()
    return L + np.tril(L, -1).T


@each_size
def test_the_inverse_is_numpys(N):
    """It overwrites the factor."""
    A = np.random.default_rng(N).normal(size=(N, N))
    M = A @ A.T + N * np.eye(N)
    packed = Packed.of(M)
    found = inverse(Cholesky.of(packed))
    wanted = np.linalg.inv(M)
    assert found.rectangle is packed.rectangle
    assert np.allclose(mirrored(found), wanted, rtol=0.0, atol=1e-13 * np.abs(wanted).max())
    assert np.allclose(mirrored(found) @ M, np.eye(N), rtol=0.0, atol=1e-11)


def test_the_inverse_of_an_ill_conditioned_matrix_is_accurate_to_rounding():
    """Relative to the condition number, here 1e10."""
    N = 60
    Q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(N, N)))
    values = np.geomspace(1e-10, 1.0, N)
    M = (Q * values) @ Q.T
    wanted = (Q / values) @ Q.T
    assert mirrored(inverse(Cholesky.of(Packed.of(M)))) == pytest.approx(wanted, abs=1e-5 * np.abs(wanted).max())


@each_size
def test_progress_rises_from_0_to_1(N):
    """In one phase."""
    told = []
    inverse(Cholesky.of(Packed.of(np.eye(N))), lambda *step: told.append(step))
    assert {phase for phase, _ in told} == {"inverse"}
    fractions = [fraction for _, fraction in told]
    assert fractions[0] == 0.0
    assert fractions[-1] == 1.0
    assert fractions == sorted(fractions)


@each_size
def test_a_packed_matrix_unpacks_to_the_full_matrix(N):
    """To the bit, both triangles."""
    M = symmetric(N)
    assert np.array_equal(unpack(Packed.of(M)), M)


@each_size
@pytest.mark.parametrize("columns", [1, 2, 11])
@pytest.mark.parametrize("order", ["C", "F"])
def test_products_are_those_of_the_full_matrix(N, columns, order):
    """For right-hand sides in either order of memory; neither these nor the matrix are overwritten."""
    M, packed = symmetric(N), Packed.of(symmetric(N))
    U = np.asarray(np.random.default_rng(1).normal(size=(N, columns)), order=order)
    before = U.copy()
    assert np.allclose(times(packed, U), M @ U, rtol=1e-12, atol=1e-12 * N)
    assert np.array_equal(U, before)
    assert np.array_equal(mirrored(packed), M)


def test_products_with_a_view_of_some_columns():
    """Inputs are padded with columns of zeros, and a view leaves the padding out."""
    M, wide = symmetric(9), np.random.default_rng(1).normal(size=(9, 8))
    assert times(Packed.of(M), wide[:, :5]) == pytest.approx(M @ wide[:, :5], rel=1e-12, abs=1e-12)


@each_size
def test_a_symmetric_rank_2_update(N):
    """In place."""
    M, packed = symmetric(N), Packed.of(symmetric(N))
    a, b = np.random.default_rng(1).normal(size=(2, N))
    rank_2_update(packed, a, b)
    assert np.allclose(mirrored(packed), M + (np.outer(a, b) + np.outer(b, a)) / 2, rtol=1e-13, atol=1e-13)


@each_size
@pytest.mark.parametrize("columns", [1, 4, 60])
def test_minus_a_square(N, columns):
    """-B B^T."""
    B = np.random.default_rng(1).normal(size=(N, columns))
    assert np.allclose(mirrored(minus_square(B)), -B @ B.T, rtol=1e-12, atol=1e-12)


def test_a_triangle_with_a_zero_on_its_diagonal_has_no_inverse():
    """LAPACK's info becomes an error."""
    with pytest.raises(ZeroDivisionError, match="zero on its diagonal"):
        inverse(Cholesky(Packed.of(np.diag([1.0, 0.0, 1.0]))))
