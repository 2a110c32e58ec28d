"""The Gaussian process as an algorithm: its metrics, its scalings, its warnings."""

import math

import numpy as np
import pytest
from reference import read_reference
from reporting import Lines
from scipy.stats import norm

from gaussian_processes.algorithm import Query, Size
from gaussian_processes.arc_cosine import Hyperparameters, algorithm, needs
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.errors import AlgorithmError, RowError

pytestmark = pytest.mark.last_digits


def dataset(X, y):
    return Dataset(X, y, (Source("a.csv", len(y)),))


def evaluated(example, **hyperparameters):
    X, y, X_star, y_star = example
    model = algorithm.fit(dataset(X, y), Hyperparameters(**hyperparameters), Lines())
    return algorithm.evaluate(model, dataset(X_star, y_star), Lines()).metrics


@pytest.mark.parametrize("row", read_reference("gpflow_example_evidence.csv"), ids=lambda row: ",".join(row.values()))
def test_metrics_are_gpflows(example, row):
    """RMSE, negative log density and evidence of every reference model."""
    keys = {"geometry": row["geometry"], "bias": row["bias"], "q": row["q"], "l": row["l"], "sigma2": row["sigma2"]}
    metrics = evaluated(example, **keys)
    tolerance = 1e-10 if int(row["q"]) else 1e-6
    assert metrics["validation:RMSE"] == pytest.approx(float(row["rmse"]), rel=tolerance)
    assert metrics["validation:NLPD"] == pytest.approx(float(row["nlpd"]), rel=tolerance)
    assert metrics["train:log_evidence"] == pytest.approx(float(row["log_evidence"]), rel=tolerance)


def test_metrics_follow_the_units_of_the_target(example):
    """With a standardised target, y -> 10 y + 7 moves errors by 10, densities by log 10, and leaves shares alone."""
    X, y, X_star, y_star = example
    settings = {"geometry": "homogeneous", "target_scaling": "standard", "feature_scaling": "standard"}
    one = evaluated(example, **settings)
    ten = evaluated((X, 10 * y + 7, X_star, 10 * y_star + 7), **settings)
    assert ten["validation:RMSE"] == pytest.approx(10 * one["validation:RMSE"])
    assert ten["validation:MAE"] == pytest.approx(10 * one["validation:MAE"])
    assert ten["validation:R2"] == pytest.approx(one["validation:R2"])
    assert ten["validation:coverage95"] == one["validation:coverage95"]
    assert ten["validation:NLPD"] == pytest.approx(one["validation:NLPD"] + math.log(10))
    assert ten["train:log_evidence"] == pytest.approx(one["train:log_evidence"] - len(y) * math.log(10))


def test_intervals_hold_what_they_claim_when_the_model_is_true():
    """On draws from the prior plus noise, the 95 % interval holds about 95 % of what it has not seen."""
    generator = np.random.default_rng(5)
    X = generator.normal(size=(600, 3))
    hyperparameters = Hyperparameters(q=1, l=1, sigma2=0.2)
    M = algorithm.fit(dataset(X, np.zeros(600)), hyperparameters, Lines()).gp.kernel.gram(X) + 0.2 * np.eye(600)
    y = np.linalg.cholesky(M) @ generator.normal(size=600)
    model = algorithm.fit(dataset(X[:300], y[:300]), hyperparameters, Lines())
    assert 0.91 < algorithm.evaluate(model, dataset(X[300:], y[300:]), Lines()).metrics["validation:coverage95"] < 0.99


def test_r2_of_a_constant_target_has_no_value(example):
    """Nothing to explain; the other metrics are not touched."""
    X, y, X_star, _ = example
    metrics = evaluated((X, y, X_star, np.full(len(X_star), 2.0)))
    assert math.isnan(metrics["validation:R2"])
    assert math.isfinite(metrics["validation:RMSE"])


@pytest.mark.parametrize(
    ("hyperparameters", "said"),
    [
        ({}, True),
        ({"bias": 1}, False),
        ({"geometry": "homogeneous"}, False),
        ({"q": 0, "geometry": "homogeneous"}, True),
    ],
    ids=str,
)
def test_says_when_the_rows_lengths_are_thrown_away(example, hyperparameters, said):
    """One line with what to try, and only when the lengths vary and nothing keeps them."""
    X, y, _, _ = example
    lines = Lines()
    algorithm.fit(dataset(X, y), Hyperparameters(**hyperparameters), lines)
    assert [("discards them" in line and "bias=1" in line) for line in lines] == ([True] if said else [])
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    if said and hyperparameters:
        assert "try bias=1 or degree=1" in lines[0]
    lines.clear()
    algorithm.fit(dataset(unit, y), Hyperparameters(**hyperparameters), lines)
    assert lines == []


def test_a_zero_row_is_the_users_to_mend(example):
    """Its index, and what to set."""
    X, y, _, _ = example
    X = X.copy()
    X[4] = 0.0
    with pytest.raises(RowError, match=r"row 5 has length zero.*train with a bias above 0") as caught:
        algorithm.fit(dataset(X, y), Hyperparameters(), Lines())
    assert list(caught.value.rows) == [4]


def test_a_matrix_without_a_factor_is_the_algorithms_failure():
    """Explained, and not a fault of the program."""
    with pytest.raises(AlgorithmError, match=r"not positive definite.*raise sigma2"):
        algorithm.fit(dataset(np.ones((50, 2)), np.ones(50)), Hyperparameters(sigma2=1e-300), Lines())


@pytest.mark.parametrize(
    ("change", "hyperparameters", "error"),
    [
        (lambda X: X, {"degree": 1000}, "so long that its length to the power 2000 overflows"),
        (lambda X: X, {"q": 1000, "l": 0}, "so long that its length to the power 2000 overflows"),
        (lambda X: X, {"bias": 1e200}, "so long that its length to the power 2 overflows"),
        (lambda X: 1e200 * X, {}, "so long that its length to the power 2 overflows"),
    ],
)
def test_rows_whose_covariance_overflows_are_named(example, change, hyperparameters, error):
    """Never a model of NaN."""
    X, y, _, _ = example
    with pytest.raises(RowError, match=error):
        algorithm.fit(dataset(change(X), y), Hyperparameters(geometry="homogeneous", **hyperparameters), Lines())


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 1e300])
def test_standardising_knows_no_units(example, scale):
    """Features and targets of any size give the predictions of features and targets of size 1."""
    X, y, X_star, y_star = example
    settings = {"feature_scaling": "standard", "target_scaling": "standard", "bias": 1}
    metrics = evaluated((scale * X, scale * y, scale * X_star, scale * y_star), **settings)
    assert metrics["validation:MAE"] == pytest.approx(scale * evaluated(example, **settings)["validation:MAE"])


def test_a_prediction_that_overflows_in_the_targets_units_is_refused(example):
    """The row is named; infinity is no prediction."""
    X, y, X_star, _ = example
    settings = {"q": 3, "geometry": "homogeneous", "target_scaling": "standard"}
    model = algorithm.fit(dataset(X, 1e200 * y), Hyperparameters(**settings), Lines())
    with pytest.raises(RowError, match="row 3 has no finite prediction"):
        algorithm.predict(model, np.vstack([X_star[:2], 1e40 * X_star[:1]]), Query(("mean",)))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[1.7e308], [-1.7e308], [1.7e308]], "row 2 is too large for the scale"),
        ([[1e-320], [2e-320], [5e-324]], "too large"),
    ],
)
def test_features_beyond_the_training_scale_are_named(X, message):
    """In training, in validation, in requests; a number that fits in its column and not in the scaled one."""
    X = np.array(X)
    settings = Hyperparameters(feature_scaling="standard", bias=1)
    with pytest.raises(RowError, match=message):
        algorithm.predict(
            algorithm.fit(dataset(X, np.arange(3.0)), settings, Lines()), np.ones((1, 1)), Query(("mean",))
        )


@pytest.mark.parametrize("target", [[1e-170, 2e-170], [1e300, -1e300]])
def test_r2_does_not_depend_on_the_size_of_the_numbers(example, target):
    """Squares that vanish or overflow are divided away; what stays infinite is not a crash."""
    X, y, X_star, _ = example
    metrics = evaluated((X, y, X_star[:2], np.array(target)))
    assert metrics["validation:R2"] <= 1


def test_targets_that_no_solution_holds_are_the_algorithms_failure(example):
    """In words."""
    X, y, _, _ = example
    with pytest.raises(AlgorithmError, match="too large for float64: scale the targets"):
        algorithm.fit(dataset(X, 1e307 * y), Hyperparameters(sigma2=1e-6), Lines())


def test_a_constant_feature_can_be_standardised(example):
    """It is shifted to zero, and says nothing."""
    X, y, X_star, y_star = example
    settings = {"feature_scaling": "standard", "bias": 1}
    with_constant = [np.column_stack([rows, np.full(len(rows), 0.1)]) for rows in (X, X_star)]
    wanted = evaluated(example, **settings)["validation:RMSE"]
    found = evaluated((with_constant[0], y, with_constant[1], y_star), **settings)["validation:RMSE"]
    assert found == pytest.approx(wanted, rel=1e-9)


def test_without_its_factor_a_model_gives_the_same_means_in_memory_that_grows_with_the_rows(example):
    """And no standard deviations; its state has no array of N^2 numbers."""
    X, y, X_star, _ = example
    models = [
        algorithm.fit(dataset(X, y), Hyperparameters(bias=1, include_variance=kept), Lines()) for kept in (True, False)
    ]
    stored = [algorithm.state(model) for model in models]
    sizes = [sum(np.size(value) for value in state.values()) for state in stored]
    assert sizes[0] - sizes[1] == len(X) * (len(X) + 1) // 2 - 1
    whole, light = (algorithm.predict(algorithm.from_state(state), X_star, Query(("mean", "std"))) for state in stored)
    assert list(light) == ["mean"]
    assert np.array_equal(light["mean"], algorithm.predict(models[0], X_star, Query(("mean",)))["mean"])
    assert light["mean"] == pytest.approx(whole["mean"], rel=1e-12)


def test_the_forecast_is_what_the_metrics_were_computed_from(example):
    """Of the validation channel, and of the rows left out where there is none; in units of the target."""
    X, y, X_star, y_star = example
    settings = Hyperparameters(geometry="homogeneous", target_scaling="standard")
    reporter = Lines()
    model = algorithm.fit(dataset(X, y), settings, reporter)
    for validation, prefix in ((dataset(X_star, y_star), "validation:"), (None, "train:LOO_")):
        found = algorithm.evaluate(model, validation, reporter)
        target, mean, std = found.forecast.target, found.forecast.mean, found.forecast.std
        assert np.allclose(target, y if validation is None else y_star, rtol=1e-12)
        assert found.metrics[f"{prefix}RMSE"] == pytest.approx(np.sqrt(np.mean((target - mean) ** 2)), rel=1e-12)
        density = norm.logpdf(target, mean, std)
        assert found.metrics[f"{prefix}NLPD"] == pytest.approx(-density.mean(), rel=1e-12)
    assert reporter.phases == ["Gram matrix", "Cholesky", "prediction", "leave-one-out"]


def test_rows_to_validate_with_take_memory_and_time_too():
    """At least their own numbers, and on the disk none."""
    alone, validated = (needs(Size(1000, 9, rows), Hyperparameters()) for rows in (0, 10**7))
    assert validated.memory - alone.memory >= 8 * 10 * 10**7
    assert validated.operations > 100 * alone.operations
    assert validated.disk == alone.disk


@pytest.mark.parametrize(
    "forge",
    [
        lambda state: state | {"factor": np.zeros((70, 141))},
        lambda state: state | {"factor": state["factor"].astype(">f8")},
        lambda state: state | {"factor": state["factor"].astype(np.float32)},
        lambda state: state | {"factor": 3},
        lambda state: state | {"alpha": state["alpha"][:-1]},
        lambda state: state | {"alpha": state["alpha"] * np.nan},
        lambda state: state | {"X": state["X"].astype(np.int64)},
        lambda state: state | {"X": 10**400},
        lambda state: state | {"target_scaling": {"shift": np.array(0.0), "scale": np.array(0.0)}},
        lambda state: state | {"feature_scaling": {"shift": np.zeros(3), "scale": np.ones(3)}},
    ],
)
def test_a_state_that_does_not_fit_together_is_refused(example, forge):
    """Before BLAS, which takes sizes on trust, is given any of it."""
    X, y, _, _ = example
    stored = algorithm.state(algorithm.fit(dataset(X, y), Hyperparameters(bias=1), Lines()))
    algorithm.from_state(stored)
    with pytest.raises((ValueError, TypeError)):
        algorithm.from_state(forge(dict(stored)))
