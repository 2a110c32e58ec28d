"""Kernel comparison, against a dense grid of noises from NumPy's eigendecomposition and against the trained model."""

import math
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from gaussian_processes.gp import ArcCosine, TrainedGPModel, cost
from gaussian_processes.gp.kernels.inputs import LengthError
from gaussian_processes.gp.kernels.matrices import packed_gram
from gaussian_processes.gp.linalg.cholesky import NotPositiveDefiniteError
from gaussian_processes.gp.linalg.packed import Packed
from gaussian_processes.gp.selection.comparison import BOUNDS, compare
from gaussian_processes.gp.selection.line_search import Point, line_search
from gaussian_processes.gp.selection.profile import Profile

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

KERNELS = [
    *(ArcCosine(q, l, bias=1.0) for q in range(4) for l in (0, 1, 3)),
    ArcCosine(1, 0, "homogeneous", bias=1.0),
    ArcCosine(2, 1, "homogeneous", bias=1.0, degree=0.5),
    ArcCosine(4, 0, "homogeneous", bias=1.0),
    ArcCosine(45, 0, bias=1.0),
]
NOISES = np.geomspace(1e-9, 1e2, 2000)
# By the noise in the targets.
DATA = {"little noise": 0.03, "some noise": 0.3, "much noise": 3.0}


def data(noise, N=150):
    generator = np.random.default_rng(7)
    X = generator.normal(size=(N, 4))
    return X, np.sin(2 * X[:, 0]) + 0.5 * X[:, 1] + noise * generator.normal(size=N)


def on_grid(X, y, kernel, criterion, bounds=BOUNDS):
    """The criterion at each of NOISES with its best variance, in closed form by eigenvectors."""
    N, K = len(X), replace(kernel, variance=1.0).gram(X)
    d, Q = np.linalg.eigh(K)
    noises = NOISES * np.trace(K) / N
    weights = 1.0 / (np.maximum(d, 0.0) + noises[:, None])  # (noises, N)
    z = Q.T @ y
    kappa, alpha = weights @ (Q**2).T, (weights * z) @ Q.T
    squares, diagonal = (z**2 * weights, weights) if criterion == "evidence" else (alpha**2 / kappa, kappa)
    best = squares.mean(axis=1)
    low, high = (
        pick(np.full_like(noises, of_variance), of_sigma2 / noises)
        for pick, of_variance, of_sigma2 in zip(
            (np.maximum, np.minimum), bounds["variance"], bounds["sigma2"], strict=True
        )
    )
    variance = np.clip(best, low, high)
    values = -0.5 * (N * (np.log(2 * np.pi * variance) + best / variance) - np.log(diagonal).sum(axis=1))
    return np.where(low <= high, values, -np.inf)


@pytest.mark.parametrize("noise", DATA.values(), ids=DATA)
@pytest.mark.parametrize("criterion", ["evidence", "loo"])
def test_nothing_on_a_dense_grid_is_better(noise, criterion):
    """By more than 0.03 nats, or 0.08 if the grid is flat up to a bound: such models are equally good."""
    X, y = data(noise)
    results = list(compare(X, y, KERNELS, criterion))
    for kernel, found in zip(KERNELS, results, strict=True):
        grid = on_grid(X, y, kernel, criterion)
        assert grid.max() - found.value < (0.08 if noise == DATA["much noise"] else 0.03), kernel
        # The grid has the same value at this noise.
        assert np.interp(math.log(found.noise), np.log(NOISES), grid) == pytest.approx(found.value, abs=2e-3)
    assert np.mean([found.factorisations for found in results]) < 5


@pytest.mark.parametrize(
    "bounds",
    [
        {"sigma2": (0.2, 1e4)},
        {"sigma2": (1e-6, 0.01)},
        {"variance": (1e-8, 0.3)},
        {"variance": (5.0, 1e8)},
        {"sigma2": (0.01, 0.02), "variance": (0.1, 0.3)},
    ],
    ids=str,
)
@pytest.mark.parametrize("criterion", ["evidence", "loo"])
def test_the_best_is_the_best_within_the_bounds_of_sigma2_and_variance(criterion, bounds):
    """The result obeys them, and no point of a dense grid within them is better by more than 0.05 nats."""
    X, y = data(0.3)
    for kernel, found in zip(KERNELS, compare(X, y, KERNELS, criterion, bounds=bounds), strict=True):
        values = {"sigma2": found.sigma2, "variance": found.kernel.variance}
        for name, (low, high) in bounds.items():
            assert low * (1 - 1e-12) <= values[name] <= high * (1 + 1e-12)
        assert on_grid(X, y, kernel, criterion, BOUNDS | bounds).max() - found.value < 0.05, kernel
        model = TrainedGPModel(X, y, found.kernel, found.sigma2)
        value = model.log_evidence if criterion == "evidence" else model.leave_one_out().log_density.sum()
        assert found.value == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize("N", [40, 300])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_of_several_maxima_the_better_one_is_found(N, noise):
    """A plane: much noise explains it, little noise explains it better. With fewer rows than the subset, and more."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(N, 3))
    y = X @ [1.0, 2.0, 3.0] + noise * generator.normal(size=N)
    # Learned bias and lengthscales, with which the plane is nearly linear for the kernels.
    kernels = [
        ArcCosine(q, l, geometry, 1000.0, 1.0, 1.0, (36.0, 18.0, 12.0))
        for geometry in ("sphere", "homogeneous")
        for q in (0, 1, 4)
        for l in (0, 4)
    ]
    for kernel, found in zip(kernels, compare(X, y, kernels), strict=True):
        assert on_grid(X, y, kernel, "evidence").max() - found.value < 0.05, kernel


@pytest.mark.parametrize("noise", DATA.values(), ids=DATA)
@pytest.mark.parametrize("criterion", ["evidence", "loo"])
def test_the_values_are_those_of_the_model_with_these_hyperparameters(noise, criterion):
    """log evidence and leave-one-out density to 1e-10, relative."""
    X, y = data(noise)
    for kernel, found in zip(KERNELS, compare(X, y, KERNELS, criterion), strict=True):
        model = TrainedGPModel(X, y, found.kernel, found.sigma2)
        assert replace(found.kernel, variance=1.0) == kernel
        assert found.log_evidence == pytest.approx(model.log_evidence, rel=1e-10)
        assert found.noise == pytest.approx(found.sigma2 / found.kernel.diagonal(X).mean())
        if criterion == "loo":
            assert found.leave_one_out == pytest.approx(model.leave_one_out().log_density.sum(), rel=1e-10)
        else:
            assert found.leave_one_out is None


@pytest.mark.parametrize("criterion", ["evidence", "loo"])
def test_no_other_variance_is_better(criterion):
    """At the best noise-to-signal ratio: the model a little above and below."""
    X, y = data(0.3)
    (found,) = compare(X, y, [ArcCosine(1, 1)], criterion)

    def value(factor):
        kernel = replace(found.kernel, variance=factor * found.kernel.variance)
        model = TrainedGPModel(X, y, kernel, factor * found.sigma2)
        return model.log_evidence if criterion == "evidence" else model.leave_one_out().log_density.sum()

    assert value(1.0) > max(value(0.99), value(1.01))


@pytest.mark.parametrize("criterion", ["evidence", "loo"])
@pytest.mark.parametrize("known", [1, 7, len(KERNELS)])
def test_a_resumed_run_yields_the_remaining_results(criterion, known):
    """To the bit, though each search starts from the results before it."""
    X, y = data(0.3, 60)
    results = list(compare(X, y, KERNELS, criterion))
    assert list(compare(X, y, KERNELS, criterion, known=results[:known])) == results[known:]
    assert list(islice(compare(X, y, KERNELS, criterion), known)) == results[:known]


@pytest.mark.parametrize("criterion", ["evidence", "loo"])
@pytest.mark.parametrize("kernel", [ArcCosine(0, 0), ArcCosine(1, 1, bias=1.0), ArcCosine(3, 2)])
@pytest.mark.parametrize("x", [-8.0, -3.0, 2.0])
@pytest.mark.parametrize(
    "bounds",
    [{}, {"sigma2": (10.0, 20.0)}, {"sigma2": (1e-9, 1e-8)}, {"variance": (100.0, 200.0)}, {"variance": (1e-3, 2e-3)}],
    ids=str,
)
def test_slopes_are_those_of_the_values(criterion, kernel, x, bounds):
    """And bends those of the slopes, by differences, at bounds too. With few rows nothing is estimated."""
    X, y = data(0.3, 60)
    K = packed_gram(kernel, kernel.inputs(X))
    profile = Profile(criterion, K, y, 1.0, Packed.empty(60), **bounds)
    below, here, above = (profile(x + step) for step in (-1e-4, 0.0, 1e-4))
    assert here.error == 0.0
    assert here.rise - here.fall == pytest.approx((above.value - below.value) / 2e-4, rel=1e-4, abs=1e-5)
    bend = (math.log(above.rise / above.fall) - math.log(below.rise / below.fall)) / 2e-4
    assert here.bend == pytest.approx(bend, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("criterion", ["evidence", "loo"])
def test_the_error_of_an_estimated_slope_is_known(criterion):
    """With many rows: less than 4 standard deviations of one or two hundredths."""
    X, y = data(0.3, 700)
    kernel = ArcCosine(1, 1, bias=1.0)
    K = packed_gram(kernel, kernel.inputs(X))
    profile = Profile(criterion, K, y, 1.0, Packed.empty(700))
    below, here, above = (profile(x) for x in (-2.0 - 1e-4, -2.0, -2.0 + 1e-4))
    fall = here.rise - (above.value - below.value) / 2e-4
    assert 0.0 < here.error < 0.02
    assert abs(math.log(here.fall / fall)) < 4 * here.error


def test_the_noise_to_signal_ratio_is_within_its_bounds():
    """Bounds that exclude the best ratio, above and below: the nearest is taken."""
    X, y = data(0.3)
    kernel = [ArcCosine(1, 1, bias=1.0)]
    (free,) = compare(X, y, kernel)
    (low,) = compare(X, y, kernel, noise_to_signal=(10 * free.noise, 1e3))
    assert low.noise == pytest.approx(10 * free.noise)
    (high,) = compare(X, y, kernel, noise_to_signal=(1e-6, free.noise / 10))
    assert high.noise == pytest.approx(free.noise / 10)


def test_a_noise_without_a_factor_is_infeasible_and_no_error():
    """Exact duplicates: the less noise, the better, until M is no longer positive definite to rounding.

    Up to 2^-53, 1 + noise is 1, and the second row's pivot 1 - 1^2 = 0; above N eps or so rounding does no harm.
    """
    X, y = np.repeat(data(0.0)[0], 2, axis=0), np.repeat(data(0.0)[1], 2)
    found, after_it = compare(
        X,
        y,
        [ArcCosine(1, 0, bias=1.0), ArcCosine(2, 0, bias=1.0)],
        noise_to_signal=(1e-25, 1e2),
        bounds={"sigma2": (1e-40, 1e4)},
    )
    for result in (found, after_it):
        assert 2.0**-53 < result.noise < len(y) * 2.0**-52
        assert result.factorisations <= 15
        with pytest.raises(NotPositiveDefiniteError, match="stopped at row 2, where the pivot is 0"):
            TrainedGPModel(X, y, replace(result.kernel, variance=1.0), 2.0**-53)


def test_bounds_without_a_factor_give_no_value():
    """Duplicate features, and only noises that vanish in rounding."""
    X = np.repeat(data(0.3)[0], 2, axis=0)
    y = np.arange(len(X)) / 100.0
    evidence, loo = (
        next(compare(X, y, [ArcCosine(1, 0)], criterion, bounds={"sigma2": (1e-30, 1e-25)}))
        for criterion in ("evidence", "loo")
    )
    for found in (evidence, loo):
        assert found.value == found.log_evidence == -math.inf
        assert math.isnan(found.sigma2)
        assert found.factorisations < 15


@pytest.mark.parametrize("N", [1, 2, 5, 33])
@pytest.mark.parametrize("criterion", ["evidence", "loo"])
def test_few_rows_are_enough(N, criterion):
    """Fewer than sign vectors: the slopes are exact."""
    X, y = data(0.3, N)
    for found in compare(X, y, KERNELS, criterion):
        assert math.isfinite(found.value)


def test_targets_in_other_units_are_explained_as_well():
    """y times 1000: variances times 10^6, densities divided by 1000, the same noise-to-signal ratio."""
    X, y = data(0.3)
    bounds = {name: (1e6 * low, 1e6 * high) for name, (low, high) in BOUNDS.items() if name in {"sigma2", "variance"}}
    for one, other in zip(compare(X, y, KERNELS), compare(X, 1000 * y, KERNELS, bounds=bounds), strict=True):
        assert other.noise == pytest.approx(one.noise, rel=1e-6)
        assert other.sigma2 == pytest.approx(1e6 * one.sigma2, rel=1e-6)
        assert other.value == pytest.approx(one.value - len(y) * math.log(1000.0), abs=1e-6)


def test_progress_goes_from_0_to_1_in_kernels():
    """It never falls, and known results count as done."""
    X, y = data(0.3, 40)
    told = []
    results = list(compare(X, y, KERNELS[:4], progress=lambda phase, fraction: told.append((phase, fraction))))
    fractions = [fraction for _, fraction in told]
    assert {phase for phase, _ in told} == {"comparison"}
    assert fractions == sorted(fractions)
    assert set(fractions) == {0.0, 0.25, 0.5, 0.75, 1.0}
    told.clear()
    list(compare(X, y, KERNELS[:4], known=results[:2], progress=lambda _, fraction: told.append(fraction)))
    assert sorted(set(told)) == [0.0, 0.5, 0.75, 1.0]


def test_an_exception_from_the_callback_ends_it_within_a_kernel():
    """A signal does not wait for the next kernel."""
    X, y = data(0.3, 40)
    calls = []

    def stop(_phase, _fraction):
        calls.append(None)
        if len(calls) > 3:
            raise KeyboardInterrupt

    results = compare(X, y, KERNELS, progress=stop)
    with pytest.raises(KeyboardInterrupt):
        next(results)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernels": [ArcCosine(1, 0), ArcCosine(1, 0, bias=1.0)]}, "bias or lengthscales"),
        ({"kernels": [ArcCosine(1, 0), ArcCosine(1, 0, lengthscales=(1, 2, 3, 4))]}, "bias or lengthscales"),
        ({"y": np.zeros(150)}, "all 0"),
        ({"y": np.zeros(3)}, "is wanted"),
        ({"y": np.full(150, np.nan)}, "finite numbers"),
    ],
)
def test_what_cannot_be_compared_is_refused_at_once(change, message):
    """By the call, not by the first result."""
    X, y = data(0.3)
    arguments = {"X": X, "y": y, "kernels": [ArcCosine(1, 0)]} | change
    with pytest.raises(ValueError, match=message):
        compare(**arguments)


def test_results_of_other_kernels_are_refused():
    """As from the checkpoint of another job."""
    X, y = data(0.3, 20)
    known = list(compare(X, y, KERNELS[:2]))
    with pytest.raises(ValueError, match="other kernels"):
        compare(X, y, KERNELS[1:], known=known)


def test_a_row_without_direction_is_refused_before_anything_is_computed():
    """Even if the first kernel accepts it."""
    X, y = data(0.3, 20)
    X[7] = 0.0
    with pytest.raises(LengthError, match="row 7"):
        compare(X, y, [ArcCosine(1, 0, "homogeneous"), ArcCosine(1, 0)])


def test_no_kernels_give_no_results():
    """An empty sequence."""
    assert list(compare(*data(0.3, 5), [])) == []


def test_memory_is_that_of_three_halves():
    """Angles, covariances, factor."""
    assert cost.learning_bytes(1000, "evidence", compared=True) == 12 * 1000 * 1001


@pytest.mark.parametrize(("criterion", "factorisations"), [("evidence", 3.0), ("loo", 6.8)])
def test_factorisations_dominate_the_cost_of_many_rows(criterion, factorisations):
    """N^3 / 3 operations each."""
    N = 10**6
    assert cost.comparison(N, 10, criterion) == pytest.approx(factorisations * N**3 / 3, rel=0.01)


@pytest.mark.parametrize("error", [-0.01, 0.0, 0.01])
@pytest.mark.parametrize("start", [-12.0, -3.0, 1.9, 4.0])
def test_the_search_finds_the_maximum_despite_errors_in_the_slope(error, start):
    """rise = 300 s(x - 1), fall = 300 s(2 x), s the logistic function: a maximum at -1, and flat to the left of it."""

    def logistic(x):
        return 1.0 / (1.0 + math.exp(-x))

    def evaluate(x):
        value = 300.0 * (math.log1p(math.exp(x - 1.0)) - math.log1p(math.exp(2.0 * x)) / 2.0)
        bend = logistic(1.0 - x) - 2.0 * logistic(-2.0 * x)
        rise, fall = 300.0 * logistic(x - 1.0), 300.0 * logistic(2.0 * x) * (1.0 + error)
        return Point(x, value, rise, fall, bend, 0.01)

    found = line_search(evaluate, [start], (-14.0, 4.6), 0.01)
    assert found.point.value > evaluate(-1.0).value - 0.02
    assert found.evaluations <= 10


@pytest.mark.parametrize("wall", [-30.0, -11.7, -2.4])
@pytest.mark.parametrize("start", [-40.0, -3.0, 4.0])
def test_the_search_ends_near_the_feasible_bound(start, wall):
    """The value grows down to the wall, and the search ends within half a unit of it from any start."""

    def evaluate(x):
        if x < wall:
            return None
        return Point(x, -math.log1p(math.exp(x)), 0.0, 1.0 / (1.0 + math.exp(-x)), -1.0, 0.0)

    found = line_search(evaluate, [start], (-50.0, 4.6), 1e-30)
    assert wall <= found.point.x < wall + 0.5
    assert found.evaluations <= 15
