"""What the Gaussian process says when it is asked: each output against the others, and against what it stands for."""

import tracemalloc
from statistics import NormalDist

import numpy as np
import pytest
from reporting import Lines

from gaussian_processes.algorithm import EXTRAPOLATING, Query
from gaussian_processes.arc_cosine import Hyperparameters, algorithm
from gaussian_processes.arc_cosine.outputs import predict
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.errors import DataError, RowError
from gaussian_processes.gp import Mixed

pytestmark = pytest.mark.last_digits

ALL = ("mean", "std", "std_y", "interval", "covariance", "samples")
SETTINGS = [
    {"bias": 1, "sigma2": 0.2, "feature_scaling": "standard", "target_scaling": "standard"},
    {"geometry": "homogeneous", "l": 0},
    {"q": 0, "l": 2, "target_scaling": "standard"},
    {"bias": 1, "target_scaling": "standard", "precision": "mixed"},
]
each_setting = pytest.mark.parametrize("settings", SETTINGS, ids=str)


def fitted(X, y, **settings):
    return algorithm.fit(Dataset(X, y, (Source("a.csv", len(y)),)), Hyperparameters(**settings), Lines())


def asked(model, rows, *outputs, **query):
    return algorithm.predict(model, np.asarray(rows, float), Query(outputs, **query))


@pytest.fixture(params=SETTINGS, ids=str)
def model(request, example):
    return fitted(*example[:2], **request.param)


def test_the_outputs_are_declared_in_the_order_of_their_use():
    """The mean alone stands for all, mean and std are usual, and those that bind a request's rows together say so."""
    assert tuple(output.name for output in algorithm.outputs) == ALL
    assert [output.name for output in algorithm.outputs if output.usual] == ["mean", "std"]
    assert [output.name for output in algorithm.outputs if output.joint] == ["covariance", "samples"]


def test_answers_stand_in_the_order_of_the_query(model, example):
    """And last, whenever variances were computed, which rows are extrapolating."""
    rows = example[2]
    shapes = {"mean": (50,), "std": (50,), "std_y": (50,), "interval": (50, 2), "covariance": (50, 50)}
    for outputs in (ALL, ALL[::-1], ("interval", "mean"), ("samples",), ("covariance", "std_y")):
        found = asked(model, rows, *outputs, samples=3)
        assert list(found) == [*outputs, EXTRAPOLATING]
        assert {name: found[name].shape for name in outputs} == {
            name: (shapes | {"samples": (50, 3)})[name] for name in outputs
        }
        assert found[EXTRAPOLATING].dtype == bool
    assert list(asked(model, rows, "mean")) == ["mean"]


def test_an_output_is_the_same_whatever_is_asked_beside_it(model, example):
    """Means to the bit, the rest up to rounding."""
    together = asked(model, example[2], *ALL, seed=1)
    for name in ALL[:-1]:
        alone = asked(model, example[2], name)[name]
        tolerance = 0 if name == "mean" else 1e-5 if isinstance(model.gp.solver, Mixed) else 1e-9
        assert alone == pytest.approx(together[name], rel=0, abs=tolerance * np.abs(alone).max())


def test_a_measurement_varies_by_the_noise_more(model, example):
    """std_y^2 - std^2 is sigma2 in the target's units."""
    found = asked(model, example[2], "std", "std_y")
    noise = model.gp.sigma2 * float(model.target_scaling.scale) ** 2
    assert found["std_y"] ** 2 - found["std"] ** 2 == pytest.approx(noise, rel=1e-9)


@pytest.mark.parametrize("level", [1e-6, 0.5, 0.95, 0.9999, 1 - 1e-12])
def test_an_interval_holds_a_normal_measurement_at_its_level(model, example, level):
    """Between its bounds the normal distribution of mean and std_y has that probability, as much of it on either side."""
    found = asked(model, example[2], "mean", "std_y", "interval", level=level)
    lower, upper = found["interval"].T
    for row in range(5):
        normal = NormalDist(found["mean"][row], found["std_y"][row])
        assert normal.cdf(lower[row]) == pytest.approx((1 - level) / 2, rel=1e-6)
        assert 1 - normal.cdf(upper[row]) == pytest.approx((1 - level) / 2, rel=1e-3)
        half = normal.stdev * NormalDist().inv_cdf((1 - level) / 2)
        assert normal.mean - lower[row] == pytest.approx(-half, rel=1e-6)


def test_covariances_have_the_variances_on_their_diagonal(model, example):
    """In the target's units, symmetric to the bit."""
    found = asked(model, example[2], "std", "covariance")
    assert np.array_equal(found["covariance"], found["covariance"].T)
    assert np.diagonal(found["covariance"]) == pytest.approx(found["std"] ** 2, rel=1e-12)


def test_samples_are_drawn_from_mean_and_covariance(model, example):
    """Their moments are within five standard errors of what the model says of them."""
    count = 4000
    found = asked(model, example[2][:10], "mean", "covariance", "samples", samples=count, seed=4)
    mean, covariance, samples = (found[name] for name in ("mean", "covariance", "samples"))
    variance = np.diagonal(covariance)
    assert np.all(np.abs(samples.mean(axis=1) - mean) <= 5 * np.sqrt(variance / count))
    error = np.sqrt((np.outer(variance, variance) + covariance**2) / count)
    assert np.all(np.abs(np.cov(samples) - covariance) <= 5 * error)


def test_a_seed_makes_samples_reproducible(model, example):
    """The same seed the same functions, another seed or none others."""
    draws = [asked(model, example[2], "samples", samples=2, seed=seed)["samples"] for seed in (7, 7, 8, None, None)]
    assert np.array_equal(draws[0], draws[1])
    for one, other in ((0, 2), (0, 3), (3, 4)):
        assert not np.any(draws[one] == draws[other])


@each_setting
def test_repeated_rows_are_drawn_once(example, settings):
    """To the bit, whether the data have them or not, though their covariance has no inverse."""
    X, y, X_star, _ = example
    rows = np.vstack([X[:20], X_star[:20]])
    model = fitted(X, y, **settings)
    found = asked(model, np.vstack([rows, rows[::-1], rows]), *ALL, samples=5)
    for name in ("mean", "samples"):
        one, reversed_, other = np.split(found[name], 3)
        assert np.array_equal(one, other)
        assert np.array_equal(one, reversed_[::-1])
    prior = float(model.target_scaling.scale) * np.sqrt(model.gp.kernel.diagonal(rows).max())
    assert np.abs(found["samples"][:40].T - found["mean"][:40]).max() < 6 * prior


def test_nearly_repeated_rows_are_drawn_nearly_alike(example):
    """Multiples of a row are that row on the sphere, and their draws are equal to 1e-6 of the prior."""
    X, y, X_star, _ = example
    rows = np.vstack([X_star, 3 * X_star, -2 * X_star, -7 * X_star])
    for settings in ({}, {"q": 0, "l": 3}):
        samples = asked(fitted(X, y, **settings), rows, "samples", samples=20)["samples"]
        for one, other in ((0, 1), (2, 3)):
            assert samples[50 * one : 50 * one + 50] == pytest.approx(samples[50 * other : 50 * other + 50], abs=1e-6)


def test_rows_unlike_the_data_are_extrapolating():
    """Opposite directions, of which nothing is known at l = 0; not the data themselves, nor rows among them."""
    generator = np.random.default_rng(3)
    X = generator.normal(size=(60, 3)) * 0.2 + [1.0, 1.0, 1.0]
    among = X[:30] / 2 + X[30:] / 2
    model = fitted(X, X @ [1.0, 2.0, 3.0], q=1, l=0)
    for rows, wanted in ((X, False), (among, False), (-X, True)):
        assert np.all(asked(model, rows, "std")[EXTRAPOLATING] == wanted)
    nearby = fitted(X - [1.0, 1.0, 1.0], X.sum(axis=1), bias=1, q=1, l=1, geometry="homogeneous", sigma2=0.01)
    assert not np.any(asked(nearby, X[:5] - [1.0, 1.0, 1.0], "interval")[EXTRAPOLATING])


@pytest.mark.parametrize("settings", [{}, {"l": 3}, {"q": 0, "target_scaling": "standard"}, {"variance": 7}], ids=str)
def test_extrapolating_is_less_than_half_of_the_prior_variance_explained(settings):
    """On a circle, from the data to their opposite: row by row, whatever the units of the target."""
    angles = np.linspace(0, np.pi, 400)
    rows = np.column_stack([np.cos(angles), np.sin(angles)])
    model = fitted(rows[:4], np.array([10.0, 20.0, 30.0, 10.0]), **{"q": 2, "l": 0, **settings})
    found = asked(model, rows, "std")
    prior = model.gp.kernel.variance * float(model.target_scaling.scale) ** 2
    left = found["std"] ** 2 / prior
    assert np.array_equal(found[EXTRAPOLATING], left > 0.5)
    assert min(np.sum(left < 0.2), np.sum((left > 0.3) & (left < 0.5)), np.sum(left > 0.5)) > 10


def test_a_row_without_prior_variance_is_not_extrapolating(example):
    """The function is known to be zero there, whatever the data."""
    model = fitted(*example[:2], geometry="homogeneous", q=2)
    found = asked(model, np.zeros((1, 2)), *ALL)
    assert [found[name].ravel().tolist() for name in ("mean", "std", "samples", EXTRAPOLATING)] == [[0], [0], [0], [0]]


def test_a_model_without_its_factor_has_means_alone(example):
    """Whatever is asked for, of any number of rows; the rest is left out."""
    model = fitted(*example[:2], include_variance=False)
    rows = np.repeat(example[2], 50, axis=0)
    assert list(asked(model, rows, *ALL)) == ["mean"]
    assert list(asked(model, rows, "covariance")) == []


@pytest.mark.parametrize("output", ["covariance", "samples"])
def test_more_rows_than_can_be_joint_are_refused(example, output):
    """Before anything is computed: which output, how many rows, how many at most, and what to do; the others take any."""
    model, rows = fitted(*example[:2]), example[2]
    with pytest.raises(DataError, match=f"has 50 rows; the limit for {output} is 49. Send fewer rows per request"):
        predict(model, rows, Query(("mean", output)), most_joint_rows=49)
    assert len(predict(model, rows[:49], Query((output,)), most_joint_rows=49)[output]) == 49
    assert len(predict(model, rows, Query(("mean", "interval")), most_joint_rows=49)["mean"]) == 50


def test_joint_predictions_take_little_more_memory_than_their_covariances():
    """With N rows to learn from and M to predict: M N numbers, and a few times M^2."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(1000, 3))
    model, M = fitted(X, X.sum(axis=1)), 600
    rows = generator.normal(size=(M, 3))
    asked(model, rows[:2], "covariance")
    tracemalloc.start()
    asked(model, rows, "covariance")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * (2 * M * len(X) + 4 * M**2)


@pytest.mark.parametrize("output", ["std", "std_y", "interval", "covariance", "samples"])
def test_what_is_not_finite_in_the_targets_units_is_refused_by_its_row(example, output):
    """In every column; a row is not blamed for its covariances with one that is."""
    X, y, X_star, _ = example
    model = fitted(X, 1e200 * y, q=3, geometry="homogeneous", target_scaling="standard")
    rows = np.vstack([X_star[:2], 1e40 * X_star[:1], X_star[3:4]])
    with pytest.raises(RowError, match="row 3 has no finite prediction") as caught:
        asked(model, rows / 1e30 if output == "covariance" else rows, output)
    assert caught.value.rows == [2]


@pytest.mark.parametrize("output", ["std", "covariance", "samples"])
def test_what_single_precision_cannot_hold_is_refused_by_its_row(example, output):
    """Covariances with the data that overflow there, though the prior variance is finite."""
    X, y, X_star, _ = example
    model = fitted(X, y, q=3, geometry="homogeneous", precision="mixed", sigma2=10.0)
    assert model.gp.solution.message.startswith("Factored in single precision")
    with pytest.raises(RowError, match="row 2 has no finite prediction") as caught:
        asked(model, np.vstack([X_star[:1], 1e20 * X_star[1:2], X_star[2:3]]), output)
    assert caught.value.rows == [1]
