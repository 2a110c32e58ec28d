"""TrainedGPModel against GPflow, neural-tangents, SciPy's multivariate normal, and identities of the posterior."""

import numpy as np
import pytest
from reference import read_reference
from scipy.stats import multivariate_normal

from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.gp.kernels.inputs import LengthError
from gaussian_processes.gp.linalg.cholesky import BlockSizes, NotPositiveDefiniteError
from gaussian_processes.gp.solvers.direct import Direct


def cases(name):
    """The predictions of a reference table, grouped by the model that made them."""
    groups = {}
    for row in read_reference(name):
        key = (row["geometry"], float(row["bias"]), int(row["q"]), int(row["l"]), float(row["sigma2"]))
        groups.setdefault(key, []).append(row)
    return list(groups.items())


REFERENCES = cases("gpflow_example.csv") + cases("neural_tangents_example.csv")


def test_the_reference_tables_are_whole():
    """14 models of GPflow and 8 of neural-tangents, 50 rows each."""
    assert [len(rows) for _, rows in REFERENCES] == [50] * 22


@pytest.mark.parametrize(("key", "rows"), REFERENCES, ids=lambda part: str(part) if isinstance(part, tuple) else "")
def test_predicts_what_other_libraries_predict(example, key, rows):
    """Mean and latent variance agree to 1e-9; at q = 0 to the 1e-7 or so that GPflow's shifted cosine leaves."""
    geometry, bias, q, l, sigma2 = key
    X, y, X_star, _ = example
    mean, std = TrainedGPModel(X, y, ArcCosine(q, l, geometry, bias), sigma2).predict(X_star, return_std=True)
    tolerance = 1e-9 if q >= 1 else 1e-6
    picked = [int(row["row"]) for row in rows]
    assert mean[picked] == pytest.approx([float(row["mean"]) for row in rows], abs=tolerance)
    assert std[picked] ** 2 == pytest.approx([float(row["var"]) for row in rows], abs=tolerance)


def trained_as(row, example):
    """The model that a row of a reference table describes, trained on the example."""
    kernel = ArcCosine(int(row["q"]), int(row["l"]), row["geometry"], float(row["bias"]))
    return TrainedGPModel(*example[:2], kernel, float(row["sigma2"]))


@pytest.mark.parametrize("row", read_reference("gpflow_example_evidence.csv"), ids=lambda row: ",".join(row.values()))
def test_log_evidence_is_gpflows(example, row):
    """To 1e-10 relative for q >= 1, and to what GPflow's shifted cosine leaves at q = 0."""
    trained = trained_as(row, example)
    wanted = pytest.approx(float(row["log_evidence"]), rel=1e-10 if trained.kernel.q >= 1 else 1e-6)
    assert trained.log_evidence == wanted


@pytest.mark.parametrize("row", read_reference("gpflow_example_evidence.csv"), ids=lambda row: ",".join(row.values()))
def test_the_noise_derivative_of_the_log_evidence_is_gpflows(example, row):
    """By automatic differentiation there, by the trace of the inverse here."""
    trained = trained_as(row, example)
    wanted = pytest.approx(float(row["dlog_evidence_dsigma2"]), rel=1e-10 if trained.kernel.q >= 1 else 1e-5)
    assert trained.log_evidence_noise_derivative == wanted


def test_log_evidence_is_the_density_of_a_normal_vector(example):
    """log N(y; 0, M), by SciPy."""
    X, y = example[0][:40], example[1][:40]
    kernel = ArcCosine(2, 1, "homogeneous", bias=1.0)
    wanted = multivariate_normal(cov=kernel.gram(X) + 0.5 * np.eye(40)).logpdf(y)
    assert TrainedGPModel(X, y, kernel, 0.5).log_evidence == pytest.approx(wanted, rel=1e-10)


def test_interpolates_as_the_noise_vanishes(example):
    """With no noise to speak of, the posterior passes through the data, and is sure of it."""
    X, y = example[0][:20], example[1][:20]
    for q in (0, 1):
        mean, std = TrainedGPModel(X, y, ArcCosine(q, 3, bias=1.0), 1e-9).predict(X, return_std=True)
        assert mean == pytest.approx(y, abs=1e-5)
        assert np.all(std < 1e-3)


def test_a_repeated_observation_halves_its_noise(example):
    """Two equal observations of a row say as much as one with half the noise variance."""
    X, y, X_star, _ = example
    X, y, kernel = X[:20], y[:20], ArcCosine(1, 1, bias=1.0)
    twice = TrainedGPModel(np.vstack([X, X[:1]]), np.append(y, y[0]), kernel, 0.2).predict(X_star)
    noise = np.full(20, 0.2)
    noise[0] = 0.1
    halved = kernel.cross(X_star, X) @ np.linalg.solve(kernel.gram(X) + np.diag(noise), y)
    assert twice == pytest.approx(halved, abs=1e-9)


def test_far_from_the_data_the_posterior_is_the_prior():
    """At order 0, opposite rows are independent: the data say nothing there."""
    X = np.array([[1.0, 0.0], [1.0, 1e-3]])
    mean, std = TrainedGPModel(X, np.ones(2), ArcCosine(0, 0, variance=3.0), 0.1).predict(-X[:1], return_std=True)
    assert mean == pytest.approx([0.0], abs=1e-2)
    assert std == pytest.approx([np.sqrt(3.0)], abs=1e-3)


def test_order_of_rows_does_not_matter(example):
    """A permutation of the training rows leaves predictions as they were."""
    X, y, X_star, _ = example
    order = np.random.default_rng(3).permutation(len(y))
    first = TrainedGPModel(X, y, ArcCosine(1, 2), 0.1).predict(X_star)
    assert TrainedGPModel(X[order], y[order], ArcCosine(1, 2), 0.1).predict(X_star) == pytest.approx(first, abs=1e-9)


def test_predictions_do_not_depend_on_the_block(example):
    """Rows predicted three at a time are what they are all at once."""
    X, y, X_star, _ = example
    trained = TrainedGPModel(X, y, ArcCosine(1, 1), 0.1)
    mean, std = trained.predict(X_star, return_std=True)
    small = Direct(BlockSizes(entries=3 * len(y)))
    in_blocks = TrainedGPModel(X, y, ArcCosine(1, 1), 0.1, small).predict(X_star, return_std=True)
    assert np.array_equal(in_blocks[0], mean)
    assert np.array_equal(trained.predict(X_star), mean)
    assert [trained.predict(row)[0] for row in X_star[:, None]] == mean.tolist()
    assert in_blocks[1] == pytest.approx(std, abs=1e-12)
    assert trained.predict(X_star[:0]).shape == (0,)


def test_a_matrix_that_cannot_be_factored_is_explained():
    """The error names the size, the row and what to change."""
    X = np.ones((30, 2))
    with pytest.raises(NotPositiveDefiniteError, match=r"30 rows .* stopped at row .* sigma2 is too small"):
        TrainedGPModel(X, np.ones(30), ArcCosine(1, 0), 1e-300)


@pytest.mark.parametrize(
    ("X", "y", "sigma2", "message"),
    [
        (np.ones((3, 2)), np.ones(2), 0.1, "shape"),
        (np.ones(3), np.ones(3), 0.1, "shape"),
        (np.ones((0, 2)), np.ones(0), 0.1, "N >= 1"),
        (np.full((2, 2), np.nan), np.ones(2), 0.1, "NaN"),
        (np.ones((2, 2)), np.ones(2), 0.0, "sigma2"),
    ],
)
def test_refuses_data_it_cannot_be_conditioned_on(X, y, sigma2, message):
    """Shapes that do not match, numbers that are not finite, no noise."""
    with pytest.raises(ValueError, match=message):
        TrainedGPModel(X, y, ArcCosine(1, 1), sigma2)


def test_an_error_names_rows_as_they_were_given_whatever_the_block(example):
    """Row 7 is row 7, in the third block as well."""
    X, y, X_star, _ = example
    trained = TrainedGPModel(X, y, ArcCosine(1, 1), 0.1, Direct(BlockSizes(entries=3 * len(y))))
    X_star = X_star.copy()
    X_star[7] = 0.0
    with pytest.raises(LengthError) as caught:
        trained.predict(X_star)
    assert caught.value.rows == [7]
    X_star[7] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        trained.predict(X_star)


def test_what_a_model_was_trained_on_cannot_change_under_it(example):
    """The caller's array is the caller's."""
    X, y, X_star, _ = example
    mine = X.copy()
    trained = TrainedGPModel(mine, y, ArcCosine(1, 1), 0.1)
    before = trained.predict(X_star)
    mine *= -1.0
    assert np.array_equal(trained.predict(X_star), before)


def test_refuses_rows_of_another_width(example):
    """A request must have the training rows' columns."""
    X, y, _, _ = example
    with pytest.raises(ValueError, match=r"\(M, 2\) is wanted"):
        TrainedGPModel(X, y, ArcCosine(1, 1), 0.1).predict(np.ones((1, 3)))
