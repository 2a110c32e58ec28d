"""The solver: a factor, or conjugate gradients and means alone, as the user says or as the memory has it."""

import math
import re

import pytest
from processes import run_train
from reporting import metrics_in

from gaussian_processes.algorithm import Query, Size
from gaussian_processes.arc_cosine import Hyperparameters, algorithm
from gaussian_processes.errors import PlatformError
from gaussian_processes.job.planning.plan import Machine, settle
from gaussian_processes.job.planning.strategy import Way
from gaussian_processes.storage.model_file import load_artifact

MEANS = {"train:N", "validation:MAE", "validation:R2", "validation:RMSE"}


@pytest.mark.last_digits
def test_conjugate_gradients_give_the_means_of_the_factor(example_job):
    """And the residual that says so; nothing is claimed that needs a factor."""
    found = {solver: run_train(example_job(solver, solver=solver, bias="1")) for solver in ("direct", "cg")}
    assert {done.returncode for done in found.values()} == {0}, found
    direct, cg = (metrics_in(found[solver].stdout) for solver in ("direct", "cg"))
    assert set(cg) == MEANS
    assert set(direct) > MEANS
    for name in MEANS:
        assert float(cg[name]) == pytest.approx(float(direct[name]), rel=1e-6)
    residual = re.search(r"to a relative residual of (\S+)\.", found["cg"].stdout)
    assert float(residual[1]) <= 1e-8


@pytest.mark.last_digits
def test_a_model_of_conjugate_gradients_answers_with_means_alone(example_job, example):
    """Whatever include_variance says: there is no factor to keep."""
    rows = example[2]
    means = {}
    for solver in ("direct", "cg"):
        paths = example_job(solver, solver=solver, include_variance="true", bias="1")
        assert run_train(paths).returncode == 0
        model = algorithm.from_state(load_artifact(paths.model, algorithm).state)
        columns = algorithm.predict(model, rows, Query(("mean", "std")))
        assert ("std" in columns) == (solver == "direct")
        means[solver] = columns["mean"]
    assert means["cg"] == pytest.approx(means["direct"], rel=1e-6)


@pytest.mark.parametrize("objective", ["train:log_evidence", "validation:NLPD"])
def test_an_objective_that_needs_a_factor_is_refused_before_the_training(example_job, objective):
    """With what there is to do."""
    done = run_train(example_job(solver="cg", _tuning_objective_metric=objective))
    assert done.returncode == 2
    assert f"The tuning objective {objective} is not to be had of a model that is learned in this way" in done.stderr
    assert "relative residual" not in done.stdout


def test_without_a_validation_channel_the_rows_are_counted_and_no_more(example_job):
    """Leaving rows out needs a factor too."""
    paths = example_job(solver="cg")
    (paths.data / "validation/validation.csv").unlink()
    (paths.data / "validation").rmdir()
    done = run_train(paths)
    assert done.returncode == 0, done.stderr
    assert metrics_in(done.stdout) == {"train:N": 100.0}


@pytest.mark.parametrize(
    ("solver", "include_variance", "taken"),
    [
        ("auto", False, "cg"),
        ("auto", True, None),
        ("direct", False, None),
        ("cg", True, "cg"),
    ],
)
def test_where_the_factor_has_no_room_means_are_had_without_it(solver, include_variance, taken):
    """Where they alone are asked for, or where that was said; 1 GB has room for 15,000 rows' factor."""
    given = Hyperparameters(solver=solver, include_variance=include_variance)
    machine = Machine(2, 1e9, math.inf)
    if taken is None:
        with pytest.raises(PlatformError, match="30000 rows of 5 features needs 3"):
            settle(algorithm, Size(30_000, 5), given, machine)
    else:
        way = settle(algorithm, Size(30_000, 5), given, machine)
        assert way == Way(given.model_copy(update={"solver": taken}))
    fitting = settle(algorithm, Size(10_000, 5), given, machine)
    assert fitting.hyperparameters.solver == ("cg" if solver == "cg" else "direct")
