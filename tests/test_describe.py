"""`describe`: every part against AWS's own model of it, and against what the container does with it."""

import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from nearest_neighbours import algorithm as nearest_neighbours
from processes import NEIGHBOURS, environ_of
from pydantic import BaseModel, Field
from reference import ROOT
from spread_neighbours import algorithm as spread_neighbours

from gaussian_processes.algorithm import Metric, Search
from gaussian_processes.arc_cosine import algorithm as gaussian_process
from gaussian_processes.data.channels.channel import parse_channel_type
from gaussian_processes.data.format import parse_content_type
from gaussian_processes.data.http import REQUESTS
from gaussian_processes.description.command import main
from gaussian_processes.description.markdown import table_of
from gaussian_processes.description.specification import DESCRIPTION_LENGTH, describe
from gaussian_processes.errors import ConfigurationError
from gaussian_processes.job.contract.metric_definitions import Definition
from gaussian_processes.job.contract.metric_lines import metric_line
from gaussian_processes.job.contract.objective import definition_faults
from gaussian_processes.job.contract.parsing import parse_hyperparameters
from gaussian_processes.job.contract.paths import OptMl
from gaussian_processes.tuning.service_model import complaints, service

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/gaussian-processes:latest"


class Colour(Enum):
    RED = 1
    BLUE = 2


class Every(BaseModel):
    """A hyperparameter of every kind, and of every kind of bound."""

    needed: Annotated[int, Field(gt=0, lt=10), Search()]
    count: Annotated[int, Field(ge=-3, le=3), Search(-2, 2, "Linear")] = 0
    free: int = 5
    optional: Annotated[int | None, Field(ge=1)] = None
    share: Annotated[float, Field(ge=0, lt=1), Search(0, 0.999, "ReverseLogarithmic")] = 0.5
    small: Annotated[float, Field(gt=0), Search(1e-9, 1, "Logarithmic")] = 1e-6
    below: Annotated[float, Field(lt=0)] = -1.0
    anything: float = 1e9
    maybe: Annotated[Annotated[float, Field(gt=1, le=2)] | None, Search(1.5, 2)] = None
    flag: Annotated[bool, Search()] = False
    maybe_flag: bool | None = None
    word: Literal["a", "None"] = "a"
    one_word: Literal["a"] = "a"
    digit: Annotated[Literal[1, 2, 3], Search()] = 2
    maybe_word: Literal["a", "b"] | None = None
    null_word: Literal["a", None] = "a"  # noqa: PYI061  # what an algorithm's author may write all the same
    colour: Colour = Colour.BLUE
    text: str = "some words"
    layers: list[int] = [1, 2]
    made: list[int] = Field(default_factory=list)
    either: int | list[int] = 1
    mapping: dict[str, int] = {"a": 1}
    penalty: float = Field(1.0, alias="lambda", description="a word | of Python's\nand\ta\x00control character\ue000")
    wordy: int = Field(1, description="word " * 1000)
    many: Literal[tuple(f"v{i}" for i in range(31))] = "v3"
    long: Literal["x" * 257, "y"] = "y"


ALGORITHMS = {
    "Gaussian process": gaussian_process,
    "nearest neighbours": nearest_neighbours,
    "nearest neighbours on several hosts": spread_neighbours,
    "every kind": replace(
        nearest_neighbours,
        hyperparameters=Every,
        metrics=(
            Metric("f1.macro", "maximize", "score"),
            Metric("RMSE", "minimize", "error"),
            Metric("train:N", None, "rows"),
            Metric("validation:RMSE", "minimize", "error"),
        ),
    ),
}


@pytest.fixture(params=ALGORITHMS.values(), ids=ALGORITHMS)
def algorithm(request):
    return request.param


@pytest.fixture(params=["amd64", "arm64"])
def description(algorithm, request):
    return json.loads(json.dumps(describe(algorithm, IMAGE, request.param)))


def specified(description):
    return {one["Name"]: one for one in description["TrainingSpecification"]["SupportedHyperParameters"]}


def parse(algorithm, **raw):
    needed = {"needed": "1"} if algorithm.hyperparameters is Every else {}
    return parse_hyperparameters(algorithm.hyperparameters, needed | raw)


@pytest.mark.parametrize(
    ("part", "shape"),
    [
        ("TrainingSpecification", "TrainingSpecification"),
        ("InferenceSpecification", "InferenceSpecification"),
        ("ParameterRanges", "ParameterRanges"),
        ("MetricDefinitions", "MetricDefinitionList"),
        ("TrainingChannels", "ChannelSpecifications"),
        ("SupportedContentTypes", "ContentTypes"),
        ("SupportedTrainingInstanceTypes", "TrainingInstanceTypes"),
    ],
)
def test_a_part_is_what_awss_model_wants(description, part, shape):
    """Required and known members, enumerations, patterns, lengths and limits."""
    assert complaints(service("sagemaker").shape_for(shape), description[part]) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["SupportedHyperParameters", 0, "Description"], "a\tb"),
        (["SupportedHyperParameters", 0, "Description"], "x" * 1025),
        (["SupportedHyperParameters", 0, "Type"], "Float"),
        (["SupportedHyperParameters", 0, "Range"], {"IntegerParameterRangeSpecification": {"MinValue": "1"}}),
        (["SupportedHyperParameters", 0, "Minimum"], "1"),
        (["SupportedTrainingInstanceTypes", 0], "ml.m5.small"),
        (["TrainingChannels", 0, "Name"], "training data"),
        (["TrainingChannels"], []),
        (["TrainingImage"], "two words"),
    ],
)
def test_a_spoilt_part_is_noticed(path, value):
    """The check above can fail: each of these has one fault."""
    spoilt = describe(nearest_neighbours, IMAGE)["TrainingSpecification"]
    *parents, last = path
    place: Any = spoilt
    for key in parents:
        place = place[key]
    place[last] = value
    assert complaints(service("sagemaker").shape_for("TrainingSpecification"), spoilt) != []


def test_the_defaults_are_the_algorithms(algorithm, description):
    """Each DefaultValue is parsed as a job would parse it, into what the algorithm has where nothing is set."""
    defaults = {name: one["DefaultValue"] for name, one in specified(description).items() if "DefaultValue" in one}
    assert len(defaults) > 0
    assert parse(algorithm, **defaults) == parse(algorithm)


def test_the_bounds_of_a_range_can_be_set(algorithm, description):
    """As well as each of a categorical's values."""
    for name, one in specified(description).items():
        for values in one.get("Range", {}).values():
            for value in values.get("Values", []) or [values["MinValue"], values["MaxValue"]]:
                parse(algorithm, **{name: value})


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("needed", "1", "9"),
        ("count", "-3", "3"),
        ("free", "-2147483647", "2147483647"),
        ("optional", "1", "2147483647"),
        ("share", "0", "0.9999999999999999"),
        ("small", "1.1754943508222875e-38", "3.4028234663852886e+38"),
        ("below", "-3.4028234663852886e+38", "-1.1754943508222875e-38"),
        ("maybe", "1.0000000000000002", "2"),
    ],
)
def test_a_range_is_the_fields_own_bounds(name, least, most):
    """An excluded number's neighbour in its place, and the limits of 32 bits where there is no bound."""
    (values,) = specified(describe(ALGORITHMS["every kind"], IMAGE))[name]["Range"].values()
    assert values == {"MinValue": least, "MaxValue": most}


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("flag", "Categorical", ["true", "false"]),
        ("maybe_flag", "Categorical", ["true", "false"]),
        ("word", "Categorical", ["a", "None"]),
        ("one_word", "Categorical", ["a"]),
        ("digit", "Categorical", ["1", "2", "3"]),
        ("maybe_word", "Categorical", ["a", "b"]),
        ("null_word", "Categorical", ["a"]),
        ("colour", "Categorical", ["1", "2"]),
        ("text", "FreeText", None),
        ("layers", "FreeText", None),
        ("either", "FreeText", None),
        ("mapping", "FreeText", None),
        ("many", "FreeText", None),
        ("long", "FreeText", None),
    ],
)
def test_a_type_follows_from_the_annotation(name, kind, values):
    """Choices that AWS can list are categories; what is neither number nor choice is text."""
    one = specified(describe(ALGORITHMS["every kind"], IMAGE))[name]
    assert one["Type"] == kind
    assert one.get("Range") == (values and {"CategoricalParameterRangeSpecification": {"Values": values}})


def test_what_has_no_default_is_required():
    """And what is not set where nothing is said has no DefaultValue."""
    found = specified(describe(ALGORITHMS["every kind"], IMAGE))
    assert [name for name, one in found.items() if one["IsRequired"]] == ["needed"]
    assert "DefaultValue" not in found["maybe"]


def test_a_description_is_made_one_that_aws_takes():
    """Control and private characters are left out, what is too long is cut."""
    found = specified(describe(ALGORITHMS["every kind"], IMAGE))
    assert found["lambda"]["Description"] == "a word | of Python's and a control character"
    assert len(found["wordy"]["Description"]) == DESCRIPTION_LENGTH


def test_the_ranges_are_those_that_the_algorithm_marks(algorithm, description):
    """Every value of them is one that a job takes, and those alone are tunable."""
    marked = [one for ranges in description["ParameterRanges"].values() for one in ranges]
    assert {one["Name"] for one in marked} == {n for n, one in specified(description).items() if one["IsTunable"]}
    for one in marked:
        for value in one.get("Values") or (one["MinValue"], one["MaxValue"]):
            parse(algorithm, **{one["Name"]: value})
        if one.get("ScalingType") == "Logarithmic":
            assert float(one["MinValue"]) > 0


def test_the_ranges_of_nearest_neighbours():
    """To the letter, as a tuning job's request takes them."""
    assert describe(nearest_neighbours, IMAGE)["ParameterRanges"] == {
        "IntegerParameterRanges": [{"Name": "k", "MinValue": "1", "MaxValue": "50", "ScalingType": "Logarithmic"}],
        "ContinuousParameterRanges": [],
        "CategoricalParameterRanges": [],
    }


@pytest.mark.parametrize(
    ("annotation", "search", "words"),
    [
        (int, Search(0, 10, "Logarithmic"), "a logarithmic scaling needs low > 0"),
        (int, Search(0, 1, "ReverseLogarithmic"), "a reverse logarithmic scaling is for numbers from 0 to below 1"),
        (float, Search(0, 1, "ReverseLogarithmic"), "a reverse logarithmic scaling is for numbers from 0 to below 1"),
        (float, Search(2, 1), "low <= high is wanted"),
        (Annotated[float, Field(gt=0)], Search(0, 1), "low <= high is wanted, from 1.17"),
        (str, Search(), "a tuner can search numbers and up to 30 choices"),
    ],
)
def test_a_search_that_no_tuner_could_make_is_refused(annotation, search, words):
    """When the algorithm is described, and not when a job has been paid for."""
    schema = type("Schema", (BaseModel,), {"__annotations__": {"x": Annotated[annotation, search]}})
    with pytest.raises(ConfigurationError, match=rf"The hyperparameter x is marked with Search\(.*\); {words}"):
        describe(replace(nearest_neighbours, hyperparameters=schema), IMAGE)


def test_the_metric_definitions_read_what_is_printed(algorithm, description):
    """Each the lines of its own metric, and no other's."""
    assert [one["Name"] for one in description["MetricDefinitions"]] == [metric.name for metric in algorithm.metrics]
    for one in description["MetricDefinitions"]:
        for metric in algorithm.metrics:
            found = re.search(one["Regex"], metric_line(metric.name, 0.25))
            assert (found is not None and found[1]) == ("0.25" if metric.name == one["Name"] else False)
    definitions = [Definition(one["Name"], one["Regex"]) for one in description["MetricDefinitions"]]
    assert definition_faults(definitions, None, algorithm.metrics) == []


def test_the_objectives_are_the_metrics_with_a_direction(algorithm, description):
    """Which way is better, in AWS's words."""
    wanted = [(metric.name, metric.direction) for metric in algorithm.metrics if metric.direction]
    found = description["TrainingSpecification"]["SupportedTuningJobObjectiveMetrics"]
    assert [(one["MetricName"], one["Type"].lower()) for one in found] == wanted


@pytest.mark.parametrize("kind", ["TrainingInstanceType", "TransformInstanceType", "ProductionVariantInstanceType"])
def test_the_instances_are_all_of_awss_that_run_the_image(kind):
    """Those without an accelerator: with x86-64 processors an image for these, with Graviton one for ARM, and no other."""
    uses = {
        "TrainingInstanceType": ("TrainingSpecification", "SupportedTrainingInstanceTypes"),
        "TransformInstanceType": ("InferenceSpecification", "SupportedTransformInstanceTypes"),
        "ProductionVariantInstanceType": ("InferenceSpecification", "SupportedRealtimeInferenceInstanceTypes"),
    }
    specification, member = uses[kind]
    names = service("sagemaker").shape_for(kind).enum
    families = {name: name.split(".")[1] for name in names if not re.match(r"ml\.(g|p|trn|inf|dl)\d", name)}
    for architecture, graviton in {"amd64": False, "arm64": True}.items():
        found = describe(nearest_neighbours, IMAGE, architecture)[specification].get(member, [])
        assert len(set(found)) == len(found)
        assert set(found) == {name for name, family in families.items() if bool(re.match(r"\w\dg", family)) == graviton}


def test_graviton_serves_and_does_not_train():
    """As AWS has it: a list of instances for batches would be empty, and so is left out."""
    described = describe(nearest_neighbours, IMAGE, "arm64")
    assert "ml.c7g.large" in described["InferenceSpecification"]["SupportedRealtimeInferenceInstanceTypes"]
    assert "SupportedTransformInstanceTypes" not in described["InferenceSpecification"]
    assert described["TrainingSpecification"]["SupportedTrainingInstanceTypes"] == []


@pytest.mark.parametrize(
    ("name", "several"),
    [
        ("Gaussian process", True),
        ("nearest neighbours on several hosts", True),
        ("nearest neighbours", False),
        ("every kind", False),
    ],
)
def test_several_instances_are_for_algorithms_that_use_them(name, several):
    """AWS refuses more than one where the algorithm does not say that it can."""
    described = describe(ALGORITHMS[name], IMAGE)["TrainingSpecification"]
    assert described["SupportsDistributedTraining"] is several


@pytest.mark.parametrize("half", [{"hyperparameters": nearest_neighbours.hyperparameters}, {"distribution": None}])
def test_a_distribution_and_its_hyperparameters_go_together(half):
    """A job takes an algorithm with one of them for one that learns on the leader alone."""
    described = describe(replace(spread_neighbours, **half), IMAGE)["TrainingSpecification"]
    assert described["SupportsDistributedTraining"] is False


def test_the_content_types_are_all_that_are_read(description):
    """AWS refuses those that are not listed: of a channel, and of a request."""
    channels = description["TrainingSpecification"]["TrainingChannels"]
    listed = [channel["SupportedContentTypes"] for channel in channels] + [description["SupportedContentTypes"]]
    for content_type in [name for names in listed for name in names]:
        assert parse_channel_type("training", content_type)[0] is not None
    assert all(
        {"text/csv", "application/x-ndjson", "application/x-npy", "application/x-parquet"} < set(n) for n in listed
    )
    requests = description["InferenceSpecification"]["SupportedContentTypes"]
    assert {parse_content_type(name, REQUESTS)[0] for name in requests} == set(REQUESTS)
    assert {"application/json", "application/x-ndjson"} < set(requests)


def test_the_schema_is_pydantics(description):
    """For whoever makes a form or a check of it."""
    assert list(description["HyperParameterSchema"]["properties"]) == list(specified(description))


def test_the_table_escapes_what_would_end_a_cell():
    """A line for each hyperparameter, four cells in each."""
    lines = table_of(Every).splitlines()
    assert len(lines) == 2 + len(Every.model_fields)
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 5 for line in lines)
    assert "| `needed` | required | integers > 0, < 10 |  |" in lines
    assert "| `optional` | not set | integers ≥ 1 |  |" in lines
    assert "| `anything` | `1000000000` | numbers |  |" in lines
    assert "| `digit` | `2` | `1`, `2`, `3` |  |" in lines
    assert "| `text` | `some words` | text |  |" in lines
    assert "| `layers` | `[1, 2]` | lists of integers |  |" in lines


def run_describe(*arguments, **extra):
    command = [sys.executable, "-W", "error", str(ROOT / "gaussian_processes/describe"), *arguments]
    environ = environ_of(OptMl(ROOT), extra)
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_the_executable_prints_json():
    """Of the algorithm that ALGORITHM names; the image's address is the argument."""
    done = run_describe(IMAGE, **NEIGHBOURS, PLATFORM="linux/amd64")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == describe(nearest_neighbours, IMAGE)


@pytest.mark.parametrize(
    ("platform", "trains"), [("linux/arm64", False), ("linux/arm64/v8", False), ("arm64", False), ("linux/amd64", True)]
)
def test_the_platform_of_the_image_can_be_said(platform, trains):
    """As build_and_push.sh is told it; without it, that of the machine, which in a container is the image's own."""
    done = run_describe(IMAGE, **NEIGHBOURS, PLATFORM=platform)
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(json.loads(done.stdout)["SupportedTrainingInstanceTypes"]) is trains


@pytest.mark.parametrize(("machine", "trains"), [("x86_64", True), ("aarch64", False), ("arm64", False)])
def test_without_a_platform_the_image_is_for_this_machine(monkeypatch, machine, trains):
    """By the names that systems have for processors."""
    monkeypatch.setattr("platform.machine", lambda: machine)
    stdout = io.StringIO()
    assert main([IMAGE], {**NEIGHBOURS}, stdout) == 0
    assert bool(json.loads(stdout.getvalue())["SupportedTrainingInstanceTypes"]) is trains


def test_without_an_address_it_says_so():
    """In place of the address, and in a form that AWS's model would take."""
    done = run_describe()
    assert (done.returncode, done.stderr) == (0, "")
    specification = json.loads(done.stdout)["TrainingSpecification"]
    assert "replace-with-the-address-of-your-image" in specification["TrainingImage"]
    assert complaints(service("sagemaker").shape_for("TrainingSpecification"), specification) == []


@pytest.mark.parametrize(
    ("arguments", "extra", "words"),
    [
        (["two words"], {}, "The image's address is 'two words'"),
        (["x" * 256], {}, "1 to 255 characters without a space are wanted"),
        ([], {"PLATFORM": "linux/riscv64"}, "PLATFORM is 'linux/riscv64'; linux/amd64 or linux/arm64 is wanted."),
        ([], {"ALGORITHM": "no_such_module"}, "ALGORITHM names the module 'no_such_module'"),
    ],
)
def test_what_cannot_be_described_is_explained(arguments, extra, words):
    """Exit code 2, nothing on stdout, no traceback."""
    done = run_describe(*arguments, **extra)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_executable_is_one():
    """SageMaker's users run it by its name."""
    assert (ROOT / "gaussian_processes/describe").stat().st_mode & 0o111 == 0o111
