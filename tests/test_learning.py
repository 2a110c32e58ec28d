"""Learning as a job has it: what `optimize`, `q=auto` and checkpoints do to `train`, and what it leaves."""

import json
import random
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from processes import environ_of, run_train, write_opt_ml
from reference import ROOT
from reporting import Lines, metrics_in
from threadpoolctl import threadpool_limits

from gaussian_processes.algorithm import Size
from gaussian_processes.arc_cosine import Hyperparameters, algorithm
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.errors import AlgorithmError, ConfigurationError
from gaussian_processes.gp import ArcCosine, TrainedGPModel

pytestmark = pytest.mark.slow

ALL = {"optimize": "all", "geometry": "homogeneous", "bias": "1", "feature_scaling": "standard"}
AUTO = {**ALL, "q": "auto", "l": "0,1", "geometry": "auto", "degree": "1", "target_scaling": "standard"}


def rows(N, d=3, seed=0):
    """Of which the last feature says nothing."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(N, d))
    return X, np.sin(2 * X[:, 0]) + 0.5 * X[:, 1] + 0.1 * generator.normal(size=N)


def csv(N, d=3, seed=0):
    X, y = rows(N, d, seed)
    return "".join(",".join(map(repr, line)) + "\n" for line in np.column_stack([y, X]).tolist())


def fitted(X, y, reporter=None, **hyperparameters):
    dataset = Dataset(X, y, (Source("a.csv", len(y)),))
    with threadpool_limits(1):  # many small matrices: threads only wait for each other
        return algorithm.fit(dataset, Hyperparameters(**hyperparameters), Lines() if reporter is None else reporter)


def evidence(X, y, model):
    """Of a process trained anew with what was learned."""
    return TrainedGPModel(X, y, model.gp.kernel, model.gp.sigma2).log_evidence


@pytest.mark.last_digits
def test_what_is_learned_is_in_the_model_the_metrics_and_the_report(tmp_path):
    """One set of numbers in all three places, and the evidence is that of a process with these numbers."""
    X, y = rows(60)
    paths = write_opt_ml(tmp_path, {"training/a.csv": csv(60), "validation/b.csv": csv(20, seed=1)}, ALL)
    done = run_train(paths)
    assert (done.returncode, done.stderr) == (0, "")
    printed = metrics_in(done.stdout)
    learned = {name.removeprefix("learned:"): value for name, value in printed.items() if name.startswith("learned:")}
    lengthscales = [f"lengthscale_{n}" for n in (1, 2, 3)]
    assert learned.keys() == {"sigma2", "variance", "bias", "degree", *lengthscales}
    document = json.loads((paths.output_data / "metrics.json").read_text())
    assert document["learned"] == learned
    assert list(printed)[-1] == "validation:RMSE"
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    kernel = ArcCosine(
        1,
        1,
        "homogeneous",
        learned["bias"],
        learned["degree"],
        learned["variance"],
        tuple(learned[name] for name in lengthscales),
    )
    assert printed["train:log_evidence"] == pytest.approx(
        TrainedGPModel(Z, y, kernel, learned["sigma2"]).log_evidence, rel=1e-9
    )
    assert learned["lengthscale_3"] > 5 * learned["lengthscale_1"]
    assert '<th scope="col">Learned</th>' in (paths.output_data / "report.html").read_text()


def test_every_iteration_is_told_and_the_last_is_the_metrics(tmp_path):
    """In nats of the target as it is, whatever it was scaled by."""
    settings = {**ALL, "target_scaling": "standard", "bounds": '{"sigma2": [1e-8, 10]}'}
    paths = write_opt_ml(tmp_path, {"training/a.csv": csv(40)}, settings)
    done = run_train(paths)
    assert ' bounds={"sigma2": [1e-08, 10.0]} ' in done.stdout.splitlines()[0]
    values = [float(value) for value in re.findall(r"iteration \d+: log evidence (\S+),", done.stdout)]
    assert len(values) > 5
    assert values == sorted(values)
    assert values[-1] == pytest.approx(metrics_in(done.stdout)["train:log_evidence"], abs=2e-3)
    assert "Log evidence over the learning" in (paths.output_data / "report.html").read_text()


def test_nothing_is_learned_unless_it_is_asked_for():
    """Hyperparameters of learning alone change nothing."""
    X, y = rows(30)
    plain, other = fitted(X, y), fitted(X, y, criterion="loo", restarts=3, iterations=5)
    assert plain.learned == other.learned == {}
    assert plain.gp.kernel == other.gp.kernel == ArcCosine(1, 1)


@pytest.mark.last_digits
def test_of_all_kernels_the_best_is_kept():
    """None of the others, learned by itself from the same start, has a greater evidence by more than a nat."""
    X, y = rows(60)
    settings = {"bias": 1.0, "degree": 1.0, "optimize": "all", "target_scaling": "standard"}
    model = fitted(X, y, q="0,1,2", l="0,1", geometry="auto", **settings)
    for q in (0, 1, 2):
        for geometry in ("sphere", "homogeneous"):
            other = fitted(X, y, q=q, l=1, geometry=geometry, **settings)
            assert model.gp.log_evidence > other.gp.log_evidence - 1.0
    assert (model.learned["q"], model.learned["l"]) == (model.gp.kernel.q, model.gp.kernel.l)


@pytest.mark.last_digits
def test_all_combinations_are_told_with_their_own_best_noise_and_variance():
    """A table of the values in the log, and the same for the report; each is the evidence of an own search's end."""
    X, y = rows(50)
    lines = Lines()
    model = fitted(X, y, lines, q="0,1", l="0,2", bias=1.0)
    comparison = model.comparison
    assert comparison.criterion == "log evidence"
    assert [variant.settings for variant in comparison.variants] == [
        {"q": q, "l": l, "geometry": "sphere"} for q in (0, 1) for l in (0, 2)
    ]
    for variant in comparison.variants:
        own = fitted(X, y, q=variant.settings["q"], l=variant.settings["l"], bias=1.0, optimize="sigma2,variance")
        assert variant.value == pytest.approx(own.gp.log_evidence, abs=0.02)
        assert any(f"{variant.value:.2f}" in line for line in lines)
    best = max(comparison.variants, key=lambda variant: variant.value)
    assert comparison.chosen == best.settings
    assert evidence(X, y, model) >= best.value - 1e-9


@pytest.mark.last_digits
def test_some_rows_are_enough_to_learn_from():
    """All are trained on; the same seed takes the same rows, another one others."""
    X, y = rows(80)
    one, same, other = (
        fitted(X, y, optimize="sigma2,variance", bias=1.0, learning_rows=40, seed=seed) for seed in (0, 0, 1)
    )
    assert len(one.gp.y) == 80
    assert one.gp.sigma2 == same.gp.sigma2 != other.gp.sigma2


def test_lengthscales_that_are_not_one_for_each_feature_are_refused():
    """With both numbers."""
    with pytest.raises(ConfigurationError, match="lengthscales has 2 numbers and the training channel 3 features"):
        fitted(*rows(10), lengthscales="1,2")


@pytest.mark.last_digits
def test_one_lengthscale_is_for_all_features():
    """As if the features had been divided."""
    X, y = rows(20)
    one, other = fitted(X, y, lengthscales="2", bias=1.0), fitted(X / 2.0, y, bias=1.0)
    np.testing.assert_allclose(one.gp.solution.alpha, other.gp.solution.alpha, rtol=1e-9)


def test_where_no_kernel_can_be_computed_it_says_so():
    """Rows of one direction, without noise that is allowed."""
    X = np.ones((30, 2)) * np.arange(1.0, 31.0)[:, None]
    with pytest.raises(AlgorithmError):
        fitted(X, np.arange(30.0), q=1, l=0, optimize="sigma2", sigma2=1e-300, bounds={"sigma2": (1e-301, 1e-299)})


def test_a_job_with_a_former_name_of_bounds_fails_with_the_new_spelling(tmp_path):
    """Exit code 2, and a line to copy."""
    paths = write_opt_ml(tmp_path, {"training/a.csv": csv(10)}, {"sigma2_bounds": "1e-6,10"})
    assert run_train(paths).returncode == 2
    assert 'sigma2_bounds is now bounds={"sigma2": [1e-06, 10.0]}.' in paths.failure.read_text()


def test_learning_is_a_part_of_what_a_job_is_said_to_take():
    """More time with every run, more memory for leave-one-out; from few rows neither."""
    size = Size(2000, 5)
    plain = algorithm.needs(size, Hyperparameters())
    one = algorithm.needs(size, Hyperparameters(optimize="all"))
    more = algorithm.needs(size, Hyperparameters(optimize="all", restarts=2, criterion="loo"))
    few = algorithm.needs(size, Hyperparameters(optimize="all", learning_rows=100))
    assert plain.operations < few.operations < 1.5 * plain.operations < one.operations < more.operations / 3
    assert one.memory == plain.memory == few.memory < more.memory
    assert one.disk == plain.disk


def iterations_in(lines):
    """What was told of iterations, but for the parts of lines that SIGKILL leaves."""
    return [line for line in lines if re.match(r"learning .*iteration \d+:.*\n", line)]


def started(paths):
    command = [sys.executable, "-W", "error", str(ROOT / "gaussian_processes/train")]
    return subprocess.Popen(command, env=environ_of(paths), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_job_that_is_killed_again_and_again_learns_what_an_uninterrupted_one_does(tmp_path):
    """SIGKILL at random moments; what was computed is not computed again, and every digit is the same."""
    channels = {"training/a.csv": csv(120), "validation/b.csv": csv(20, seed=1)}
    whole = run_train(write_opt_ml(tmp_path / "whole", channels, AUTO))
    assert whole.returncode == 0
    paths = write_opt_ml(tmp_path / "killed", channels, AUTO)
    (tmp_path / "killed/checkpoints").mkdir()
    moments, kills, iterations, went_on, ended = random.Random(1), 0, [], 0, False
    while not ended:
        with started(paths) as process:
            lines, patience = [], moments.randrange(1, 60)
            for line in process.stdout:
                lines.append(line)
                if len(iterations_in(lines)) == patience:
                    time.sleep(0.05 * moments.random())
                    process.kill()
            ended = process.wait() == 0
            assert ended or process.returncode == -signal.SIGKILL, process.stderr.read()
        kills += not ended
        iterations += iterations_in(lines)
        went_on += any(line.startswith("learning resumes after") for line in lines)
    assert went_on == kills >= 3
    assert metrics_in("".join(lines)) == metrics_in(whole.stdout)
    # An iteration that was kept is not done again: at most the one that each kill interrupted is told twice.
    told = iterations_in(whole.stdout.splitlines(keepends=True))
    assert len(told) - kills <= len(iterations) <= len(told) + kills
    assert set(iterations) <= set(told)


def test_a_checkpoint_of_other_hyperparameters_is_refused(tmp_path):
    """Exit code 2, what differs in words, and the file as it was."""
    paths = write_opt_ml(tmp_path, {"training/a.csv": csv(30)}, ALL)
    (tmp_path / "checkpoints").mkdir()
    assert run_train(paths).returncode == 0
    kept = tmp_path / "checkpoints/training.checkpoint.pkl"
    before = kept.read_bytes()
    (tmp_path / "input/config/hyperparameters.json").write_text(json.dumps({**ALL, "restarts": "1"}))
    done = run_train(paths)
    assert done.returncode == 2
    assert "restarts" in paths.failure.read_text()
    assert kept.read_bytes() == before
