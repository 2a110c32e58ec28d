"""The notebook's requests against AWS's own model of them, and its words against what the container does."""

import ast
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator

from gaussian_processes.gaussian_process import Hyperparameters, algorithm

ROOT = Path(__file__).parents[1]
CELLS = json.loads((ROOT / "notebooks" / "bring_your_own_gp.ipynb").read_text(encoding="utf-8"))["cells"]
CODE = {cell["id"]: "".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"}
LOCAL_TUNING_JOB = json.loads((ROOT / "local_test" / "tuning_job.json").read_text(encoding="utf-8"))

SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")


def names_defined_by(source: str) -> set[str]:
    """The plain names that a cell assigns to."""
    assignments = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    return {target.id for node in assignments for target in node.targets if isinstance(target, ast.Name)}


def run_cells(*, also: tuple[str, ...] = ()) -> dict[str, Any]:
    """What is defined after the cells that build requests and those named: no others, for they would call AWS."""
    building = {"image", "channels", "training_job", "tuning_job"}
    namespace: dict[str, Any] = {"time": time}
    for identifier, source in CODE.items():
        if identifier in also or names_defined_by(source) & building:
            exec(source, namespace)
    return namespace


def request(case: str) -> dict[str, Any]:
    match case:
        case "training job":
            return run_cells()["training_job"]
        case "tuning job":
            return run_cells()["tuning_job"]
        case "tuning job in the other geometry":
            return run_cells(also=("homogeneous",))["tuning_job"]
        case "local tuning job":
            return LOCAL_TUNING_JOB
    raise ValueError(case)


REQUESTS = {
    "training job": "CreateTrainingJob",
    "tuning job": "CreateHyperParameterTuningJob",
    "tuning job in the other geometry": "CreateHyperParameterTuningJob",
    "local tuning job": "CreateHyperParameterTuningJob",
}


def parts(shape: Shape, value: Any, path: str) -> list[tuple[Shape, Any, str]]:
    """What a structure, map or list is made of, each with its own shape and path."""
    match shape.type_name:
        case "structure":
            return [(shape.members[key], member, f"{path}.{key}") for key, member in value.items()]
        case "map":
            keys = [(shape.key, key, f"{path} key {key}") for key in value]
            return keys + [(shape.value, member, f"{path}.{key}") for key, member in value.items()]
        case "list":
            return [(shape.member, member, f"{path}[{index}]") for index, member in enumerate(value)]
    return []


def violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """The constraints that botocore knows of and leaves to the service: enumerations, patterns, upper limits."""
    for part in parts(shape, value, path):
        yield from violations(*part)
    if isinstance(value, str):
        if shape.enum and value not in shape.enum:
            yield f"{path}: {value!r} is none of {shape.enum}"
        if not re.fullmatch(shape.metadata.get("pattern", ".*"), value):
            yield f"{path}: {value!r} does not match {shape.metadata['pattern']}"
    size = value if isinstance(value, int | float) else len(value)
    if not shape.metadata.get("min", size) <= size <= shape.metadata.get("max", size):
        yield f"{path}: {size} is not within {shape.metadata}"


def complaints(operation: str, sent: dict[str, Any]) -> list[str]:
    shape = SAGEMAKER.operation_model(operation).input_shape
    report = ParamValidator().validate(sent, shape)
    return [report.generate_report()] if report.has_errors() else list(violations(shape, sent, operation))


def test_outputs_are_stripped():
    """The notebook carries nobody's account, results or execution counts, and each cell can be referred to."""
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in CELLS if "outputs" in cell)
    assert len({cell["id"] for cell in CELLS}) == len(CELLS)


@pytest.mark.parametrize("identifier", CODE)
def test_every_code_cell_compiles(identifier):
    """No cell has a syntax error."""
    compile(CODE[identifier], identifier, "exec")


@pytest.mark.parametrize("case", REQUESTS)
def test_a_request_is_one_that_aws_accepts(case):
    """Names, types, required fields, enumerations, patterns and limits are those of the service's model."""
    assert complaints(REQUESTS[case], request(case)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["HyperParameterTuningJobName"], "x" * 33),
        (["HyperParameterTuningJobName"], "under_score"),
        (["HyperParameterTuningJobConfig", "Strategy"], "random"),
        (["HyperParameterTuningJobConfig", "ParameterRanges", "IntegerParameterRanges", 0, "MinValue"], 0),
        (["TrainingJobDefinition", "StaticHyperParameters", "sigma2"], 0.1),
        (["TrainingJobDefinition", "AlgorithmSpecification", "MetricDefinitions", 0, "Regex"], "x" * 501),
        (["TrainingJobDefinition", "RoleArn"], "SageMakerRole"),
        (["TrainingJobDefinition", "InputDataConfig"], []),
        (["TrainingJobDefinition", "ResourceConfig", "InstanceCount"], -1),
        (["TrainingJobDefinition", "Image"], "gp"),
    ],
)
def test_a_spoilt_request_is_noticed(path, value):
    """The check above can fail: each of these has one fault."""
    spoilt = request("tuning job")
    *parents, last = path
    place = spoilt
    for key in parents:
        place = place[key]
    place[last] = value
    assert complaints("CreateHyperParameterTuningJob", spoilt) != []


@pytest.mark.parametrize("case", REQUESTS)
def test_a_request_speaks_the_containers_language(case):
    """The hyperparameters sent are known to the container, and the metrics awaited are among those it prints."""
    sent = request(case)
    definition = sent.get("TrainingJobDefinition", sent)
    Hyperparameters.model_validate(sent.get("HyperParameters") or definition["StaticHyperParameters"])
    awaited = {metric["Name"] for metric in definition["AlgorithmSpecification"]["MetricDefinitions"]}
    assert awaited <= {metric.name for metric in algorithm.metrics}
    if "HyperParameterTuningJobConfig" in sent:
        assert sent["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"] in awaited


@pytest.mark.parametrize("text", ["1.2e-05", "-3.25", "7"])
def test_a_regex_captures_the_whole_number(text):
    """Sign and exponent included: what SageMaker reads is what was printed."""
    for metric in request("training job")["AlgorithmSpecification"]["MetricDefinitions"]:
        found = re.search(metric["Regex"], f"{metric['Name']}={text};\n")
        assert found
        assert found[1] == text


def test_the_notebook_searches_what_the_local_tuner_searches():
    """Ranges, objective, limits and static values are those of local_test/tuning_job.json."""
    sent = request("tuning job")
    assert sent["HyperParameterTuningJobConfig"] == LOCAL_TUNING_JOB["HyperParameterTuningJobConfig"]
    static = [job["TrainingJobDefinition"]["StaticHyperParameters"] for job in (sent, LOCAL_TUNING_JOB)]
    assert static[0] == static[1]
