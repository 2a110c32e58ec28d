"""Metrics: the lines the tuner reads."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaussian_processes.algorithm import Metric
from gaussian_processes.errors import AlgorithmError
from gaussian_processes.job.contract.metric_lines import metric_line, metric_lines

METRICS = (
    Metric("train:N", None, "rows", needs_validation=False),
    Metric("train:log_evidence", "maximize", "evidence", needs_validation=False, negative=True),
    Metric("validation:MAE", "minimize", "mean absolute error"),
    Metric("validation:RMSE", "minimize", "root mean square error"),
)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_tuners_regex_reads_back_the_number(value):
    """Any finite float comes back to the bit; no tab or line break is in the way."""
    (line,) = metric_lines({"validation:RMSE": value}, METRICS, None)
    assert float(re.search("validation:RMSE=(.*?);", line).group(1)) == value
    assert line.isprintable()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_printed_in_plain_digits(value):
    """No exponent for a regex to stumble over, and no more digits than Python's own shortest form has."""
    text = metric_line("a", value).removeprefix("a=").removesuffix(";")
    assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text)
    digits = repr(value).partition("e")[0].replace(".", "").strip("-0")
    assert text.replace(".", "").strip("-0") == digits


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (-0.5, "-0.5"), (1.2e-5, "0.000012"), (1e16, "10000000000000000"), (0.1 + 0.2, "0.30000000000000004")],
)
def test_numbers_are_printed_as_one_would_write_them(value, text):
    """A whole number without its '.0', a small one with its zeros."""
    assert metric_line("a", value) == f"a={text};"


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


def test_an_objective_that_was_not_computed_is_a_failure():
    """A tuner that waits for it would wait in vain."""
    with pytest.raises(AlgorithmError, match="validation:MAE was not computed on these data"):
        metric_lines({"validation:RMSE": 1.0}, METRICS, "validation:MAE")


def test_an_algorithm_may_only_print_what_it_declares():
    """A metric that `describe` and the tuner do not know of is a fault of the algorithm."""
    with pytest.raises(ValueError, match="validation:F1"):
        metric_lines({"validation:F1": 1.0}, METRICS, None)
