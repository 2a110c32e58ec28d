"""The automatic choice: never worse than what the job has seen, on little noise, copies, constants and few rows."""

import json
import math
import re

import numpy as np
import pytest
from processes import run_train, write_opt_ml
from reference import ROOT
from reporting import Lines, metrics_in
from threadpoolctl import threadpool_limits

from gaussian_processes.arc_cosine import Hyperparameters, algorithm
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.errors import AlgorithmError
from gaussian_processes.gp import TrainedGPModel
from gaussian_processes.gp.linalg.cholesky import NotPositiveDefiniteError

# The settings that the README recommends for a table of which nothing is known.
README = (ROOT / "README.md").read_text()
SETTINGS = json.loads(re.search(r"\{\"q\": \"auto\"[^}]*\}", README).group())


def fitted(X, y, reporter=None, **hyperparameters):
    dataset = Dataset(X, y, (Source("a.csv", len(y)),))
    with threadpool_limits(1):
        return algorithm.fit(
            dataset, Hyperparameters(**(SETTINGS | hyperparameters)), Lines() if reporter is None else reporter
        )


def csv(X, y):
    return "".join(",".join(map(repr, line)) + "\n" for line in np.column_stack([y, X]).tolist())


def linear(generator, N):
    X = generator.normal(size=(N, 3))
    return X, X @ [1.0, 2.0, 3.0]


def quadratic(generator, N):
    X = generator.uniform(-2, 2, size=(N, 3))
    return X, X[:, 0] ** 2 + X[:, 1] * X[:, 2] + X[:, 0]


def sine(generator, N):
    X = generator.uniform(-3, 3, size=(N, 1))
    return X, np.sin(2 * X[:, 0])


def rough(generator, N):
    X = generator.normal(size=(N, 5))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] * np.abs(X[:, 2])


def table(function, noise, seed=0, N=40):
    generator = np.random.default_rng(seed)
    X, f = function(generator, N)
    return X, f + noise * f.std() * generator.normal(size=N)


@pytest.mark.parametrize("criterion", ["evidence", "loo"])
@pytest.mark.parametrize("function", [linear, quadratic, sine, rough], ids=lambda function: function.__name__)
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.3])
def test_the_end_is_never_below_what_the_job_has_seen(function, noise, criterion):
    """Every value of the criterion that the log tells, of pilots, of kernels compared and of iterations."""
    X, y = table(function, noise)
    lines = Lines()
    model = fitted(X, y, lines, criterion=criterion, l="0,1,4", iterations=30)
    told = [float(value) for line in lines for value in re.findall(r"(?:evidence|density) (-?\d+\.\d+)", line)]
    told += [float(value) for line in lines if line.startswith("  q=") for value in re.findall(r"-?\d+\.\d\d\b", line)]
    assert len(told) > 30
    gp = model.gp
    again = TrainedGPModel(gp.X, gp.y, gp.kernel, gp.sigma2)
    value = again.log_evidence if criterion == "evidence" else again.leave_one_out().log_density.sum()
    assert value - len(y) * math.log(float(model.target_scaling.scale)) >= max(told) - 0.006


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_plane_with_little_noise_is_learned(noise, seed):
    """40 rows of x1 + 2 x2 + 3 x3: left out one by one, their errors are those of least squares or less than twice that."""
    X, y = table(linear, noise, seed)
    model, errors = fitted(X, y), []
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        gp = TrainedGPModel(model.gp.X[rest], model.gp.y[rest], model.gp.kernel, model.gp.sigma2)
        mean = model.target_scaling.invert(gp.predict(model.gp.X[i : i + 1]))
        plane, *_ = np.linalg.lstsq(np.column_stack([X[rest], np.ones(39)]), y[rest], rcond=None)
        errors.append((mean[0] - y[i], np.append(X[i], 1.0) @ plane - y[i]))
    ours, least_squares = np.sqrt(np.mean(np.square(errors), axis=0))
    assert ours < max(2.0 * least_squares, 1e-4)


@pytest.mark.parametrize(
    ("features", "target", "copies"), [(0.0, 0.0, 8), (1e-4, 1e-4, 8), (1e-4, 0.0, 100), (0.0, 0.0, 200)]
)
def test_copies_of_rows_do_not_hide_the_noise(features, target, copies):
    """Of a rough function with noise 0.7: sigma2 and coverage are those of the table without them, and the log names them."""
    generator = np.random.default_rng(0)
    X, f = rough(generator, 200)
    y = f + 0.7 * generator.normal(size=200)
    X = np.vstack([X, X[:copies] + features * generator.normal(size=(copies, 5))])
    y = np.append(y, y[:copies] + target * generator.normal(size=copies))
    lines = Lines()
    model = fitted(X, y, lines, q="0,1,2", l="0,1")
    assert any(f"{copies} of {200 + copies} rows repeat others" in line and "row 201" in line for line in lines)
    unit = float(model.target_scaling.scale)
    assert unit**2 * model.gp.sigma2 == pytest.approx(0.49, rel=0.4)
    X_star, f_star = rough(generator, 500)
    mean, std = model.gp.predict(model.feature_scaling.apply(X_star), return_std=True)
    distance = np.abs(f_star + 0.7 * generator.normal(size=500) - model.target_scaling.invert(mean))
    assert 0.9 <= np.mean(distance <= 1.96 * unit * np.sqrt(std**2 + model.gp.sigma2)) <= 0.99
    assert model.warnings == ()


@pytest.mark.parametrize("settings", [{"target_scaling": "none"}, {}, {"q": 1, "l": 1, "geometry": "sphere"}], ids=str)
@pytest.mark.parametrize("constant", [7.0, 0.0, -1e200])
def test_a_constant_target_is_predicted_as_it_is(constant, settings):
    """With a line in the log, whatever is learned and however the target is scaled."""
    X, _ = table(linear, 0.0)
    lines = Lines()
    model = fitted(X, np.full(40, constant), lines, **settings)
    prediction = model.target_scaling.invert(model.gp.predict(np.random.default_rng(1).normal(size=(9, 3))))
    np.testing.assert_array_equal(prediction, constant)
    assert "The target is constant in the rows to learn from: kernel and noise stay as given." in lines


def test_a_constant_target_keeps_the_formulas_to_the_letter():
    """Where nothing is learned: E[y] = k^T M^-1 y, which is not the constant."""
    X, y = table(linear, 0.0)[0], np.full(40, 7.0)
    model = fitted(X, y, q=1, l=1, geometry="sphere", optimize="none", target_scaling="none", feature_scaling="none")
    K = model.gp.kernel.gram(X)
    np.testing.assert_allclose(model.gp.predict(X), K @ np.linalg.solve(K + 0.1 * np.eye(40), y), rtol=1e-9)


def test_noise_that_was_learned_from_some_rows_is_raised_until_all_can_be_factored():
    """No further than that, with a line for each step, and as a learned value; noise that was given is not touched."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(400, 1))
    y = np.sin(X[:, 0])
    some = {
        "q": 4,
        "l": 0,
        "geometry": "sphere",
        "learning_rows": 12,
        "bounds": {"sigma2": (1e-30, 1.0)},
        "sigma2": 1e-20,
    }
    lines = Lines()
    model = fitted(X, y, lines, **some)
    raised = [line for line in lines if "is too small to solve for all 400 rows: it is raised to" in line]
    assert raised
    assert model.gp.sigma2 == model.learned["sigma2"] < 1e-6
    with pytest.raises(NotPositiveDefiniteError):
        TrainedGPModel(model.gp.X, model.gp.y, model.gp.kernel, model.gp.sigma2 / 3.0)
    with pytest.raises(AlgorithmError, match="not positive definite"):
        fitted(X, y, **some | {"optimize": "variance", "sigma2": 1e-30})


def test_the_bounds_of_the_noise_are_those_of_the_target():
    """In its own units, whatever they are: y and 1000 y give the same kernel, and a million times the noise."""
    X, y = table(sine, 0.3)
    some = {
        "q": "1,2",
        "l": 0,
        "geometry": "sphere",
        "target_scaling": "none",
        "bias": 1.0,
        "optimize": "sigma2,variance",
    }
    one, other = fitted(X, y, **some), fitted(X, 1e-5 * y, **some, bounds={"variance": (1e-20, 1e8)})
    assert other.gp.sigma2 == pytest.approx(1e-10 * one.gp.sigma2, rel=1e-3)
    bounded = fitted(X, y, **some, bounds={"sigma2": (0.9, 1.0)})
    assert bounded.gp.sigma2 == pytest.approx(0.9)
    assert all("bound" in warning for warning in bounded.warnings)
    assert bounded.warnings


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("unit", [1e-200, 1e200, 1e307])
def test_targets_whose_squares_are_no_numbers_are_refused(unit):
    """Unscaled, with the remedy; standardised they are learned as in any other unit."""
    X, y = table(sine, 0.3)
    with pytest.raises(AlgorithmError, match="Set target_scaling=standard"):
        fitted(X, unit * y, q="1,2", l=0, geometry="sphere", target_scaling="none")
    one, other = (fitted(X, factor * y, q=1, l=0, geometry="sphere", optimize="sigma2") for factor in (1.0, unit))
    np.testing.assert_allclose(other.gp.predict(X), one.gp.predict(X), rtol=1e-3)


def test_lengthscales_for_more_features_than_rows_are_warned_of():
    """Of noise alone, what is left out is predicted too well."""
    generator = np.random.default_rng(0)
    model = fitted(
        generator.normal(size=(12, 30)), generator.normal(size=12), q=1, l=1, geometry="sphere", iterations=5
    )
    assert any("30 lengthscales were learned from 12 rows" in warning for warning in model.warnings)


def test_warnings_end_the_log_and_are_in_the_report_and_in_the_model(tmp_path):
    """A noise at its bound, and standard deviations that are rounding: the server says it again."""
    X, y = table(linear, 0.3)
    settings = {"q": "2", "geometry": "homogeneous", "sigma2": "0.1"}
    paths = write_opt_ml(tmp_path, {"training/a.csv": csv(1e6 * X, y)}, settings)
    done = run_train(paths)
    assert done.returncode == 0
    last = done.stdout.splitlines()[-1]
    assert last.startswith("Warning: The prior variance of the rows is as large as ")
    assert "standard deviations and intervals are noise. Set feature_scaling=standard" in last
    assert json.loads((paths.output_data / "metrics.json").read_text())["warnings"] == [last.removeprefix("Warning: ")]
    assert "standard deviations and intervals are noise" in (paths.output_data / "report.html").read_text()
    assert run_train(write_opt_ml(tmp_path / "b", {"training/a.csv": csv(X, y)}, settings)).stdout.count("Warning") == 0


def test_metrics_of_a_plane_have_the_evidence_of_the_whole(tmp_path):
    """What the job prints for the recommended settings on a plane without noise."""
    X, y = table(linear, 0.0)
    done = run_train(write_opt_ml(tmp_path, {"training/a.csv": csv(X, y)}, SETTINGS))
    assert done.returncode == 0
    assert metrics_in(done.stdout)["train:LOO_RMSE"] < 1e-4
