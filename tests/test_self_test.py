"""The self-test in a model file: it holds wherever the model is the same, and for nothing else."""

import dataclasses
import math
import os
import subprocess
import sys

import nearest_neighbours
import numpy as np
import pytest
from processes import environ_of, run_train, write_opt_ml
from reference import ROOT
from reporting import Lines

from gaussian_processes import arc_cosine
from gaussian_processes.algorithm import Query
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.errors import AlgorithmError, DataError, RowError
from gaussian_processes.self_test import SelfTest
from gaussian_processes.storage.model_file import load_artifact

ALGORITHM = arc_cosine.algorithm


def dataset(X, y):
    return Dataset(X, y, (Source("a.csv", len(y)),))


def fitted(example, algorithm=ALGORITHM, **settings):
    training = dataset(*example[:2])
    model = algorithm.fit(training, algorithm.hyperparameters(**settings), Lines())
    return model, SelfTest.of(algorithm, model, training)


def changed(model, **state):
    return ALGORITHM.from_state({**ALGORITHM.state(model), **state})


@pytest.mark.last_digits
def test_a_trained_models_self_test_is_of_its_training_rows_and_holds(example_job, example):
    """The first, the middle and the last, with what the model predicts for them."""
    paths = example_job(bias="1")
    assert run_train(paths).returncode == 0
    artifact = load_artifact(paths.model, ALGORITHM)
    model, test = ALGORITHM.from_state(artifact.state), artifact.self_test
    test.check(ALGORITHM, model)
    assert np.array_equal(test.rows, example[0][[0, 50, 99]])
    wanted = ALGORITHM.predict(model, test.rows, Query(("mean", "std")))
    assert list(test.columns) == ["mean", "std"]
    for name, column in test.columns.items():
        assert column == pytest.approx(wanted[name], rel=1e-9)  # the job's code was compiled for another processor


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_no_row_is_tested_twice(rows):
    """Of a table of few rows, each once."""
    X = np.arange(2.0 * rows).reshape(rows, 2) + 1
    model = ALGORITHM.fit(dataset(X, X[:, 0]), ALGORITHM.hyperparameters(), Lines())
    assert np.array_equal(SelfTest.of(ALGORITHM, model, dataset(X, X[:, 0])).rows, X)


def test_another_solution_fails_with_what_was_found(example):
    """Row, output, both numbers and what to do."""
    model, test = fitted(example, bias=1)
    stored = test.columns["mean"][0]
    wrong = changed(model, alpha=1.01 * model.gp.solution.alpha)
    found = ALGORITHM.predict(wrong, test.rows, Query(("mean",)))["mean"][0]
    with pytest.raises(DataError, match=r"does not reproduce .* train again with this one\.") as caught:
        test.check(ALGORITHM, wrong)
    assert f"row 1, mean: found {found:.9g}, {stored:.9g} was stored" in str(caught.value)
    assert "std" not in str(caught.value)


@pytest.mark.last_digits
@pytest.mark.parametrize(
    "change",
    [
        lambda model: {"alpha": model.gp.solution.alpha[::-1]},
        lambda model: {"alpha": (1 + 1e-3) * model.gp.solution.alpha},
        lambda model: {"kernel": {**ALGORITHM.state(model)["kernel"], "l": 2}},
        lambda model: {"factor": (1 + 1e-3) * model.gp.solution.factor.L.rectangle},
        lambda model: {"factor": np.zeros_like(model.gp.solution.factor.L.rectangle)},
        lambda _: {"factor": None},
        lambda model: {"target_scaling": {"shift": np.array(0.0), "scale": model.target_scaling.scale}},
    ],
)
def test_any_part_that_is_not_as_it_was_fails(example, change):
    """The solution, the kernel, the factor, a scaling; with NaN, or with an output that is missing."""
    model, test = fitted(example, bias=1, target_scaling="standard", feature_scaling="standard")
    test.check(ALGORITHM, changed(model))
    with np.errstate(all="ignore"), pytest.raises(DataError, match="does not reproduce"):
        test.check(ALGORITHM, changed(model, **change(model)))


@pytest.mark.last_digits
def test_what_rounding_does_is_no_fault(example):
    """A part in 1e8 of a column's largest passes, a part in 1e4 does not."""
    model, test = fitted(example, bias=1)
    for size, passes in ((1e-8, True), (1e-4, False)):
        columns = {name: column + size * np.abs(column).max() for name, column in test.columns.items()}
        nearly = SelfTest(test.rows, columns)
        if passes:
            nearly.check(ALGORITHM, model)
        else:
            with pytest.raises(DataError, match=r"row 1, mean: .*; row 1, std: "):
                nearly.check(ALGORITHM, model)


@pytest.mark.parametrize("settings", [{"sigma2": 1e-12}, {"sigma2": 1e-3, "precision": "mixed"}], ids=str)
def test_a_model_whose_deviations_are_rounding_passes_on_another_processor(tmp_path, settings):
    """With the code that OpenBLAS has for an older one: what that rounds otherwise is not held against the file."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(300, 5))
    table = np.column_stack([X @ generator.normal(size=5), X])
    text = "\n".join(",".join(map(str, row)) for row in table.tolist())
    words = {"bias": "1", **{name: str(value) for name, value in settings.items()}}
    paths = write_opt_ml(tmp_path, {"training/a.csv": text}, words)
    assert run_train(paths).returncode == 0
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from gaussian_processes.algorithm import load_algorithm\n"
        "from gaussian_processes.storage.model_file import load_artifact\n"
        "artifact = load_artifact(Path(sys.argv[2]), algorithm := load_algorithm({}))\n"
        "artifact.self_test.check(algorithm, model := algorithm.from_state(artifact.state))\n"
        "print(*model.gp.predict(artifact.self_test.rows, return_std=True)[1].tolist())\n"
    )
    said = []
    for processor in ("Haswell", "Prescott", "Sandybridge"):
        environ = {**environ_of(paths), "OPENBLAS_CORETYPE": processor}
        command = [sys.executable, "-c", code, str(ROOT), str(paths.model)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    if os.uname().machine == "x86_64":
        assert len(set(said)) > 1  # else this test shows nothing


def test_only_the_answer_itself_is_tested_of_a_model_in_single_precision(example):
    """Its standard deviations may lose all their digits."""
    model, test = fitted(example, bias=1, precision="mixed")
    assert model.gp.solution.factor.L.rectangle.dtype == np.float32
    assert list(test.columns) == ["mean"]
    test.check(ALGORITHM, model)


def test_a_model_without_its_factor_tests_its_means(example):
    """Which is all it has."""
    model, test = fitted(example, include_variance=False)
    assert list(test.columns) == ["mean"]
    test.check(ALGORITHM, ALGORITHM.from_state(ALGORITHM.state(model)))


def with_predictions(change):
    def predict(model, rows, query):
        return change(dict(nearest_neighbours.predict(model, rows, query)), rows)

    return dataclasses.replace(nearest_neighbours.algorithm, predict=predict)


def test_what_is_not_a_number_is_not_tested(example):
    """A column of NaN, as some algorithms have where they do not know; where there is no other, training fails in words."""
    algorithm = with_predictions(lambda columns, _: {**columns, "std": columns["std"] * math.nan})
    model, test = fitted(example, algorithm)
    assert list(test.columns) == ["mean"]
    test.check(algorithm, model)
    with pytest.raises(AlgorithmError, match="no finite number"):
        fitted(example, with_predictions(lambda columns, _: {name: math.nan * columns[name] for name in columns}))


def test_a_number_that_is_none_any_more_fails(example):
    """NaN is as far from a number as can be, and so is no answer at all."""
    model, test = fitted(example, nearest_neighbours.algorithm)
    for change, said in (
        (lambda columns, _: {**columns, "std": columns["std"] * [1.0, math.nan, 1.0]}, "row 2, std: found nan, "),
        (lambda columns, _: {**columns, "std": columns["std"] + math.inf}, "row 1, std: found inf, "),
        (lambda columns, _: {"mean": columns["mean"]}, "std is missing"),
    ):
        with pytest.raises(DataError, match=f"does not reproduce .*: {said}"):
            test.check(with_predictions(change), model)


def test_truth_values_and_outputs_that_were_not_asked_for_are_left_out(example):
    """Only what the algorithm declares as usual is stored; columns beside each other, and whole numbers, are."""
    extra = {"extrapolating": np.zeros(3, bool), "more": np.zeros(3), "mean": np.array([[1, 2], [3, 4], [5, 6]])}
    algorithm = with_predictions(lambda columns, _: columns | extra)
    model, test = fitted(example, algorithm)
    assert list(test.columns) == ["mean", "std"]
    test.check(algorithm, model)
    assert test.columns["mean"].tolist() == [[1, 2], [3, 4], [5, 6]]
    with pytest.raises(DataError, match=r"mean: found shape \(3,\), \(3, 2\) was stored"):
        test.check(nearest_neighbours.algorithm, model)


def test_a_training_row_that_cannot_be_predicted_is_named_as_it_stands_in_the_data(example):
    """Not as the second of three."""

    def refuse(columns, rows):
        if len(rows) > 1:
            raise RowError([1], "is not to be predicted")
        return columns

    with pytest.raises(RowError, match="row 51 is not to be predicted"):
        fitted(example, with_predictions(refuse))
    model, test = fitted(example, nearest_neighbours.algorithm)
    with pytest.raises(DataError, match=r"does not reproduce .*: row 2 is not to be predicted"):
        test.check(with_predictions(refuse), model)
