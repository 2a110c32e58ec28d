"""What a tuning-job request has to be before any job runs."""

import json

import pytest
from tuning import REQUEST, document, parsed

from gaussian_processes.algorithm import load_algorithm
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


def in_limits(**changes):
    return lambda request: request["HyperParameterTuningJobConfig"]["ResourceLimits"].update(changes)


def in_ranges(**changes):
    return lambda request: request["HyperParameterTuningJobConfig"]["ParameterRanges"].update(changes)


def in_first_range(**changes):
    return lambda request: request["HyperParameterTuningJobConfig"]["ParameterRanges"]["IntegerParameterRanges"][
        0
    ].update(changes)


def in_definition(**changes):
    return lambda request: request["TrainingJobDefinition"].update(changes)


def in_algorithm(**changes):
    return lambda request: request["TrainingJobDefinition"]["AlgorithmSpecification"].update(changes)


def in_first_metric(**changes):
    return lambda request: request["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"][0].update(
        changes
    )


def static(**changes):
    return lambda request: request["TrainingJobDefinition"]["StaticHyperParameters"].update(changes)


def categorical(name, *values):
    return {"CategoricalParameterRanges": [{"Name": name, "Values": list(values)}]}


def continuous(name, low, high, scaling="Auto"):
    ends = {"MinValue": low, "MaxValue": high, "ScalingType": scaling}
    return {"ContinuousParameterRanges": [{"Name": name, **ends}], "IntegerParameterRanges": []}


def hyperband(**resources):
    return in_config(Strategy="Hyperband", StrategyConfig={"HyperbandStrategyConfig": resources})


def both(*changes):
    return lambda request: [change(request) for change in changes]


def without_an_image(request):
    del request["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingImage"]


def several_definitions(request):
    request["TrainingJobDefinitions"] = [request.pop("TrainingJobDefinition")]


def with_own(request):
    """A definition with the objective and the ranges of a request for several."""
    request["TrainingJobDefinition"]["TuningObjective"] = {"Type": "Maximize", "MetricName": "validation:R2"}
    request["TrainingJobDefinition"]["HyperParameterRanges"] = categorical("q", "0", "1")


def spot(**condition):
    return both(in_definition(EnableManagedSpotTraining=True), in_definition(StoppingCondition=condition))


METRIC = {"Name": "validation:RMSE", "Regex": "validation:RMSE=(.*?);"}
FLEXIBLE = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
THIRTY_ONE = [{"Name": f"x{number}", "MinValue": "0", "MaxValue": "9"} for number in range(31)]
GRID = {"Strategy": "Grid", "ParameterRanges": categorical("q", "0", "1")}
# What AWS's model of the request refuses.
SERVICE = {
    "a strategy": (in_config(Strategy="Annealing"), "Strategy: 'Annealing' is none of "),
    "a long name": (lambda r: r.update(HyperParameterTuningJobName="n" * 33), "Name: 33 is not within 1 to 32"),
    "a name": (lambda r: r.update(HyperParameterTuningJobName="under_score"), "does not match"),
    "a type": (in_first_range(MinValue=0), "valid types: <class 'str'>"),
    "a missing part": (lambda r: r["TrainingJobDefinition"].pop("RoleArn"), 'Missing required parameter.*"RoleArn"'),
    "an unknown part": (lambda r: r.update(Frobnicate=1), 'Unknown parameter.*"Frobnicate"'),
    "no definition": (lambda r: r.pop("TrainingJobDefinition"), "TrainingJobDefinition is missing"),
    "more than 32 bits": (in_config(RandomSeed=2**70), f"RandomSeed: {2**70} is not within 0 to {2**31 - 1}"),
    "no whole number": (in_first_range(MaxValue="1.5"), "MaxValue: .*integer.*found '1.5'"),
    "no number": (in_ranges(**continuous("x", "nan", "1")), "MinValue: .*finite number.*found 'nan'"),
}
# What the tuner refuses beside that: each of its rules.
RULES = {
    "no range": (in_config(ParameterRanges={}), "hold no range"),
    "many ranges": (in_ranges(IntegerParameterRanges=THIRTY_ONE), "31 ranges; 30 are allowed"),
    "many hyperparameters": (static(**{f"x{n}": "1" for n in range(97)}), "100 hyperparameters; 99 are allowed"),
    "a name twice": (in_first_range(Name="l"), "l: named by more than one range"),
    "static and searched": (static(q="1"), "q: both in StaticHyperParameters and in a range"),
    "ends the wrong way round": (in_first_range(MinValue="9"), "q: MinValue 9 is above MaxValue 4"),
    "one whole number": (
        in_first_range(MinValue="4"),
        'q: MinValue and MaxValue are both 4; .* Set "q": "4" in StaticHyperParameters instead',
    ),
    "one number": (
        in_ranges(**continuous("x", "0.5", "0.50")),
        'x: MinValue and MaxValue are both 0.5; .* Set "x": "0.5" in StaticHyperParameters',
    ),
    "a value twice": (in_ranges(**categorical("x", "a", "b", "a")), "x: Values hold 'a' more than once"),
    "a logarithm of zero": (
        in_first_range(ScalingType="Logarithmic"),
        "q: Logarithmic scaling needs a MinValue above 0, found 0",
    ),
    "a reversed logarithm of whole numbers": (
        in_first_range(ScalingType="ReverseLogarithmic"),
        "q: ReverseLogarithmic scaling is for continuous ranges",
    ),
    "a reversed logarithm of one": (
        in_ranges(**continuous("x", "0.5", "1", "ReverseLogarithmic")),
        "x: ReverseLogarithmic scaling needs 0 <= MinValue and MaxValue < 1, found 0.5 and 1",
    ),
    "whole numbers of more than 64 bits": (in_first_range(MaxValue="9" * 30), "q: the range from 0 to 9+ is too wide"),
    "an infinite breadth": (in_ranges(**continuous("x", "-1e308", "1e308")), "x: the range .* is too wide"),
    "an infinite ratio": (in_ranges(**continuous("x", "1e-300", "1e300")), "x: the range .* is too wide"),
    "fewer combinations than jobs": (
        both(in_first_range(MaxValue="1"), in_limits(MaxNumberOfTrainingJobs=9)),
        "The ranges have 8 combinations, and MaxNumberOfTrainingJobs is 9. Make it 8 or less",
    ),
    "fewer combinations than jobs, Bayesian": (
        both(in_config(Strategy="Bayesian"), in_limits(MaxNumberOfTrainingJobs=21)),
        "The ranges have 20 combinations",
    ),
    "no number of jobs": (
        in_config(ResourceLimits={"MaxParallelTrainingJobs": 1}),
        "ResourceLimits need MaxNumberOfTrainingJobs",
    ),
    "many jobs": (
        both(in_ranges(**continuous("x", "0", "1")), in_limits(MaxNumberOfTrainingJobs=10_001)),
        "Random runs at most 10000 jobs, found 10001",
    ),
    "many Bayesian jobs": (
        both(
            in_ranges(**continuous("x", "0", "1")),
            in_config(Strategy="Bayesian"),
            in_limits(MaxNumberOfTrainingJobs=751),
        ),
        "Bayesian runs at most 750 jobs, found 751",
    ),
    "many jobs at a time": (in_limits(MaxParallelTrainingJobs=101), "MaxParallelTrainingJobs is 101. Make it 100"),
    "a grid of numbers": (in_config(Strategy="Grid"), "Grid takes categorical ranges alone, and q, l is none"),
    "a grid of another size": (
        in_config(**GRID),
        "runs each combination once, and there are 2.* 2 instead of 10",
    ),
    "a large grid": (
        in_config(
            Strategy="Grid",
            ResourceLimits={"MaxParallelTrainingJobs": 1},
            ParameterRanges={
                "CategoricalParameterRanges": [{"Name": n, "Values": [str(i) for i in range(28)]} for n in "ql"]
            },
        ),
        "Grid runs at most 750 jobs, found 784",
    ),
    "early stopping beside Hyperband": (
        both(hyperband(MaxResource=9), in_config(TrainingJobEarlyStoppingType="Auto")),
        "has to be Off",
    ),
    "Hyperband without its most": (in_config(Strategy="Hyperband"), "Set MaxResource, or one of epochs, numepochs"),
    "Hyperband's most below its least": (
        hyperband(MinResource=9, MaxResource=3),
        "MaxResource is 3. .* MinResource, 9",
    ),
    "Hyperband's most": (hyperband(MaxResource=20_001), "MaxResource is 20001. Make it 20,000 or less"),
    "Hyperband's settings beside Random": (
        in_config(StrategyConfig={"HyperbandStrategyConfig": {"MaxResource": 9}}),
        "StrategyConfig is for Hyperband, and not for Random",
    ),
    "an image and an algorithm": (in_algorithm(AlgorithmName="mine"), "Write one of TrainingImage and AlgorithmName"),
    "neither image nor algorithm": (without_an_image, "Write one of TrainingImage and AlgorithmName"),
    "resources twice": (
        in_definition(HyperParameterTuningResourceConfig=FLEXIBLE),
        "Write one of ResourceConfig and HyperParameterTuningResourceConfig",
    ),
    "no resources": (lambda r: r["TrainingJobDefinition"].pop("ResourceConfig"), "Write one of ResourceConfig and"),
    "many metrics": (
        in_algorithm(MetricDefinitions=[{**METRIC, "Name": f"x{n}"} for n in range(20)] + [METRIC]),
        "21 MetricDefinitions; 20 are allowed",
    ),
    "another objective": (with_own, "TuningObjective differs from HyperParameterTuningJobConfig"),
    "other ranges": (with_own, "HyperParameterRanges differs from HyperParameterTuningJobConfig"),
    "a long job": (
        in_definition(StoppingCondition={"MaxRuntimeInSeconds": 2_419_201}),
        "MaxRuntimeInSeconds of a job is 2419201. Make it 2419200, 28 days, or less",
    ),
    "spot instances without a wait": (spot(MaxRuntimeInSeconds=600), "needs MaxWaitTimeInSeconds of 600 or more"),
    "a wait that is shorter than the job": (
        spot(MaxRuntimeInSeconds=600, MaxWaitTimeInSeconds=599),
        "needs MaxWaitTimeInSeconds of 600 or more, found 599",
    ),
    "a wait without spot instances": (
        in_definition(StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900}),
        "MaxWaitTimeInSeconds is for EnableManagedSpotTraining",
    ),
    "no metric": (
        in_algorithm(MetricDefinitions=[]),
        "do not define the objective validation:RMSE; add .*validation:RMSE=",
    ),
    "no regex": (in_first_metric(Regex="("), "The regex .* is not a regular expression"),
    "a regex of another metric": (
        in_algorithm(MetricDefinitions=[METRIC, {"Name": "x", "Regex": "a{99999999999}"}]),
        "The regex .* of x is not a regular expression: the repetition number is too large",
    ),
    "no group": (
        in_first_metric(Regex="RMSE"),
        r"has no group, in round brackets, to capture the number; validation:RMSE=\(\.\*\?\); would do",
    ),
}
NOT_HERE = {
    "Autotune": (
        lambda r: r.update(Autotune={"Mode": "Enabled"}),
        "Autotune is not here.* write Strategy, ResourceLimits",
    ),
    "AutoParameters": (
        in_ranges(AutoParameters=[{"Name": "sigma2", "ValueHint": "0.1"}]),
        "AutoParameters are for Autotune, which is not here. Write a range for each",
    ),
    "several definitions": (
        several_definitions,
        "TrainingJobDefinitions are not here. Write one as TrainingJobDefinition",
    ),
}
REFUSED = SERVICE | RULES | NOT_HERE


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_a_request_that_cannot_be_run_is_refused_with_the_field_and_what_was_wanted(change, message):
    """By AWS's model of the request, by the tuner's own rules, and where no number could be found; in one line."""
    request = document()
    change(request)
    with pytest.raises(ConfigurationError, match=message) as caught:
        parse_request(request, "request.json")
    assert str(caught.value).startswith("request.json")
    assert "\n" not in str(caught.value)
    assert "Value error" not in str(caught.value)


ACCEPTED = {
    "as many combinations as jobs": in_limits(MaxNumberOfTrainingJobs=20),
    "more jobs at a time than in all": in_limits(MaxNumberOfTrainingJobs=1),
    "a continuous range beside a single value": in_ranges(**categorical("a", "1"), **continuous("x", "0", "1")),
    "thirty ranges": in_ranges(IntegerParameterRanges=THIRTY_ONE[:30]),
    "the most of a reversed logarithm": in_ranges(**continuous("x", "0", "0.999", "ReverseLogarithmic")),
    "a grid": in_config(**GRID, ResourceLimits={"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1}),
    "Hyperband": hyperband(MinResource=1, MaxResource=20_000),
    "Hyperband by a static number of epochs": both(in_config(Strategy="Hyperband"), static(epochs="30")),
    "spot instances": spot(MaxRuntimeInSeconds=600, MaxWaitTimeInSeconds=600),
    "an algorithm": both(without_an_image, in_algorithm(AlgorithmName="mine")),
    "flexible instances": both(
        lambda r: r["TrainingJobDefinition"].pop("ResourceConfig"),
        in_definition(HyperParameterTuningResourceConfig=FLEXIBLE),
    ),
    "the same objective again": in_definition(TuningObjective={"Type": "Minimize", "MetricName": "validation:RMSE"}),
    "a named group": in_first_metric(Regex="validation:RMSE=(?<value>.*?);"),
    "the greatest seed": in_config(RandomSeed=2**31 - 1),
}


@pytest.mark.parametrize("change", ACCEPTED.values(), ids=ACCEPTED)
def test_a_request_that_sagemaker_takes_is_taken(change):
    """Up to the last value that each rule allows."""
    request = document()
    change(request)
    parse_request(request, "request.json")


HYPERPARAMETERS = {
    "an unknown range": (in_first_range(Name="sigma"), r"'sigma' is not one \(did you mean 'sigma2'\?\)"),
    "an unknown static one": (static(foo="1"), "'foo' is not one"),
    "a name of SageMaker's": (in_first_range(Name="sagemaker_program"), "'sagemaker_program' is SageMaker's own name"),
    "a value": (static(variance="-1"), "variance is '-1', greater than 0 is wanted"),
    "the lower end": (in_first_range(MinValue="-1"), "q is '-1', greater than or equal to 0"),
    "the upper end": (in_ranges(**continuous("variance", "-2", "-1")), "variance is '-1.0', greater than 0"),
    "an end that is excluded": (
        both(
            lambda r: r["TrainingJobDefinition"]["StaticHyperParameters"].clear(),
            in_ranges(**continuous("sigma2", "0", "1")),
        ),
        "sigma2 is '0.0', greater than 0 is wanted",
    ),
    "a category": (in_ranges(**categorical("geometry", "sphere", "round")), "geometry is 'round'"),
    "the last of many categories": (in_ranges(**categorical("bias", *map(str, range(29)), "x")), "bias is 'x'"),
    "numbers that are whole at the ends alone": (
        in_ranges(**continuous("q", "0", "4")),
        "q is '2.472', a valid integer",
    ),
    "a check over several that nothing passes": (
        static(optimize="degree"),
        "geometry=sphere has no degree to optimize",
    ),
}


@pytest.mark.parametrize(("change", "message"), HYPERPARAMETERS.values(), ids=HYPERPARAMETERS)
def test_what_the_algorithm_refuses_is_refused_before_any_job(change, message):
    """Names and values, of ranges and of what is static; unknown where the algorithm is."""
    request = document()
    change(request)
    parse_request(request, "request.json")
    with pytest.raises(ConfigurationError, match=message):
        parse_request(request, "request.json", load_algorithm({}))


@pytest.mark.parametrize(
    "change",
    [
        both(static(optimize="degree"), in_ranges(**categorical("geometry", "sphere", "homogeneous"))),
        in_ranges(**categorical("optimize", "none", "sigma2,variance", "all")),
        in_ranges(**categorical("q", "0", "1", "0,1", "auto"), **continuous("bias", "0", "9")),
        static(sigma2='"0.1"', sagemaker_region="eu-west-1"),
    ],
    ids=["one of two combinations", "lists", "choices", "quotes, and a name that SDKs add"],
)
def test_what_some_job_accepts_is_accepted(change):
    """A combination that fails is one job's failure; values are read as `train` reads them."""
    request = document()
    request["HyperParameterTuningJobConfig"]["ParameterRanges"]["IntegerParameterRanges"].pop(0)
    change(request)
    request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"] = 2
    parse_request(request, "request.json", load_algorithm({}))


def test_all_that_is_wrong_is_said_at_once():
    """Whoever refuses it: AWS's model, the tuner's rules, the algorithm, this program."""
    request = document(RandomSeed=2**40, Strategy="Bayesian")
    request |= {"Autotune": {"Mode": "Enabled"}, "Frobnicate": 1}
    both(static(foo="1"), in_first_range(MinValue="4"), in_first_metric(Regex="RMSE: (.*)"))(request)
    with pytest.raises(ConfigurationError, match=r"^request.json has 7 faults: \(1\) .* \(7\)") as caught:
        parse_request(request, "request.json", load_algorithm({}))
    for words in (
        "Frobnicate",
        "RandomSeed",
        "both 4",
        "4 combinations",
        "'foo'",
        "captures nothing",
        "Autotune is not",
    ):
        assert words in str(caught.value)


def test_what_is_no_request_is_refused_by_its_file(tmp_path):
    """No such file, and no JSON."""
    with pytest.raises(ConfigurationError, match=r"nowhere.json cannot be read: No such file"):
        read_request(tmp_path / "nowhere.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"a.json is no JSON: Expecting property name"):
        read_request(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "recursion"),
        (b'{"a":' * 400 + b"1" + b"}" * 400, "Unknown parameter"),
        (b'{"Tags": ' + b"[" * 900 + b"]" * 900 + b"}", "a.json"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' stands in an object more than once"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is no JSON: Exceeds the limit"),
        (b'{"HyperParameterTuningJobName": "\\ud800"}', "surrogates not allowed"),
        (b'{"a": "\xff"}', "is no JSON: 'utf-8' codec can't decode"),
        (b'{"RandomSeed": NaN}', "Unknown parameter"),
        (b"", "is no JSON"),
        (b"[]", "<class 'list'>, valid types: <class 'dict'>"),
        (b"3", "<class 'int'>, valid types: <class 'dict'>"),
    ],
    ids=lambda content: str(content)[:40],
)
def test_whatever_a_file_holds_is_refused_in_words(tmp_path, content, message):
    """Brackets thousands deep, a name twice in an object, numbers of thousands of digits, what no text can hold."""
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_request(tmp_path / "a.json")
    assert len(str(caught.value)) < 5000


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
