"""A Gaussian process with another kernel: the RBF kernel trains, predicts, is solved for and learned by the same code.

Expected values come from the formulas of [RW06] in plain NumPy, and from SciPy's normal distribution.
"""

from dataclasses import replace

import numpy as np
import pytest
from rbf import RBF
from scipy.stats import multivariate_normal
from threadpoolctl import threadpool_limits

from gaussian_processes.gp import TrainedGPModel
from gaussian_processes.gp.kernels.matrices import gram, packed_gram
from gaussian_processes.gp.kernels.matvec import product, strip_product, strips
from gaussian_processes.gp.selection.optimise import Learner, evaluate
from gaussian_processes.gp.selection.parameters import Parameters, learnable
from gaussian_processes.gp.solvers.covariance import Covariance
from gaussian_processes.gp.solvers.direct import Direct
from gaussian_processes.gp.solvers.iterative import Iterative
from gaussian_processes.gp.solvers.refinement import Mixed

pytestmark = pytest.mark.usefixtures("one_thread")

KERNEL, SIGMA2, THETA = RBF(1.7, (0.8, 2.5)), 0.2, (0.2, 1.7, 0.8, 2.5)
FREE = ("sigma2", "variance", "lengthscales")
CRITERIA = ("evidence", "loo")
each_criterion = pytest.mark.parametrize("criterion", CRITERIA)


def data(N=301, d=2):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(N, d))
    return X, np.sin(2 * X[:, 0]) + 0.4 * generator.normal(size=N)


X_STAR = np.random.default_rng(1).normal(size=(40, 2))


def covariances(X, Z, variance=1.7, lengthscales=(0.8, 2.5)):
    """v exp(-sum_k (x_k - z_k)^2 / (2 s_k^2)), a feature at a time."""
    exponent = np.zeros((len(X), len(Z)))
    for k, s in enumerate(lengthscales):
        exponent += np.subtract.outer(X[:, k], Z[:, k]) ** 2 / (2 * s**2)
    return variance * np.exp(-exponent)


def density(criterion, X, y, theta):
    """log p(y | X), or the sum of log p(y_i | the others), by SciPy's normal distribution."""
    sigma2, variance, *lengthscales = theta
    M = covariances(X, X, variance, lengthscales) + sigma2 * np.eye(len(X))
    if criterion == "evidence":
        return multivariate_normal.logpdf(y, cov=M)
    total = 0.0
    for i in range(len(y)):
        rest = np.delete(np.arange(len(y)), i)
        weights = np.linalg.solve(M[np.ix_(rest, rest)], M[rest, i])
        total += multivariate_normal.logpdf(y[i], weights @ y[rest], M[i, i] - weights @ M[rest, i])
    return total


@pytest.mark.parametrize(("solver", "tolerance"), [(Direct(), 1e-9), (Mixed(), 1e-4)], ids=["direct", "mixed"])
def test_predicts_by_the_formulas(solver, tolerance):
    """Mean, standard deviation and covariances, [RW06] eqs. 2.23 and 2.24; from a factor in either precision."""
    X, y = data()
    model = TrainedGPModel(X, y, KERNEL, SIGMA2, solver)
    M, K_star = covariances(X, X) + SIGMA2 * np.eye(len(X)), covariances(X_STAR, X)
    mean = K_star @ np.linalg.solve(M, y)
    covariance = covariances(X_STAR, X_STAR) - K_star @ np.linalg.solve(M, K_star.T)
    assert model.predict(X_STAR) == pytest.approx(mean, abs=1e-9)
    found, std = model.predict(X_STAR, return_std=True)
    assert found == pytest.approx(mean, abs=1e-9)
    assert std**2 == pytest.approx(np.diag(covariance), abs=tolerance)
    found, joint = model.predict_joint(X_STAR)
    assert found == pytest.approx(mean, abs=1e-9)
    assert joint == pytest.approx(covariance, abs=tolerance)


def test_evidence_and_leave_one_out_are_those_of_normal_distributions():
    """Of the targets together, and of each given the others."""
    X, y = data(60)
    model = TrainedGPModel(X, y, KERNEL, SIGMA2)
    assert model.log_evidence == pytest.approx(density("evidence", X, y, THETA), rel=1e-10)
    left_out = model.leave_one_out().log_density.sum()
    assert left_out == pytest.approx(density("loo", X, y, THETA), rel=1e-10)


def test_conjugate_gradients_solve_for_it():
    """With the preconditioner, from products in both precisions."""
    X, y = data()
    solution = Iterative().solve(Covariance(KERNEL, KERNEL.inputs(X), SIGMA2), y)
    M = covariances(X, X) + SIGMA2 * np.eye(len(X))
    assert np.linalg.norm(M @ solution.alpha - y) < 2e-8 * np.linalg.norm(y)


@pytest.mark.parametrize("N", [1, 2, 33, 300])
@pytest.mark.parametrize("threads", [1, 2])
def test_matrices_and_products_are_the_definitions(N, threads):
    """Whole, packed, and in strips that are never stored."""
    X, y = data(N)
    K, inputs = covariances(X, X), KERNEL.inputs(X)
    with threadpool_limits(threads):
        assert gram(KERNEL, inputs) == pytest.approx(K, rel=1e-12)
        assert packed_gram(KERNEL, inputs).lower() == pytest.approx(np.tril(K), rel=1e-12)
        assert packed_gram(KERNEL, inputs, np.float32).lower() == pytest.approx(np.tril(K), abs=1e-5)
        assert product(KERNEL, KERNEL.inputs(X_STAR), inputs, y) == pytest.approx(covariances(X_STAR, X) @ y, abs=1e-10)
        parts = [strip_product(KERNEL, inputs, y, strip) for strip in strips(N, min(N, 3))]
    assert sum(parts) == pytest.approx(K @ y, abs=1e-10)


@each_criterion
def test_derivatives_are_differences_of_the_densities(criterion):
    """In the noise and in all that the kernel declares."""
    X, y = data(40)
    parameters = Parameters.of(KERNEL, SIGMA2, FREE, 2)
    value, found = evaluate(criterion, X, y, parameters)

    def at(logarithms):
        return density(criterion, X, y, np.exp(logarithms))

    start = np.log(THETA)
    assert value == pytest.approx(at(start), rel=1e-10)
    wanted = [(at(start + step) - at(start - step)) / 2e-5 for step in 1e-5 * np.eye(4)]
    assert found == pytest.approx(np.array(wanted), abs=1e-5)


@each_criterion
def test_noise_variance_and_lengthscales_are_learned(criterion):
    """From targets drawn from the process: near what they were drawn with, and no point near it is better."""
    generator = np.random.default_rng(3)
    X = generator.uniform(-2, 2, size=(200, 2))
    true = replace(KERNEL, variance=2.0, lengthscales=(0.5, 4.0))
    y = np.linalg.cholesky(covariances(X, X, 2.0, (0.5, 4.0)) + 0.04 * np.eye(200)) @ generator.normal(size=200)
    start = Parameters.of(RBF(), 1.0, FREE, 2)
    assert start.kernel.lengthscales == (1.0, 1.0)
    learned = Learner(criterion).learn(X, y, start)
    found = learned.parameters
    assert isinstance(found.kernel, RBF)
    assert found.sigma2 == pytest.approx(0.04, rel=0.3)
    assert np.log(found.kernel.lengthscales) == pytest.approx(np.log(true.lengthscales), abs=0.4)
    assert learned.at_bounds == ()
    _, slopes = evaluate(criterion, X, y, found)
    assert np.abs(slopes).max() < 0.02


def test_what_can_be_learned_is_what_the_kernel_declares():
    """And the noise: no other name, and the kernel's own bounds."""
    assert tuple(learnable(RBF)) == FREE
    with pytest.raises(ValueError, match="a free name is 'bias'; one of 'sigma2', 'variance', 'lengthscales'"):
        Parameters.of(KERNEL, SIGMA2, ("bias",), 2)
    bounds = Parameters.of(KERNEL, SIGMA2, FREE, 2).bounds({"variance": (0.5, 2.0)})
    assert np.exp(bounds) == pytest.approx(np.array([[1e-6, 1e4], [0.5, 2.0], [1e-3, 1e3], [1e-3, 1e3]]))
