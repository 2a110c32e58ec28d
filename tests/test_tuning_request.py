"""What a tuning-job request has to be before any job runs."""

import json

import pytest
from tuning import REQUEST, document, parsed

from gaussian_processes.errors import ConfigurationError
from gaussian_processes.tuning.ranges import ContinuousRange, IntegerRange
from gaussian_processes.tuning.request import parse_request, read_request


def test_the_committed_request_is_the_users():
    """q 0-4, l 1-4, sigma2 static at 0.1, Random, ten jobs, three at a time."""
    request = read_request(REQUEST)
    config = request.hyper_parameter_tuning_job_config
    values = {known.name: [known.at(i) for i in range(known.size)] for known in config.parameter_ranges.discrete}
    assert values == {"q": ["0", "1", "2", "3", "4"], "l": ["1", "2", "3", "4"]}
    assert request.training_job_definition.static_hyper_parameters == {"sigma2": "0.1"}
    assert config.strategy == "Random"
    limits = config.resource_limits
    assert (limits.max_number_of_training_jobs, limits.max_parallel_training_jobs) == (10, 3)


def in_config(**changes):
    return lambda request: request["HyperParameterTuningJobConfig"].update(changes)


def in_first_range(**changes):
    return lambda request: request["HyperParameterTuningJobConfig"]["ParameterRanges"]["IntegerParameterRanges"][
        0
    ].update(changes)


def in_first_metric(**changes):
    return lambda request: request["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"][0].update(
        changes
    )


CATEGORICAL = {"CategoricalParameterRanges": [{"Name": "q", "Values": ["0", "1"]}]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (in_config(Strategy="Annealing"), "'Annealing' is none of"),
        (lambda r: r.update(HyperParameterTuningJobName="n" * 33), "33 is not within"),
        (lambda r: r.update(HyperParameterTuningJobName="under_score"), "does not match"),
        (in_first_range(MinValue=0), "valid types: <class 'str'>"),
        (lambda r: r["TrainingJobDefinition"].pop("RoleArn"), 'Missing required parameter.*"RoleArn"'),
        (lambda r: r.update(Frobnicate=1), 'Unknown parameter.*"Frobnicate"'),
        (lambda r: r.pop("TrainingJobDefinition"), "TrainingJobDefinition is missing"),
        (in_first_range(MinValue="9"), "q: MinValue 9 is above MaxValue 4"),
        (in_first_range(ScalingType="Logarithmic"), "q: Logarithmic scaling needs a MinValue above 0, found 0"),
        (in_first_range(ScalingType="ReverseLogarithmic"), "q: ReverseLogarithmic scaling is for continuous ranges"),
        (in_first_range(MaxValue="1.5"), "MaxValue: .*integer.*found '1.5'"),
        (in_first_range(Name="l"), "l: named by more than one range"),
        (
            lambda r: r["TrainingJobDefinition"]["StaticHyperParameters"].update(q="1"),
            "q: both in StaticHyperParameters and in a range",
        ),
        (in_config(Strategy="Grid"), "Grid takes categorical ranges alone, and q, l is none"),
        (
            in_config(Strategy="Grid", ParameterRanges=CATEGORICAL),
            "runs each combination once, and there are 2; .* 2 instead of 10",
        ),
        (in_config(Strategy="Hyperband", TrainingJobEarlyStoppingType="Auto"), "has to be Off"),
        (in_config(ParameterRanges={}), "hold no range"),
        (in_config(ResourceLimits={"MaxParallelTrainingJobs": 1}), "need MaxNumberOfTrainingJobs"),
        (
            lambda r: r["TrainingJobDefinition"]["AlgorithmSpecification"].update(MetricDefinitions=[]),
            "do not define the objective validation:RMSE; add .*validation:RMSE=",
        ),
        (in_first_metric(Regex="("), "regex"),
        (in_first_metric(Regex="RMSE"), r"has no group; validation:RMSE=\(\.\*\?\); would do"),
    ],
)
def test_a_request_that_cannot_be_run_is_refused_with_the_field_and_what_was_wanted(change, message):
    """By AWS's model of the request, by the tuner's own rules, and where no number could be found."""
    request = document()
    change(request)
    with pytest.raises(ConfigurationError, match=f"(?s)request.json: .*{message}|{message}"):
        parse_request(request, "request.json")


def test_what_is_no_request_is_refused_by_its_file(tmp_path):
    """No such file, and no JSON."""
    with pytest.raises(ConfigurationError, match=r"nowhere.json cannot be read: No such file"):
        read_request(tmp_path / "nowhere.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"a.json is no JSON: Expecting property name"):
        read_request(tmp_path / "a.json")


def test_all_that_aws_refuses_is_said_at_once():
    """Two faults, one message."""
    request = document(Strategy="Annealing", TrainingJobEarlyStoppingType="Perhaps")
    with pytest.raises(ConfigurationError, match=r"(?s)'Annealing'.*'Perhaps'|'Perhaps'.*'Annealing'"):
        parse_request(request, "request.json")


@pytest.mark.parametrize(
    ("scaling", "low", "high", "middle"),
    [
        ("Linear", "0", "4", 2.0),
        ("Auto", "1", "9", 5.0),
        ("Auto", "0.0001", "1", 0.01),
        ("Logarithmic", "1", "4", 2.0),
        ("ReverseLogarithmic", "0.9", "0.999", 0.99),
        ("ReverseLogarithmic", "0", "0.99", 0.9),
    ],
)
def test_the_middle_of_a_range_is_where_its_scaling_says(scaling, low, high, middle):
    """Of the numbers, their logarithms, or the logarithms of what they lack of 1; and what is drawn comes back."""
    one = ContinuousRange.model_validate({"Name": "x", "MinValue": low, "MaxValue": high, "ScalingType": scaling})
    assert float(one.at(0.5)) == pytest.approx(middle, rel=1e-12)
    assert sorted(float(one.at(end)) for end in (0.0, 1.0)) == pytest.approx([float(low), float(high)], rel=1e-12)
    assert float(one.text(one.drawn(one.at(0.25)))) == pytest.approx(float(one.at(0.25)), rel=1e-12)
    assert one.drawn("2000") is None
    assert one.drawn("many") is None


def test_reverse_logarithmic_scaling_ends_below_one():
    """Where 1 - x has no logarithm."""
    with pytest.raises(ValueError, match=r"needs 0 <= MinValue and MaxValue < 1, found 0\.5 and 1"):
        ContinuousRange.model_validate(
            {"Name": "x", "MinValue": "0.5", "MaxValue": "1", "ScalingType": "ReverseLogarithmic"}
        )


def test_whole_numbers_on_a_logarithmic_scale_are_drawn_evenly_in_the_logarithm():
    """As Optuna's distribution has it."""
    one = IntegerRange.model_validate({"Name": "n", "MinValue": "1", "MaxValue": "1000", "ScalingType": "Logarithmic"})
    assert one.distribution.log
    assert one.size == 1000


def test_a_request_may_hold_what_a_local_search_has_no_use_for():
    """Tags, VPC, network isolation: valid for AWS, and left alone."""
    request = json.loads(REQUEST.read_text())
    request["Tags"] = [{"Key": "a", "Value": "b"}]
    request["TrainingJobDefinition"]["EnableNetworkIsolation"] = True
    assert parse_request(request, "request.json") == parsed()
