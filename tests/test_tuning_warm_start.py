"""What a search may learn from: parents that are there, and that compare the same by the same hyperparameters."""

import json

import pytest
from tuning import document

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.tuning.request import parse_request
from gaussian_processes.tuning.warm_start import parents


@pytest.fixture
def started(tmp_path):
    """A function that looks for the parent `before`, whose request is that of its child but for a change."""

    def start(change, name="before"):
        parent = document()
        parent["HyperParameterTuningJobName"] = "before"
        change(parent)
        folder = tmp_path / "results/before.1"
        folder.mkdir(parents=True)
        (folder / "request.json").write_text(json.dumps(parent))
        (folder / "results.json").write_text('{"TrainingJobSummaries": []}')
        child = document() | {
            "WarmStartConfig": {
                "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": name}],
                "WarmStartType": "TransferLearning",
            }
        }
        return parents(parse_request(child, "request.json"), tmp_path / "results")

    return start


def ranges(request):
    return request["HyperParameterTuningJobConfig"]["ParameterRanges"]


def static(request):
    return request["TrainingJobDefinition"]["StaticHyperParameters"]


def with_another_objective(request):
    request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"] = "validation:MAE"
    request["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "validation:MAE", "Regex": "validation:MAE=(.*?);"}
    ]


def with_another_type(request):
    ranges(request)["CategoricalParameterRanges"] = [{"Name": "l", "Values": ["1", "2", "3"]}]
    ranges(request)["IntegerParameterRanges"].pop()


def searched_there_and_static_here(request):
    static(request).pop("sigma2")
    ranges(request)["ContinuousParameterRanges"] = [{"Name": "sigma2", "MinValue": "0.1", "MaxValue": "1"}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_another_objective, "the objective is validation:MAE in the parent before, and validation:RMSE here"),
        (lambda request: static(request).update(bias="1"), "bias is static in the parent before, and missing here"),
        (lambda request: static(request).clear(), "sigma2 is missing in the parent before, and static here"),
        (with_another_type, "l is CategoricalRange in the parent before, and IntegerRange here"),
    ],
    ids=["objective", "one more", "one less", "type"],
)
def test_a_parent_that_differs_where_sagemaker_allows_no_difference_is_refused(started, change, message):
    """Its objective, the set of its hyperparameters, and the type of each."""
    with pytest.raises(ConfigurationError, match=message):
        started(change)


@pytest.mark.parametrize(
    "change",
    [lambda _: None, searched_there_and_static_here, lambda request: static(request).update(sigma2="3")],
    ids=["the same", "static here", "another value"],
)
def test_a_parent_may_search_what_is_static_here(started, change):
    """Other ranges and values, too."""
    assert started(change) == []


def test_a_search_is_no_parent_of_its_own(started):
    """Nor is one that left no results."""
    with pytest.raises(ConfigurationError, match="names arc-cosine-q-l, which is this search"):
        started(lambda _: None, name="arc-cosine-q-l")
