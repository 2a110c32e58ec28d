"""The notebook's requests against AWS's own model of them, and its words against what the container does."""

import ast
import json
import re
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from aws import moto_server
from processes import require_aws_clients

from gaussian_processes.gaussian_process import Hyperparameters, algorithm
from gaussian_processes.tuning.service_model import complaints, input_of

ROOT = Path(__file__).parents[1]
CELLS = json.loads((ROOT / "notebooks" / "bring_your_own_gp.ipynb").read_text(encoding="utf-8"))["cells"]
CODE = {cell["id"]: "".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"}
LOCAL_TUNING_JOB = json.loads((ROOT / "local_test" / "tuning_job.json").read_text(encoding="utf-8"))


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
    assert complaints(input_of(REQUESTS[case]), request(case)) == []


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
    assert complaints(input_of("CreateHyperParameterTuningJob"), spoilt) != []


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


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The whole notebook, run headless by AWS's own clients against a stand-in for its services."""
    python = require_aws_clients() / "bin/python"
    with moto_server(tmp_path_factory.mktemp("moto") / "log") as service:
        bucket = f"{service}/{run_cells(also=('configuration',))['bucket']}"
        urllib.request.urlopen(urllib.request.Request(bucket, method="PUT")).close()
        command = [
            str(python),
            str(ROOT / "tests/notebook.py"),
            str(ROOT / "notebooks/bring_your_own_gp.ipynb"),
            service,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        with urllib.request.urlopen(bucket) as answer:
            return {**json.loads(done.stdout), "left": answer.read().decode()}


def test_the_notebook_runs_as_far_as_the_stand_in_answers(executed):
    """It does not know one operation, whose results one more cell shows; every other cell runs."""
    assert set(executed["errors"]) == {"results", "best"}
    assert "calling the ListTrainingJobsForHyperParameterTuningJob operation" in executed["errors"]["results"]
    assert executed["errors"]["best"] == "NameError: name 'results' is not defined"


def test_every_request_that_is_sent_is_one_that_aws_accepts(executed):
    """To all services, in the words in which the client makes it."""
    sent = executed["requests"]
    assert [
        fault for service, *request in sent for fault in complaints(input_of(request[0], service), request[1])
    ] == []
    operations = [operation for _, operation, _ in sent]
    assert operations.count("PutObject") == 2
    assert {"CreateTrainingJob", "CreateHyperParameterTuningJob", "DescribeTrainingJob"} <= set(operations)


def test_clean_up_leaves_nothing_in_the_bucket(executed):
    """What the notebook uploaded is deleted by its last cell."""
    assert executed["requests"][-1][1] == "DeleteObjects"
    assert "ListBucketResult" in executed["left"]
    assert "<Key>" not in executed["left"]
