"""Metrics: the lines the tuner reads, and the objectives that are refused before anything is paid for."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaussian_processes.algorithm import Metric
from gaussian_processes.errors import AlgorithmError, ConfigurationError
from gaussian_processes.job.metrics import metric_lines, require_objective

METRICS = (
    Metric("train:N", None, needs_validation=False),
    Metric("train:log_evidence", "maximize", needs_validation=False),
    Metric("validation:MAE", "minimize"),
    Metric("validation:RMSE", "minimize"),
)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_tuners_regex_reads_back_the_number(value):
    """Any finite float, sign and exponent included, comes back to the bit; no tab or line break is in the way."""
    (line,) = metric_lines({"validation:RMSE": value}, METRICS, None)
    assert float(re.search("validation:RMSE=(.*?);", line).group(1)) == value
    assert line.isprintable()


def test_the_objective_comes_last():
    """The tuner takes the latest value; the other lines keep the declared order."""
    values = {"validation:RMSE": 3.0, "validation:MAE": 2.5, "train:N": 100.0}
    assert metric_lines(values, METRICS, None) == ["train:N=100;", "validation:MAE=2.5;", "validation:RMSE=3;"]
    assert metric_lines(values, METRICS, "validation:MAE")[-1] == "validation:MAE=2.5;"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_never_printed(value):
    """Left out where nobody waits for it, a failure where it is the objective."""
    values = {"validation:MAE": value, "validation:RMSE": 1.0}
    assert metric_lines(values, METRICS, "validation:RMSE") == ["validation:RMSE=1;"]
    with pytest.raises(AlgorithmError, match=r"The tuning objective validation:MAE is .* a finite number is wanted"):
        metric_lines(values, METRICS, "validation:MAE")


def test_an_algorithm_may_only_print_what_it_declares():
    """A metric that `describe` and the tuner do not know of is a fault of the algorithm."""
    with pytest.raises(ValueError, match="validation:F1"):
        metric_lines({"validation:F1": 1.0}, METRICS, None)


def test_an_objective_that_cannot_be_printed_is_refused_at_once():
    """Unknown names, and names that need a channel the job does not have."""
    require_objective(None, METRICS, has_validation=False)
    require_objective("validation:RMSE", METRICS, has_validation=True)
    require_objective("train:log_evidence", METRICS, has_validation=False)
    with pytest.raises(ConfigurationError, match="train:N cannot be a tuning objective"):
        require_objective("train:N", METRICS, has_validation=True)
    with pytest.raises(ConfigurationError, match="needs a channel named 'validation'"):
        require_objective("validation:RMSE", METRICS, has_validation=False)
    with pytest.raises(ConfigurationError, match="validation:accuracy is not printed by this algorithm, which prints"):
        require_objective("validation:accuracy", METRICS, has_validation=True)
