"""The joint posterior of many rows against the dense formula, and draws from it against their own distribution."""

import numpy as np
import pytest

from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.gp.kernels.formulas import composed_kernel
from gaussian_processes.gp.kernels.inputs import LengthError
from gaussian_processes.gp.linalg.cholesky import BlockSizes
from gaussian_processes.gp.regression import draw
from gaussian_processes.gp.solvers.base import Solution
from gaussian_processes.gp.solvers.direct import Direct
from gaussian_processes.gp.solvers.refinement import Mixed

KERNELS = [
    ArcCosine(0, 2),
    ArcCosine(1, 1),
    ArcCosine(2, 3, bias=1.0, variance=2.5),
    ArcCosine(1, 0, "homogeneous", bias=0.5),
    ArcCosine(8, 2, bias=1.0),
]
each_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=str)
SIGMA2 = 0.1


def dense(kernel, X, Z):
    """Covariances (N, M) from the kernel's definition, with 1 - t and 1 + t from differences and sums of unit rows."""
    X, Z = (np.column_stack([rows, np.full(len(rows), kernel.bias)]) for rows in (X, Z))
    lengths = np.linalg.norm(X, axis=1), np.linalg.norm(Z, axis=1)
    A, B = X / lengths[0][:, None], Z / lengths[1][:, None]
    u, w = (((A[:, None] + sign * B) ** 2).sum(axis=2) / 2 for sign in (-1, 1))
    return kernel.variance * np.outer(*lengths) ** kernel.power * composed_kernel(kernel.q, kernel.l, A @ B.T, u, w)


def posterior(kernel, X, y, X_star):
    """Mean and covariances by the formula, with nothing but NumPy's general solver."""
    M = dense(kernel, X, X) + SIGMA2 * np.eye(len(y))
    K_star = dense(kernel, X_star, X)
    return K_star @ np.linalg.solve(M, y), dense(kernel, X_star, X_star) - K_star @ np.linalg.solve(M, K_star.T)


def trained(example, kernel, solver=Direct()):
    return TrainedGPModel(*example[:2], kernel, SIGMA2, solver)


@each_kernel
@pytest.mark.parametrize(("solver", "tolerance"), [(Direct(), 1e-10), (Mixed(), 1e-5)])
def test_joint_predictions_are_those_of_the_dense_formula(example, kernel, solver, tolerance):
    """K** - K* M^-1 K*^T; from a factor in single precision to that precision's share of the prior variance."""
    X, y, X_star, _ = example
    mean, covariance = trained(example, kernel, solver).predict_joint(X_star)
    wanted_mean, wanted = posterior(kernel, X, y, X_star)
    assert mean == pytest.approx(wanted_mean, abs=1e-8)
    assert covariance == pytest.approx(wanted, abs=tolerance * dense(kernel, X_star, X_star).max())


@each_kernel
@pytest.mark.parametrize(("solver", "share"), [(Direct(), 1e-13), (Mixed(), 1e-6)])
def test_covariances_are_symmetric_to_the_bit_with_the_variances_on_the_diagonal(example, kernel, solver, share):
    """And the means are those of separate predictions, to the bit."""
    model = trained(example, kernel, solver)
    for X_star in (example[2], example[2][:1]):
        mean, covariance = model.predict_joint(X_star)
        wanted, std = model.predict(X_star, return_std=True)
        assert np.array_equal(covariance, covariance.T)
        assert np.array_equal(mean, wanted)
        tolerance = share * kernel.diagonal(X_star).max()
        assert np.diagonal(covariance) == pytest.approx(std**2, abs=tolerance)


@pytest.mark.parametrize(("solver", "tolerance"), [(Direct, 1e-13), (Mixed, 1e-6)])
def test_covariances_do_not_depend_on_the_blocks(example, solver, tolerance):
    """Three rows at a time are what they are all at once."""
    whole, small = solver(), solver(BlockSizes(entries=300))
    mean, covariance = trained(example, KERNELS[2], whole).predict_joint(example[2])
    in_blocks = trained(example, KERNELS[2], small).predict_joint(example[2])
    assert np.array_equal(in_blocks[0], mean)
    assert in_blocks[1] == pytest.approx(covariance, abs=tolerance)


@pytest.mark.parametrize("kernel", [ArcCosine(0, 3), ArcCosine(1, 1), ArcCosine(1, 3, "homogeneous")], ids=str)
def test_repeated_rows_are_one_variable(example, kernel):
    """Their covariance is their variance, whether they are training rows or not; on the sphere their multiples too."""
    X, _, X_star, _ = example
    twice = np.vstack([X[:3], X_star[:3], X[:3], X_star[:3]])
    if kernel.power == 0.0:
        twice[6:] *= 3.0
    _, covariance = trained(example, kernel).predict_joint(twice)
    scale = kernel.diagonal(twice).max()
    for block in (covariance[:6, 6:], covariance[6:, 6:]):
        assert block == pytest.approx(covariance[:6, :6], abs=1e-13 * scale)


def test_no_rows_have_no_covariances(example):
    """An empty request is an empty answer."""
    mean, covariance = trained(example, KERNELS[1]).predict_joint(np.empty((0, 2)))
    assert (mean.shape, covariance.shape) == ((0,), (0, 0))


def test_refuses_what_separate_predictions_refuse(example):
    """Rows of another width, rows that are no numbers, rows without a direction, and a model without its factor."""
    X, y, X_star, _ = example
    model = trained(example, KERNELS[1])
    for rows, error in ((np.ones((1, 3)), ValueError), ([[np.nan, 1.0]], ValueError), (np.zeros((1, 2)), LengthError)):
        with pytest.raises(error):
            model.predict_joint(rows)
    light = TrainedGPModel(X, y, KERNELS[1], SIGMA2, solution=Solution(model.solution.alpha))
    with pytest.raises(ValueError, match="has no factor"):
        light.predict_joint(X_star)


def test_draws_have_the_moments_of_what_they_are_drawn_from(example):
    """Means and covariances of 20,000 draws are within five standard errors of the posterior's."""
    mean, covariance = trained(example, KERNELS[1]).predict_joint(example[2][:12])
    count = 20_000
    draws = draw(mean, covariance, count, np.random.default_rng(8))
    assert draws.shape == (12, count)
    variance = np.diagonal(covariance)
    assert np.all(np.abs(draws.mean(axis=1) - mean) <= 5 * np.sqrt(variance / count))
    # A sample covariance of normal variables has the variance (C_ii C_jj + C_ij^2) / n.
    error = np.sqrt((np.outer(variance, variance) + covariance**2) / count)
    assert np.all(np.abs(np.cov(draws) - covariance) <= 5 * error)


@pytest.mark.parametrize("noise", [0.0, 1e-12])
def test_draws_of_a_singular_covariance_stay_where_it_lets_them(noise):
    """In a space of three dimensions out of forty, but for the square root of what rounding adds to it."""
    generator = np.random.default_rng(2)
    A, E = generator.normal(size=(40, 3)), noise * generator.normal(size=(40, 40))
    draws = draw(np.zeros(40), A @ A.T + E + E.T, 200, generator)
    outside = draws - A @ np.linalg.lstsq(A, draws)[0]
    assert np.abs(outside).max() < max(10 * np.sqrt(noise), 1e-6)
    assert np.linalg.matrix_rank(draws, tol=1e-3) == 3
