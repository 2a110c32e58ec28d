"""The objective: found, or refused before anything is paid for."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaussian_processes.algorithm import Metric
from gaussian_processes.errors import ConfigurationError
from gaussian_processes.job.contract.metric_definitions import Definition, definition_for
from gaussian_processes.job.contract.metric_lines import metric_line
from gaussian_processes.job.contract.objective import (
    definition_faults,
    objective_metric,
    require_objective,
    require_spread,
)

COUNT = Metric("train:N", None, "rows", needs_validation=False)
LOO = Metric("train:LOO_RMSE", "minimize", "leave-one-out error", needs_validation=False, stands_in=True)
R2 = Metric("validation:R2", "maximize", "explained", needs_spread=True, negative=True)
F1 = Metric("validation:F1", "maximize", "score")
RMSE = Metric("validation:RMSE", "minimize", "root mean square error")
METRICS = (COUNT, LOO, R2, F1, RMSE)
TARGET = np.array([1.0, 2.0])


def faults(name, regex, objective=None):
    return definition_faults([Definition(name, regex)], objective, METRICS)


@pytest.mark.parametrize(
    ("name", "regex"),
    [
        ("validation:RMSE", "validation:RMSE=(.*?);"),
        ("validation:RMSE", r"validation:RMSE=([0-9\.]+)"),
        ("validation:RMSE", r"validation:RMSE=([-+0-9.eE]+);"),
        ("validation:RMSE", "validation.RMSE=(.*?);"),
        ("validation:R2", r"validation:R2=(-?[0-9\.]+)"),
        ("rmse", "validation:RMSE=(.*?);"),
        ("train:N", r"train:N=(\d+);"),
        ("train:N", r"train:N=(\d+)"),
        ("validation:RMSE", r"^validation:RMSE=(\S+);$"),
        ("validation:F1", "F1=(.*);"),
        ("validation:RMSE", "validation:RMSE=(?<value>.*?);"),
        ("validation:RMSE", "validation:RMSE=([[0-9.]+)"),
    ],
)
def test_a_regex_that_reads_its_metric_is_sound(name, regex):
    """Under the metric's name or another's; a count may be read as a whole number; an unescaped dot does no harm."""
    assert faults(name, regex) == []


TRAPS = {
    "no terminator": ("validation:F1", "F1=(.*?)", "captures '' from 'validation:F1=0.123456789012345;'"),
    "no sign": (
        "validation:R2",
        r"validation:R2=([0-9\.]+)",
        "captures nothing from 'validation:R2=-0.123456789012345;'",
    ),
    "whole numbers alone": ("validation:RMSE", r"validation:RMSE=(\d+)", "captures '0' from"),
    "a point is wanted": (
        "validation:RMSE",
        r"validation:RMSE=(\d+\.\d+)",
        "captures nothing from 'validation:RMSE=3;'",
    ),
    "few digits": ("validation:RMSE", r"validation:RMSE=(\d+\.\d{1,6})", "captures '0.123456' from"),
    "another's line too": (
        "validation:RMSE",
        "RMSE=(.*?);",
        "captures '0.123456789012345' from 'train:LOO_RMSE=0.123456789012345;'",
    ),
    "another's line": ("validation:RMSE", "train:LOO_RMSE=(.*?);", "from 'train:LOO_RMSE="),
    "the name's digit": ("validation:R2", r"([0-9\.]+)", "from 'train:N="),
    "case": ("validation:RMSE", "validation:rmse=(.*?);", "captures nothing from 'validation:RMSE="),
    "another separator": ("validation:RMSE", "validation:RMSE: (.*?);", "captures nothing from"),
    "no group": ("validation:RMSE", "validation:RMSE=.*?;", "has no group"),
    "the group elsewhere": ("validation:RMSE", "(validation):RMSE=(.*?);", "captures 'validation' from"),
    "not a regex": ("validation:RMSE", "validation:RMSE=(.*?;", "is not a regular expression: missing )"),
    "more repetitions than can be counted": (
        "validation:RMSE",
        r"validation:RMSE=(\d{99999999999});",
        "is not a regular expression: the repetition number is too large",
    ),
    "brackets inside brackets, hundreds of them": (
        "validation:RMSE",
        "(" * 3000 + "a" + ")" * 3000,
        "is not a regular expression: ",
    ),
    "quantifiers inside quantifiers": (
        "validation:RMSE",
        r"((\d+)*\.?)+x",
        "takes more than 1 s for 'validation:RMSE=0.123456789012345;': a quantifier in a quantifier, as in (a+)+",
    ),
    "two metrics": (
        "rmse",
        "RMSE=(.*?);",
        "from 'train:LOO_RMSE=0.123456789012345;' and '0.123456789012345' from 'validation:RMSE=",
    ),
    "no metric": ("loss", "loss=(.*?);", "captures nothing from 'validation:RMSE=0.123456789012345;'; the number of"),
    "every metric": ("loss", "=(.*?);", "from 'train:N=0.123456789012345;' and '0.123456789012345' from 'train:LOO"),
}


@pytest.mark.parametrize(("name", "regex", "words"), TRAPS.values(), ids=TRAPS)
def test_a_regex_that_misreads_is_refused_with_the_one_to_paste(name, regex, words):
    """The regex found, what it takes from which line, and an entry of MetricDefinitions that is sound."""
    (fault,) = faults(name, regex)
    assert fault.startswith(f"The regex {regex} of {name} ")
    assert words in fault
    pasted = json.loads(fault.partition(" Paste ")[2].removesuffix("."))
    assert pasted["Name"] == name
    assert faults(**{key.lower(): value for key, value in pasted.items()}) == []


def test_every_faulty_definition_has_its_sentence():
    """One more for an objective that none of them defines."""
    definitions = [Definition("validation:F1", "F1=(.*?)"), Definition("validation:R2", "R2")]
    found = definition_faults(definitions, "validation:RMSE", METRICS)
    assert len(found) == 3
    assert found[2] == (
        "MetricDefinitions do not define the tuning objective validation:RMSE, but validation:F1, validation:R2. "
        'Paste {"Name": "validation:RMSE", "Regex": "validation:RMSE=(.*?);"}.'
    )
    with pytest.raises(ConfigurationError) as caught:
        require_objective("validation:RMSE", definitions, METRICS, has_validation=True)
    assert str(caught.value) == " ".join(found)


def test_faulty_definitions_are_refused_without_a_tuning_job_too():
    """A training job's metrics would be missing from its description, or wrong."""
    with pytest.raises(ConfigurationError, match="captures ''"):
        require_objective(None, [Definition("validation:F1", "F1=(.*?)")], METRICS, has_validation=True)


names = st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="=;"), min_size=1, max_size=6)


@given(
    st.lists(
        st.builds(Metric, names, st.just("minimize"), st.just(""), negative=st.booleans()),
        min_size=1,
        unique_by=lambda metric: metric.name,
    )
)
def test_the_definitions_that_are_offered_are_sound(metrics):
    """Whatever an algorithm calls its metrics."""
    assert definition_faults([definition_for(metric, metrics) for metric in metrics], None, metrics) == []


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False, width=32))
def test_a_sound_regex_reads_other_numbers_than_the_specimens(value):
    """What passes on the specimens takes any number from the log."""
    for regex in ("validation:RMSE=(.*?);", r"validation:RMSE=([0-9\.]+)"):
        assert float(re.search(regex, metric_line("validation:RMSE", value)).group(1)) == value


def test_an_objective_under_another_name_is_the_metric_that_its_definition_reads():
    """A declared name is that metric; no tuning job, no metric."""
    alias = [Definition("rmse", "validation:RMSE=(.*?);")]
    assert objective_metric("rmse", alias, METRICS) is RMSE
    assert objective_metric("validation:F1", alias, METRICS) is F1
    assert require_objective("rmse", alias, METRICS, has_validation=True) is RMSE
    assert require_objective("validation:RMSE", (), METRICS, has_validation=True) is RMSE
    assert require_objective(None, alias, METRICS, has_validation=False) is None


def test_what_stands_in_for_validation_needs_none():
    """With a validation channel it may be the objective too."""
    assert require_objective(LOO.name, (), METRICS, has_validation=False) is LOO
    assert require_objective(LOO.name, (), METRICS, has_validation=True) is LOO


@pytest.mark.parametrize(
    ("objective", "has_validation", "message"),
    [
        ("train:N", True, "train:N cannot be a tuning objective: neither a larger nor a smaller"),
        ("validation:RMSE", False, "validation:RMSE needs a channel named 'validation', and the job has none"),
        ("rmse", True, "The tuning objective rmse is not printed by this algorithm, which prints train:N, train:LOO"),
        ("RMSE", True, r'MetricDefinitions accordingly, such as \[{"Name": "validation:RMSE", "Regex": "valid'),
    ],
)
def test_an_objective_that_cannot_be_printed_is_refused_at_once(objective, has_validation, message):
    """Unknown names, numbers that are no objective, and what the job has no channel for."""
    with pytest.raises(ConfigurationError, match=message):
        require_objective(objective, (), METRICS, has_validation=has_validation)


@pytest.mark.parametrize("target", [np.full(3, 0.1), np.ones(1)], ids=len)
def test_an_objective_that_needs_spread_is_refused_for_a_constant_target(target):
    """Before the training; other objectives have a value."""
    with pytest.raises(ConfigurationError, match=rf"constant, .* channel's is {target[0]:g} in every row"):
        require_spread(R2, target)
    require_spread(RMSE, target)
    require_spread(R2, np.array([1.0, 2.0]))


def test_an_alias_is_refused_under_both_names():
    """The one in the request, and the one that is printed."""
    alias = [Definition("loss", "validation:RMSE=(.*?);")]
    with pytest.raises(ConfigurationError, match=r"The tuning objective loss \(validation:RMSE\) needs a channel"):
        require_objective("loss", alias, METRICS, has_validation=False)


def test_an_algorithm_without_metrics_has_no_objective():
    """Nor anything to define; a job that asks for neither is none the worse."""
    assert require_objective(None, (), (), has_validation=True) is None
    for objective, definitions in ((None, [Definition("a", "a=(.*?);")]), ("a", ())):
        with pytest.raises(ConfigurationError, match="This algorithm prints no metrics"):
            require_objective(objective, definitions, (), has_validation=True)
