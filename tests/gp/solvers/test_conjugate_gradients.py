"""The iterative solution: as good as its residual says, whatever the kernel and the rows, and plain words where it fails."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaussian_processes.gp import ArcCosine, TrainedGPModel, cost
from gaussian_processes.gp.kernels.matrices import matrix
from gaussian_processes.gp.kernels.matvec import strip_product, strips
from gaussian_processes.gp.solvers.conjugate_gradients import System, conjugate_gradients
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.gp.solvers.direct import Direct
from gaussian_processes.gp.solvers.iterative import Iterative, NotConvergedError
from gaussian_processes.gp.solvers.preconditioner import Preconditioner, default_rank

pytestmark = pytest.mark.usefixtures("one_thread")

KERNELS = [
    ArcCosine(0, 0),
    ArcCosine(0, 2),
    ArcCosine(1, 1),
    ArcCosine(3, 1, bias=0.5),
    ArcCosine(1, 0, "homogeneous", variance=2.5),
    ArcCosine(2, 1, "homogeneous", degree=0.5),
]
each_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=str)
DTYPES = [np.float64, np.float32]


def noisy(N=300, seed=5):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(N, 4))
    return X, np.sin(3 * X[:, 0]) + 0.3 * generator.normal(size=N)


def covariance(kernel, X, sigma2=0.1):
    """M without its matrix, and with."""
    return Covariance(kernel, kernel.inputs(X), sigma2), kernel.gram(X) + sigma2 * np.eye(len(X))


def relative_residual(matrix, alpha, y):
    return np.linalg.norm(y - matrix @ alpha) / np.linalg.norm(y)


def require_solved(matrix, alpha, y):
    """The residual is 1e-8 at most, but for what the roundings of another product add: about sqrt(N) eps |M| |alpha| ([H02], 3.1)."""
    rounding = 1e-14 * np.linalg.norm(np.abs(matrix) @ np.abs(alpha)) / np.linalg.norm(y)
    assert relative_residual(matrix, alpha, y) <= 1e-8 + rounding


class Told(dict):
    """The fractions told, by phase in the order of the phases."""

    def __call__(self, phase, fraction):
        self.setdefault(phase, []).append(fraction)


@each_kernel
@pytest.mark.parametrize("rank", [None, 0, 1, 30, 300])
def test_alpha_solves_the_system_and_is_as_near_the_direct_one_as_that_allows(kernel, rank):
    """The residual, by another product, is what was wanted; alpha is off by at most cond(M) times it."""
    X, y = noisy()
    M, matrix = covariance(kernel, X)
    told = Told()
    solution = Iterative(rank=rank).solve(M, y, progress=told)
    assert solution.factor is None
    require_solved(matrix, solution.alpha, y)
    residual = relative_residual(matrix, solution.alpha, y)
    told_residual = float(solution.message.rpartition(" of ")[2].removesuffix("."))
    assert told_residual == pytest.approx(residual, rel=0.1, abs=1e-13)
    direct = Direct().solve(M, y).alpha
    error = np.linalg.norm(solution.alpha - direct) / np.linalg.norm(direct)
    assert error <= np.linalg.cond(matrix) * residual + 1e-12
    assert list(told) == ["preconditioner", "conjugate gradients"]
    for fractions in told.values():
        assert fractions[0] == 0.0
        assert fractions[-1] == 1.0
        assert fractions == sorted(fractions)


@pytest.mark.parametrize("dtype", DTYPES)
def test_orders_without_polynomials_are_no_exception(dtype):
    """Their entries are made in another way, which takes long."""
    kernel = ArcCosine(45, 0, "homogeneous", degree=1.0)
    X, y = noisy(40)
    M, matrix = covariance(kernel, X)
    require_solved(matrix, Iterative(rank=5).solve(M, y).alpha, y)
    product = strip_product(kernel, M.inputs, y, slice(0, 40), dtype)
    assert product + 0.1 * y == pytest.approx(matrix @ y, rel=1e4 * float(np.finfo(dtype).eps))


@each_kernel
def test_the_error_of_a_mean_is_within_what_the_tolerance_promises(kernel):
    """sqrt(k(x, x) / sigma2) tolerance |y|, at new rows, for loose tolerances too."""
    X, y = noisy()
    X_star, _ = noisy(50, seed=6)
    M, matrix = covariance(kernel, X, 0.03)
    cross = kernel.cross(X_star, X)
    for tolerance in (1e-2, 1e-5, 1e-10):
        alpha = Iterative(tolerance).solve(M, y).alpha
        error = np.abs(cross @ (alpha - np.linalg.solve(matrix, y)))
        promised = np.sqrt(kernel.diagonal(X_star) / 0.03) * tolerance * np.linalg.norm(y)
        assert (error <= promised + 1e-12 * np.abs(y).max()).all()


@settings(deadline=None, max_examples=20)
@given(
    N=st.integers(1, 60),
    distinct=st.integers(1, 60),
    q=st.integers(0, 3),
    geometry=st.sampled_from(["sphere", "homogeneous"]),
    sigma2=st.floats(1e-5, 1e3),
)
def test_small_systems_with_repeated_rows_are_solved(N, distinct, q, geometry, sigma2):
    """One row, fewer rows than the rank, and rows that are all the same."""
    X, y = noisy(60)
    X = X[np.arange(N) % distinct]
    M, matrix = covariance(ArcCosine(q, 1, geometry), X, sigma2)
    require_solved(matrix, Iterative().solve(M, y[:N]).alpha, y[:N])


def test_rows_of_length_zero_have_their_targets_over_the_noise():
    """Nothing covaries with them; some of them, or all."""
    X, y = noisy()
    kernel = ArcCosine(1, 1, "homogeneous")
    X[::3] = 0.0
    alpha = Iterative().solve(covariance(kernel, X)[0], y).alpha
    assert alpha[::3] == pytest.approx(y[::3] / 0.1, rel=1e-6, abs=1e-7)
    alpha = Iterative().solve(covariance(kernel, 0.0 * X)[0], y).alpha
    assert alpha == pytest.approx(y / 0.1, rel=1e-7)


def test_targets_of_zeros_or_of_any_scale_are_solved():
    """0 for 0, and for others the same but for rounding."""
    X, y = noisy()
    M, _ = covariance(ArcCosine(1, 1), X)
    zeros = Iterative().solve(M, 0.0 * y)
    assert np.array_equal(zeros.alpha, np.zeros(300))
    assert "0 iterations" in zeros.message
    alpha = Iterative().solve(M, y).alpha
    for scale in (1e-250, 1e250):
        assert Iterative().solve(M, scale * y).alpha / scale == pytest.approx(alpha, rel=1e-10, abs=1e-11)


def test_a_model_solved_so_predicts_means_and_nothing_else():
    """The means are K (K + sigma2 I)^-1 y; what takes a factor is refused in words."""
    X, y = noisy(100)
    kernel = ArcCosine(1, 1)
    model = TrainedGPModel(X, y, kernel, 0.1, Iterative())
    K = kernel.gram(X)
    assert model.predict(X) == pytest.approx(K @ np.linalg.solve(K + 0.1 * np.eye(100), y), abs=1e-6)
    assert not model.has_factor
    for ask in (lambda: model.predict(X, return_std=True), lambda: model.log_evidence, model.leave_one_out):
        with pytest.raises(ValueError, match="has no factor"):
            ask()


def test_what_is_too_large_for_a_number_is_refused():
    """alpha beyond 1e308; as the direct solution does."""
    X, y = noisy(20)
    M, _ = covariance(ArcCosine(1, 1), X, 1e-3)
    with pytest.raises(OverflowError, match="too large for float64"):
        Iterative().solve(M, 1e308 * np.sign(y))
    M, _ = covariance(ArcCosine(1, 1, variance=1e307), X, 1.0)
    with pytest.raises(OverflowError, match="too large for float64"):
        Iterative().solve(M, y)


def test_says_how_far_it_came_and_what_to_do_where_iterations_run_out():
    """The message has the residual that an independent product finds."""
    X, y = noisy()
    M, matrix = covariance(ArcCosine(0, 1), X, 0.01)
    with pytest.raises(NotConvergedError, match=r"ran out of iterations: after 3 iterations .* not 1e-08") as caught:
        Iterative(rank=5, limit=3).solve(M, y)
    for advice in ("raise sigma2, which is 0.01", "a rank above 5", "solver=direct"):
        assert advice in str(caught.value)
    assert isinstance(caught.value, ValueError)
    iterated = caught.value.iterated
    assert not iterated.converged
    assert iterated.residual == pytest.approx(relative_residual(matrix, iterated.alpha, y), rel=1e-6)
    assert f"is {iterated.residual:.1e}" in str(caught.value)


def test_stagnation_is_noticed_long_before_the_limit():
    """A residual that double precision cannot reach: the best that was reached is given.

    It is made of nothing but roundings, and those of another product are as large to a factor of some units.
    """
    X, y = noisy()
    M, matrix = covariance(ArcCosine(1, 1), X, 1e-6)
    with pytest.raises(NotConvergedError, match="stagnated") as caught:
        Iterative(tolerance=1e-15, limit=10**6).solve(M, y)
    iterated = caught.value.iterated
    assert iterated.iterations < 2000
    assert iterated.residual < 1e-7
    assert 0.2 < iterated.residual / relative_residual(matrix, iterated.alpha, y) < 5.0


def test_a_system_beyond_single_precision_is_solved_in_double():
    """Where what single precision gets wrong is more than sigma2, and M with it not even positive definite."""
    X, y = noisy(400)
    M, matrix = covariance(ArcCosine(2, 0), np.abs(X[:, :2]), 1e-6)
    require_solved(matrix, Iterative().solve(M, y).alpha, y)


def test_runs_on_what_is_nearly_the_matrix_solve_the_matrix():
    """Whatever E is: small, or so large that it is no use."""
    generator = np.random.default_rng(3)
    Q, _ = np.linalg.qr(generator.normal(size=(50, 50)))
    matrix, E = (Q * np.geomspace(1, 1e3, 50)) @ Q.T, generator.normal(size=(50, 50))
    y = generator.normal(size=50)
    wanted = np.linalg.solve(matrix, y)
    for size in (1e-3, 1e-1, 1e2):
        nearly = matrix + size * (E + E.T)
        found = conjugate_gradients(System(lambda v: matrix @ v, lambda v: v, lambda v, A=nearly: A @ v), y)
        assert found.converged
        assert found.residual == pytest.approx(relative_residual(matrix, found.alpha, y), rel=1e-4)
        assert found.alpha == pytest.approx(wanted, abs=1e-8 * np.linalg.norm(y))


def test_says_that_it_converged_where_it_did():
    """Whether the residual is what was wanted, and nothing else, whatever the limit."""
    generator = np.random.default_rng(8)
    Q, _ = np.linalg.qr(generator.normal(size=(60, 60)))
    matrix = (Q * np.geomspace(1, 100, 60)) @ Q.T
    y = generator.normal(size=60)
    system = System(lambda v: matrix @ v, lambda v: v)
    found = [conjugate_gradients(system, y, limit=limit) for limit in range(80)]
    assert [one.converged for one in found] == [relative_residual(matrix, one.alpha, y) <= 1e-8 for one in found]
    assert any(1e-8 < one.residual < 1e-6 for one in found)
    assert all(one.iterations <= limit for limit, one in enumerate(found))


def test_a_matrix_that_is_not_positive_definite_is_not_solved():
    """Where there is no way down, in the first step or in a later one."""
    for diagonal in ([1.0, -1.0], [1.0, 2.0, -4.0, 0.0]):
        matrix, y = np.diag(diagonal), np.ones(len(diagonal))
        found = conjugate_gradients(System(lambda v, A=matrix: A @ v, lambda v: v), y)
        assert not found.converged
        assert found.iterations <= 2 * len(y)
        assert np.isfinite(found.alpha).all()


def test_the_best_that_was_found_is_given():
    """Zeros where all that was tried is worse: here a thousand times too large."""
    found = conjugate_gradients(System(lambda v: v, lambda v: v, lambda v: 1e-3 * v), np.ones(3), limit=1)
    assert np.array_equal(found.alpha, np.zeros(3))
    assert found.residual == 1.0
    assert not found.converged


def test_as_many_iterations_as_there_are_different_eigenvalues():
    """Conjugate gradients end then in exact arithmetic [HS52]; with rounding, 1e-8 is reached then, and never before.

    What is left of the residual is p(M) y / |y|, where p is 1 at 0. A cubic p is 0.39 or more on one of the four eigenvalues.
    The quartic is 0 there; where rounding moves the largest by N eps 40, it is (40/1 - 1) (40/3 - 1) (40/10 - 1) N eps = 2e-11,
    and less on the others.
    """
    generator = np.random.default_rng(4)
    Q, _ = np.linalg.qr(generator.normal(size=(60, 60)))
    matrix = (Q * np.repeat([1.0, 3.0, 10.0, 40.0], 15)) @ Q.T
    system, y = System(lambda v: matrix @ v, lambda v: v), generator.normal(size=60)
    assert conjugate_gradients(system, y, 1e-8).iterations == 4
    assert conjugate_gradients(system, y, 1e-14, limit=4).residual <= 39 * 37 / 3 * 3 * 60 * 2.0**-52


@each_kernel
def test_the_preconditioner_is_below_the_matrix_by_what_it_says(kernel):
    """P^-1 by its definition; F F^T <= K; the eigenvalues of P^-1 M are from 1 to 1 + tr(K - F F^T) / sigma2."""
    X, y = noisy()
    M, matrix = covariance(kernel, X)
    P = Preconditioner.of(M, 60)
    assert 1 <= P.rank <= 60
    dense = P.F @ P.F.T + 0.1 * np.eye(300)
    assert P.noise == 0.1
    assert P(y) == pytest.approx(np.linalg.solve(dense, y), rel=1e-9, abs=1e-9 * np.linalg.norm(y) / 0.1)
    residual = matrix - dense
    scale = np.trace(matrix)
    assert np.linalg.eigvalsh(residual).min() >= -1e-13 * scale
    half = np.linalg.cholesky(dense)
    eigenvalues = np.linalg.eigvalsh(np.linalg.solve(half, np.linalg.solve(half, matrix).T))
    assert eigenvalues.min() >= 1 - 1e-9
    assert eigenvalues.max() <= 1 + np.trace(residual) / 0.1 + 1e-9


@each_kernel
def test_the_preconditioner_is_near_the_best_of_its_rank(kernel):
    """What is left of the trace is at most twice what the best matrix of half the rank leaves: far within [CETW23]."""
    X, _ = noisy()
    M, matrix = covariance(kernel, X, 1e-9)
    P = Preconditioner.of(M, 80)
    eigenvalues = np.linalg.eigvalsh(matrix - 1e-9 * np.eye(300))[::-1]
    left = np.trace(matrix) - 300e-9 - np.sum(P.F**2)
    assert left <= 2 * eigenvalues[40:].clip(0).sum() + 1e-9


def test_rows_that_stand_alone_are_chosen_though_they_are_few():
    """Of 500 rows that are nearly one and 20 others, a rank of 30 takes in all the others."""
    generator = np.random.default_rng(9)
    X = generator.normal(size=(520, 4))
    X[:500] = X[0] + 1e-4 * X[:500]
    kernel = ArcCosine(0, 0)
    F = Preconditioner.of(covariance(kernel, X, 1e-9)[0], 30).F
    assert (1 - np.sum(F**2, axis=1))[500:].max() < 1e-12


def test_the_preconditioner_is_decided_by_its_seed():
    """The same to the bit, and another for another seed."""
    M, _ = covariance(ArcCosine(0, 1), noisy()[0])
    first, again, other = (Preconditioner.of(M, 50, seed).F for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_rank_is_no_more_than_is_of_use():
    """No more than rows, than memory allows, and than it takes to be near K: here four directions."""
    assert default_rank(2) == 2
    assert 500 <= default_rank(20_000) <= 2000
    assert default_rank(20_000, room=8 * 20_000 * 100) == 100
    assert default_rank(0) == 0
    X, _ = noisy()
    assert Preconditioner.of(covariance(ArcCosine(1, 1), X[np.arange(300) % 4])[0], 50).rank <= 4


@each_kernel
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 3, 7])
def test_strips_add_up_to_the_product(kernel, dtype, count):
    """With the matrix of the kernel's definition, to the precision of the entries."""
    X, y = noisy()
    rows = kernel.inputs(X)
    parts = [strip_product(kernel, rows, y, strip, dtype) for strip in strips(300, count)]
    eps = np.finfo(dtype).eps
    K = kernel.gram(X)
    allowed = 100 * eps * (np.abs(K) @ np.abs(y))
    assert (np.abs(sum(parts) - K @ y) <= allowed).all()
    assert (np.abs(sum(parts) - matrix(kernel, rows, rows) @ y) <= allowed).all()


@pytest.mark.parametrize("kernel", [ArcCosine(1, 1), ArcCosine(0, 1, "homogeneous", degree=1.0)], ids=str)
def test_single_precision_multiplies_one_symmetric_matrix_in_double(kernel):
    """u.K v = v.K u, K (u + v) = K u + K v, to the rounding of double precision: conjugate gradients live on it."""
    X, u = noisy()
    _, v = noisy(seed=7)
    rows = kernel.inputs(1e60 * X)  # lengths that single precision cannot hold

    def K(w):
        return strip_product(kernel, rows, w, slice(0, 300), np.float32)

    size = np.linalg.norm(u) * np.linalg.norm(K(v))
    assert not np.allclose(K(v), matrix(kernel, rows, rows) @ v, rtol=1e-10)
    assert u @ K(v) == pytest.approx(v @ K(u), abs=1e-13 * size)
    assert K(u + v) == pytest.approx(K(u) + K(v), abs=1e-13 * size)


@given(N=st.integers(1, 5000), count=st.integers(1, 40))
def test_strips_are_all_rows_in_equal_parts(N, count):
    """One after the other; of as many entries each, but for a row."""
    cut = strips(N, count)
    assert [row for strip in cut for row in range(N)[strip]] == list(range(N))
    for strip in cut:
        entries = sum(N - row for row in range(N)[strip])
        assert abs(entries - N * (N + 1) / 2 / count) <= 1.5 * N


def test_products_may_be_someone_elses():
    """Each is asked for with a precision; most in single precision."""
    X, y = noisy()
    kernel = ArcCosine(1, 1)
    M, matrix = covariance(kernel, X)
    asked = []

    def multiply(v, dtype):
        asked.append(dtype)
        return M.sigma2 * v + sum(M.strip_product(v, strip, dtype) for strip in strips(300, 3))

    require_solved(matrix, Iterative(rank=20, products=lambda _: multiply).solve(M, y).alpha, y)
    assert asked.count(np.float32) > asked.count(np.float64) > 0


def test_memory_is_that_of_the_factor_and_some_vectors():
    """Bounded by it on both sides, and far less than half a matrix where rows are many."""
    M, _ = covariance(ArcCosine(1, 1), noisy()[0])
    factor = Preconditioner.of(M, 40).F
    assert factor.nbytes <= 300 * 40 * 8
    assert cost.iterative_bytes(300, 4, 40) > 300 * 40 * 8
    assert cost.iterative_bytes(200_000, 10) < 0.1 * (8 * 200_000**2 / 2)
    assert cost.iterative_bytes(200_000, 10) > 8 * 200_000 * default_rank(200_000)
    assert math.isclose(
        cost.iterative_bytes(10**6, 10, 100), 2 * cost.iterative_bytes(5 * 10**5, 10, 100), rel_tol=0.01
    )


def test_products_are_what_counts_for_many_rows_and_the_rank_for_a_large_one():
    """N^2 entries a product, of columns if they are many; N rank^2 operations three times for the preconditioner."""
    N = 10**8
    assert cost.iterative(2 * N, 10) == pytest.approx(4 * cost.iterative(N, 10), rel=0.02)
    assert cost.iterative(N, 2 * 10**6) == pytest.approx(2 * cost.iterative(N, 10**6), rel=0.01)
    assert cost.iterative(N, 10, iterations=2000) == pytest.approx(2 * cost.iterative(N, 10, iterations=1000), rel=0.02)
    assert cost.iterative(N, 10, 10**7) == pytest.approx(3 * N * 1e14, rel=0.1)
