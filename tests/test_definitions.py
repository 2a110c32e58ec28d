"""Metric definitions: read from whatever SageMaker leaves of the request, in whatever shape."""

import json
import re
import signal

import pytest

from gaussian_processes.algorithm import Metric
from gaussian_processes.job.contract.metric_definitions import Definition, definition_for, read_definitions, reading
from gaussian_processes.job.contract.paths import OptMl

RMSE = {"Name": "validation:RMSE", "Regex": "validation:RMSE=(.*?);"}
MAE = {"Name": "validation:MAE", "Regex": "validation:MAE=(.*?);"}
BOTH = (Definition(*RMSE.values()), Definition(*MAE.values()))


@pytest.fixture
def job(tmp_path):
    """A function that writes the two files and reads the definitions; None leaves a file out."""

    def read(definitions=None, request=None):
        paths = OptMl(tmp_path)
        paths.metric_definitions.parent.mkdir(parents=True)
        for path, document in ((paths.metric_definitions, definitions), (paths.training_job_config, request)):
            if document is not None:
                path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
        return read_definitions(paths)

    return read


@pytest.mark.parametrize(
    "document",
    [
        [RMSE, MAE],
        [{"name": "validation:RMSE", "regex": "validation:RMSE=(.*?);"}, MAE],
        {"validation:RMSE": "validation:RMSE=(.*?);", "validation:MAE": "validation:MAE=(.*?);"},
        {"MetricDefinitions": [RMSE, MAE]},
        {"metrics": {"validation:RMSE": "validation:RMSE=(.*?);", "validation:MAE": "validation:MAE=(.*?);"}},
        {"validation:RMSE": {"Regex": "validation:RMSE=(.*?);"}, "validation:MAE": {"REGEX": MAE["Regex"]}},
        [[RMSE], [MAE, RMSE]],
        {"version": "1", "definitions": [RMSE, MAE]},
    ],
    ids=json.dumps,
)
def test_definitions_are_read_in_any_shape(job, document):
    """A list of names and regexes, a dictionary from one to the other, either of them deeper down."""
    assert job(definitions=document) == BOTH


@pytest.mark.parametrize(
    "document",
    [
        {"AlgorithmSpecification": {"TrainingImage": "image", "MetricDefinitions": [RMSE, MAE]}},
        {"algorithmSpecification": {"metricDefinitions": [RMSE, MAE]}, "hyperParameters": {"a": "(b)"}},
        {"TrainingJob": [{"algorithm_specification": {"metric_definitions": [RMSE, MAE]}}]},
    ],
    ids=json.dumps,
)
def test_definitions_are_found_in_the_request(job, document):
    """Under their name, however that is spelt; other pairs of strings are none."""
    assert job(request=document) == BOTH


def test_the_definitions_own_file_comes_first(job):
    """The request is looked at where that file holds none."""
    assert job(definitions=[RMSE], request={"MetricDefinitions": [MAE]}) == BOTH[:1]


def test_an_empty_file_leaves_the_request(job):
    """Two bytes are what a job without definitions has been seen to have."""
    assert job(definitions=b"{}", request={"MetricDefinitions": [MAE]}) == BOTH[1:]


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"[]",
        b"{}",
        b"null",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"3",
        b'["RMSE=(.*?);"]',
        b'{"version": "1"}',
        b'{"version": 1, "note": "(none)"}',
        b'[{"Name": "a"}, {"Regex": "b=(.*?);"}, {"Name": 1, "Regex": []}, null]',
    ],
    ids=lambda content: str(content)[:40],
)
def test_anything_else_holds_no_definitions(job, content):
    """Never an error: neither file is documented."""
    assert job(definitions=content, request=content) == ()


def test_what_should_be_a_file_and_is_none_holds_no_definitions(tmp_path):
    """A folder in its place, say."""
    paths = OptMl(tmp_path)
    paths.metric_definitions.mkdir(parents=True)
    assert read_definitions(paths) == ()


@pytest.mark.parametrize(
    ("name", "regex"),
    [
        ("validation:RMSE", "validation:RMSE=(.*?);"),
        ("f1.macro", r"f1\.macro=(.*?);"),
        ("RMSE", r"(?<!\S)RMSE=(.*?);"),
    ],
)
def test_the_definition_of_a_metric_finds_it_alone(name, regex):
    """AWS's own idiom, with what has a meaning in a regex taken literally, and no longer name's end mistaken for it."""
    metrics = [Metric(known, "minimize", "") for known in ("validation:RMSE", "f1.macro", "f1_macro", "RMSE")]
    metric = next(metric for metric in metrics if metric.name == name)
    assert definition_for(metric, metrics).entry == {"Name": name, "Regex": regex}
    found = [known.name for known in metrics if re.search(regex, f"{known.name}=1;")]
    assert found == [name]


def test_a_regular_expression_that_would_read_for_years_is_stopped():
    """And nothing of the clock is left, whether it ran out or not."""
    with pytest.raises(TimeoutError), reading():
        re.search("((a+)+);", "a" * 60)
    with reading():
        assert re.search("((a+)+);", "aaa;")
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) == signal.SIG_DFL
