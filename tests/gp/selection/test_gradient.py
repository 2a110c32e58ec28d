"""Derivatives of both criteria: against the definitions at 50 digits, and against differences of the model's own values."""

from dataclasses import replace

import definition
import mpmath
import numpy as np
import pytest
from mpmath import mpf
from threadpoolctl import threadpool_limits

from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.gp.kernels.polynomials import derivative_polynomials
from gaussian_processes.gp.selection.optimise import evaluate
from gaussian_processes.gp.selection.parameters import Parameters

pytestmark = pytest.mark.usefixtures("one_thread")

VALUES = {"evidence": definition.log_evidence, "loo": definition.leave_one_out}
# Of differences of trained models, by five points.
STEP = 1e-3
each_criterion = pytest.mark.parametrize("criterion", VALUES)


def data(N, d=2, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(N, d))
    return X, np.sin(3 * X[:, 0]) + 0.3 * generator.normal(size=N)


def everything(kernel, sigma2=0.2):
    """All that the kernel has is free; its bias only where it has one."""
    wanted = {
        "sigma2": True,
        "variance": True,
        "bias": kernel.bias > 0,
        "degree": kernel.power > 0,
        "lengthscales": True,
    }
    return Parameters.of(kernel, sigma2, tuple(name for name, free in wanted.items() if free), len(kernel.lengthscales))


def by_definition(X, y, parameters):
    """Both criteria and their derivatives in the free logarithms, by central differences with steps of 1e-15."""
    kernel, step = parameters.kernel, mpf(10) ** -15
    start = [mpmath.log(mpf(value)) for value in values(parameters)]

    def matrix(logarithms):
        left = iter([mpmath.exp(number) for number in logarithms])
        sigma2, variance = next(left), next(left)
        bias = next(left) if "bias" in parameters.free else mpf(kernel.bias)
        power = next(left) if "degree" in parameters.free else mpf(kernel.power)
        lengthscales = list(left)
        rows = [[mpf(x) / s for x, s in zip(row, lengthscales, strict=True)] + [bias] for row in X.tolist()]
        K = definition.covariance(kernel.q, kernel.l, rows, power, variance)
        return K + sigma2 * mpmath.eye(len(rows))

    targets = [mpf(value) for value in y.tolist()]
    found = {criterion: [value(matrix(start), targets)] for criterion, value in VALUES.items()}
    for i in range(len(start)):
        after, before = (matrix([*start[:i], start[i] + sign * step, *start[i + 1 :]]) for sign in (1, -1))
        for criterion, value in VALUES.items():
            found[criterion].append((value(after, targets) - value(before, targets)) / (2 * step))
    return {criterion: np.array([float(number) for number in numbers]) for criterion, numbers in found.items()}


def values(parameters):
    """The free ones, as they are."""
    kernel = parameters.kernel
    fields = {"bias": kernel.bias, "degree": kernel.power}
    numbers = [parameters.sigma2, kernel.variance]
    numbers += [fields[name] for name in ("bias", "degree") if name in parameters.free]
    return [*numbers, *kernel.lengthscales]


def check(X, y, kernel, rel=1e-9):
    parameters = everything(kernel)
    with mpmath.workdps(50):
        wanted = by_definition(X, y, parameters)
    for criterion in VALUES:
        value, found = evaluate(criterion, X, y, parameters)
        assert value == pytest.approx(wanted[criterion][0], rel=rel / 10)
        assert found == pytest.approx(wanted[criterion][1:], rel=rel, abs=rel * np.abs(wanted[criterion]).max())


SHAPES = [("sphere", 0.0, None), ("sphere", 0.6, None), ("homogeneous", 0.0, 0.7), ("homogeneous", 0.6, None)]


@pytest.mark.parametrize("l", [0, 1, 2, 3])
@pytest.mark.parametrize("q", [0, 1, 2, 3, 4, 8])
def test_is_the_definitions(q, l):
    """In every hyperparameter, with a row that is repeated and one that is opposite to another; 8 rows, and 9."""
    X, y = data(8 + q % 2, seed=q)
    X[5], X[6] = X[1], -X[2]
    geometry, bias, degree = SHAPES[(q + l) % len(SHAPES)]
    check(X, y, ArcCosine(q, l, geometry, bias, degree, 1.7, (0.8, 2.5)))


@pytest.mark.parametrize("l", [0, 2])
@pytest.mark.parametrize("q", [0, 1])
def test_what_is_equal_or_opposite_to_rounding_moves_together(q, l):
    """Multiples of a row, by rounding not quite in line with it, where the slope of order 0 is beyond all bounds."""
    X, y = data(9, 3)
    X[3], X[4], X[5], X[6] = 3.0 * X[0], 0.1 * X[1], -3.0 * X[0], -0.7 * X[2]
    check(X, y, ArcCosine(q, l, variance=1.7, lengthscales=(0.8, 2.5, 1.1)))


@pytest.mark.parametrize("distance", [1e-12, 1e-9, 1e-6, 1e-3])
@pytest.mark.parametrize(("q", "l"), [(0, 0), (0, 1), (0, 3), (1, 1)])
def test_rows_that_are_near_do_not_drown_the_rest(q, l, distance):
    """Order 0 is steep between them, the steeper the deeper it is; but their cosine hardly changes.

    Rows 1e-12 apart are so to three digits.
    """
    X, y = data(8, 3)
    X[4:7] = np.array([1.0, -1.0, 1.0])[:, None] * X[:3] + distance * np.random.default_rng(1).normal(size=(3, 3))
    kernel = ArcCosine(q, l, variance=1.7, lengthscales=(0.8, 2.5, 1.1))
    check(X, y, kernel, rel=max(1e-9, 1e-15 / distance))


@pytest.mark.parametrize("N", [1, 2, 3])
@pytest.mark.parametrize("q", [0, 2])
def test_a_few_rows_have_derivatives_too(q, N):
    """None left when one is left out, one, two."""
    check(*data(N, 3), ArcCosine(q, 1, "homogeneous", 0.5, 0.7, 1.7, (0.8, 2.5, 1.1)))


@pytest.mark.parametrize("q", [0, 1, 3])
def test_a_row_of_length_zero_has_no_covariance_to_change(q):
    """In the homogeneous geometry without a bias."""
    X, y = data(7)
    X[3] = 0.0
    check(X, y, ArcCosine(q, 1, "homogeneous", degree=1.3, variance=1.7, lengthscales=(0.8, 2.5)))


@pytest.mark.slow
@pytest.mark.parametrize(("q", "l"), [(8, 3), (60, 1), (100, 6)])
def test_orders_without_polynomials_go_by_the_definition(q, l):
    """Where none of moderate degree is near the slope, and where none is near the kernel either."""
    assert derivative_polynomials(q, l) is None
    X, y = data(7, seed=q)
    X[5], X[6] = X[1], -X[2]
    check(X, y, ArcCosine(q, l, "homogeneous", 0.3, 0.5, 1.7, (0.8, 2.5)))


@pytest.mark.parametrize("lengthscale", [1e-4, 1e6])
def test_lengthscales_at_their_bounds(lengthscale):
    """One feature that is all there is, and one that is nothing."""
    X, y = data(7)
    check(X, y, ArcCosine(1, 1, bias=0.5, variance=1.7, lengthscales=(lengthscale, 2.5)))
    check(X, y, ArcCosine(1, 1, "homogeneous", 0.5, 0.3, 1.7, (lengthscale, 2.5)))


def difference(criterion, X, y, parameters, direction):
    """Of what a trained model says, along a direction of the free logarithms, by five points."""

    def value(k):
        at = parameters.at(parameters.logarithms + k * STEP * direction)
        model = TrainedGPModel(X, y, at.kernel, at.sigma2)
        return model.log_evidence if criterion == "evidence" else float(model.leave_one_out().log_density.sum())

    return (value(-2) - 8 * value(-1) + 8 * value(1) - value(2)) / (12 * STEP)


@each_criterion
@pytest.mark.parametrize("N", [257, 300])
@pytest.mark.parametrize(
    "kernel",
    [
        ArcCosine(0, 0, bias=0.7, variance=1.3, lengthscales=(1.0, 2.0, 0.5)),
        ArcCosine(0, 2, "homogeneous", 0.7, 0.8, 1.3, (1.0, 2.0, 0.5)),
        ArcCosine(1, 1, "homogeneous", 0.7, None, 1.3, (1.0, 2.0, 0.5)),
        ArcCosine(3, 2, bias=0.7, variance=1.3, lengthscales=(1.0, 2.0, 0.5)),
        ArcCosine(8, 1, variance=1.3, lengthscales=(1.0, 2.0, 0.5)),
        ArcCosine(1, 3, bias=0.7, variance=1.3, lengthscales=(0.5,)),
    ],
    ids=str,
)
def test_is_the_difference_of_trained_models(criterion, N, kernel):
    """Values and derivatives, at a size that fills more than a panel; one feature too."""
    X, y = data(N, len(kernel.lengthscales))
    parameters = everything(kernel)
    trained = TrainedGPModel(X, y, kernel, parameters.sigma2)
    value, found = evaluate(criterion, X, y, parameters)
    wanted = trained.log_evidence if criterion == "evidence" else trained.leave_one_out().log_density.sum()
    assert value == pytest.approx(wanted, rel=1e-11)
    wanted = np.array([difference(criterion, X, y, parameters, unit) for unit in np.eye(len(found))])
    assert found == pytest.approx(wanted, rel=1e-6, abs=1e-6 * np.abs(wanted).max())


def test_by_one_thread_or_two_and_beyond_a_strip():
    """Rows are cut into other panels by two threads than by one; along one direction, against trained models."""
    X, y = data(530, 5)
    parameters = everything(ArcCosine(2, 1, bias=0.7, lengthscales=(1.0, 2.0, 0.5, 1.0, 3.0)))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(evaluate("evidence", X, y, parameters)[1])
    assert found[0] == pytest.approx(found[1], rel=1e-9)
    direction = np.random.default_rng(2).normal(size=len(found[0]))
    along = difference("evidence", X, y, parameters, direction)
    assert found[0] @ direction == pytest.approx(along, abs=1e-6 * np.abs(found[0]).max())


@each_criterion
def test_a_feature_that_is_always_zero_or_not_there_counts_nothing(criterion):
    """Its lengthscale changes nothing; a constant one's does, as the bias' does."""
    X, y = data(60, 3)
    X[:, 1] = 0.0
    X[:, 2] = 5.0
    parameters = everything(ArcCosine(1, 1, bias=5.0, lengthscales=(1.0, 2.0, 1.0)))
    _, found = evaluate(criterion, X, y, parameters)
    assert found[parameters.free.index("lengthscales") + 1] == 0.0
    assert found[parameters.free.index("bias")] == pytest.approx(-found[-1], rel=1e-9)


@each_criterion
@pytest.mark.parametrize("kernel", [ArcCosine(0, 1), ArcCosine(1, 2), ArcCosine(3, 0)], ids=str)
def test_on_the_sphere_only_the_lengths_ratio_matters(criterion, kernel):
    """All lengthscales longer and the bias smaller by one factor is no change: the derivatives along it sum to 0."""
    X, y = data(80, 3)
    without = everything(replace(kernel, lengthscales=(1.0, 2.0, 0.5)))
    _, found = evaluate(criterion, X, y, without)
    assert found[2:].sum() == pytest.approx(0.0, abs=1e-9 * np.abs(found).max())
    _, found = evaluate(criterion, X, y, everything(replace(kernel, bias=0.7, lengthscales=(1.0, 2.0, 0.5))))
    assert found[3:].sum() == pytest.approx(found[2], abs=1e-9 * np.abs(found).max())


@each_criterion
def test_what_moves_no_row_needs_no_pass_over_the_matrix(criterion):
    """sigma2, variance and degree alone have the derivatives that they have among all."""
    X, y = data(60, 3)
    kernel = ArcCosine(1, 1, "homogeneous", 0.5, 0.8, lengthscales=(1.0, 2.0, 0.5))
    every, few = everything(kernel), Parameters.of(kernel, 0.2, ("sigma2", "variance", "degree"), 3)
    value, found = evaluate(criterion, X, y, few)
    whole, all_of_them = evaluate(criterion, X, y, every)
    assert value == whole
    assert np.array_equal(found, [all_of_them[every.free.index(name)] for name in few.free])
