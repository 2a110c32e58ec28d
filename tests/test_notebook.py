"""The notebooks run; their requests against AWS's own model of them, their words against what the container does."""

import ast
import copy
import csv
import json
import re
import subprocess
import sys
import time
import urllib.request
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import numpy as np
import pandas as pd
import pytest
from aws import moto_server
from processes import require_aws_clients, run_train, running_server

from gaussian_processes.arc_cosine import Hyperparameters, algorithm
from gaussian_processes.tuning.service_model import complaints, input_of

ROOT = Path(__file__).parents[1]
NOTEBOOKS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "notebooks").glob("*.ipynb")}
LOCAL, CLOUD = sorted(NOTEBOOKS)


def code_of(notebook: str) -> dict[str, str]:
    """The code cells by their names."""
    cells = NOTEBOOKS[notebook]["cells"]
    return {cell["id"]: "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"}


CODE = code_of(CLOUD)
LOCAL_TUNING_JOB = json.loads((ROOT / "local_test" / "tuning_job.json").read_text(encoding="utf-8"))


def names_defined_by(source: str) -> set[str]:
    """The plain names that a cell assigns to."""
    assignments = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    return {target.id for node in assignments for target in node.targets if isinstance(target, ast.Name)}


def run_cells(*, also: tuple[str, ...] = ()) -> dict[str, Any]:
    """What is defined after the cells that build requests and those named: no others, for they would call AWS."""
    building = {"image", "channels", "training_job", "tuning_job", "better_job", "model", "transform_job"}
    trained = {"ModelArtifacts": {"S3ModelArtifacts": "s3://my-bucket/output/model.tar.gz"}}
    namespace: dict[str, Any] = {"time": time, "pd": pd, "np": np, "rng": np.random.default_rng(1), "job": trained}
    for identifier, source in CODE.items():
        if identifier in also or names_defined_by(source) & building:
            exec(source, namespace)
    return namespace


def request(case: str) -> dict[str, Any]:
    match case:
        case "local tuning job":
            return LOCAL_TUNING_JOB
        case "tuning job in the other geometry":
            return run_cells(also=("homogeneous",))["tuning_job"]
        case name:
            return run_cells()[name.replace(" ", "_")]


REQUESTS = {
    "training job": "CreateTrainingJob",
    "better job": "CreateTrainingJob",
    "tuning job": "CreateHyperParameterTuningJob",
    "tuning job in the other geometry": "CreateHyperParameterTuningJob",
    "local tuning job": "CreateHyperParameterTuningJob",
    "model": "CreateModel",
    "endpoint config": "CreateEndpointConfig",
    "endpoint": "CreateEndpoint",
    "transform job": "CreateTransformJob",
}
JOBS = [case for case in REQUESTS if case.endswith(("training job", "better job", "geometry", "tuning job"))]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_outputs_are_stripped(notebook):
    """A notebook carries nobody's account, results or execution counts, and each cell can be referred to."""
    cells = NOTEBOOKS[notebook]["cells"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells if "outputs" in cell)
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", cell["id"]) for cell in cells)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_code_cell_compiles(notebook):
    """No cell has a syntax error."""
    for identifier, source in code_of(notebook).items():
        compile(source, identifier, "exec")


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_the_files_it_names_exist(notebook):
    """Paths in its text are paths in the project, or lie beside it."""
    texts = ["".join(cell["source"]) for cell in NOTEBOOKS[notebook]["cells"] if cell["cell_type"] == "markdown"]
    named = re.findall(
        r"`(\w+\.ipynb|(?:\./)?(?:local_test|docs|requirements|gaussian_processes|tests)/[\w./]+)", "".join(texts)
    )
    assert named
    for path in named:
        assert (ROOT / path).exists() or (ROOT / "notebooks" / path).exists(), path


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


@pytest.mark.parametrize("case", JOBS)
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


def test_the_models_are_put_together_as_they_were_made():
    """Image, model, configuration, endpoint and batch refer to each other."""
    defined = run_cells()
    name = defined["model"]["ModelName"]
    assert defined["model"]["PrimaryContainer"] == {
        "Image": defined["image"],
        "ModelDataUrl": "s3://my-bucket/output/model.tar.gz",
    }
    assert defined["endpoint_config"]["ProductionVariants"][0]["ModelName"] == name
    assert defined["endpoint"]["EndpointConfigName"] == defined["endpoint_config"]["EndpointConfigName"]
    assert defined["transform_job"]["ModelName"] == name


def test_no_wait_is_without_end(monkeypatch):
    """No cell loops until something happens; every wait has a number of minutes, and a search that goes on is stopped."""
    source = "\n".join(CODE.values())
    assert not any(isinstance(node, ast.While) for node in ast.walk(ast.parse(source)))
    assert source.count("get_waiter(") == source.count("MaxAttempts") == 1
    assert "wait=True" not in source
    assert source.count(".fit(") == source.count("wait=False")
    slept, stopped = [], []
    monkeypatch.setattr(time, "sleep", slept.append)
    running = {"HyperParameterTuningJobStatus": "InProgress", "TrainingJobStatusCounters": {}}
    client = SimpleNamespace(
        create_hyper_parameter_tuning_job=lambda **_: None,
        describe_hyper_parameter_tuning_job=lambda **_: running,
        stop_hyper_parameter_tuning_job=lambda **name: stopped.append(name),
    )
    job = request("tuning job")
    exec(CODE["tune"], {"time": time, "sagemaker": client, "tuning_job": job})
    assert sum(slept) == 60 * 60
    assert stopped == [{"HyperParameterTuningJobName": job["HyperParameterTuningJobName"]}]


def test_the_notebook_searches_what_the_local_tuner_searches():
    """Ranges, objective, limits and static values are those of local_test/tuning_job.json."""
    sent = request("tuning job")
    assert sent["HyperParameterTuningJobConfig"] == LOCAL_TUNING_JOB["HyperParameterTuningJobConfig"]
    static = [job["TrainingJobDefinition"]["StaticHyperParameters"] for job in (sent, LOCAL_TUNING_JOB)]
    assert static[0] == static[1]


def written(notebook: str, folder: Path, *, probes=None, replaced=None) -> Path:
    """A copy of the notebook with other settings, and with cells after those named that say what is known by then."""
    changed = copy.deepcopy(NOTEBOOKS[notebook])
    for cell in list(changed["cells"]):
        text = "".join(cell["source"])
        for old in [old for old in replaced or {} if old in text]:
            text = text.replace(old, replaced[old])
        cell["source"] = text
        if cell["id"] in (probes or {}):
            probe = {**cell, "id": f"{cell['id']}-probe", "source": f"print(json.dumps({probes[cell['id']]}))"}
            changed["cells"].insert(changed["cells"].index(cell) + 1, probe)
    path = folder / f"{notebook}.ipynb"
    path.write_text(json.dumps(changed), encoding="utf-8")
    return path


def headless(python: str | Path, *arguments: str | Path) -> dict[str, Any]:
    """What the cells of a notebook left."""
    done = subprocess.run(
        [str(python), str(ROOT / "tests/support/notebook.py"), *map(str, arguments)],
        cwd=ROOT / "notebooks",
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


PROBES = {
    "heat-map": '{"table": (found / "results.csv").read_text(), "title": axes.get_title(), "map": repr(errors.tolist())}',
    "predictions": '{"default": default, "better": better, "inside": int(inside.sum()), "title": axes.get_title()}',
    "stop": '{"server": server.returncode, "left": Path(scratch.name).exists()}',
}


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The notebook that needs no AWS, from its folder; under "known", what the probes found."""
    path = written(LOCAL, tmp_path_factory.mktemp("local"), probes=PROBES)
    left = headless(sys.executable, path)
    return {**left, "known": {cell: json.loads(left["printed"].get(f"{cell}-probe", "null")) for cell in PROBES}}


@pytest.mark.parametrize("folder", [ROOT, ROOT / "notebooks"], ids=["root", "notebooks"])
def test_the_project_is_found_from(folder, monkeypatch):
    """Wherever in the project the notebook was started."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    namespace: dict[str, Any] = {"Path": Path, "sys": sys}
    exec(code_of(LOCAL)["imports"], namespace)
    assert namespace["root"] == ROOT


def test_the_local_notebook_runs_to_its_end(local):
    """Without an error and without a warning, and with all its pictures; the server has ended, the folder is gone."""
    assert local["errors"] == {}
    assert local["warned"] == {}
    assert local["pictures"] == ["kernel-curves", "prior-draws", "fit", "heat-map", "predictions"]
    assert local["known"]["stop"] == {"server": 0, "left": False}


def test_the_heat_map_shows_what_the_table_of_results_says(local):
    """Each job's error at its place, nothing elsewhere, and in the title the best."""
    known = local["known"]["heat-map"]
    rows = list(csv.DictReader(known["table"].splitlines()))
    best = min(rows, key=lambda row: float(row["objective"]))
    assert len(rows) == 10
    assert f"$q = {best['q']}$, $l = {best['l']}$" in known["title"]
    shown = eval(known["map"], {"nan": None})
    cells = {(q, l): value for l, line in enumerate(shown, 1) for q, value in enumerate(line) if value is not None}
    assert cells == {(int(row["q"]), int(row["l"])): float(row["objective"]) for row in rows}


def test_what_the_local_notebook_says_of_its_numbers_is_so(local):
    """About 2.7 before the search, little better after it, near 1 with the lengths kept; and honest intervals then."""
    known = local["known"]["predictions"]
    default, better = known["default"], known["better"]
    rows = list(csv.DictReader(local["known"]["heat-map"]["table"].splitlines()))
    assert default["validation:RMSE"] == pytest.approx(2.7, abs=0.05)
    assert 0.25 < default["validation:coverage95"] < 0.3
    assert default["validation:RMSE"] - 0.1 < min(float(row["objective"]) for row in rows) < default["validation:RMSE"]
    assert better["validation:RMSE"] < 1.1
    assert better["validation:coverage95"] == pytest.approx(0.95, abs=0.02)
    assert better["train:log_evidence"] > default["train:log_evidence"]
    assert known["inside"] / 50 == better["validation:coverage95"]
    assert known["title"].startswith(f"{known['inside']} of 50 ")
    assert "the same means in both: True" in local["printed"]["ask"]


def test_what_the_local_notebook_says_of_kernels_is_so():
    """The slope at t = 1: infinite for q = 0, q^2 / (2q - 1) above, which exceeds 1 from q = 2 on."""
    from gaussian_processes.gp.kernels.formulas import composed_kernel, composed_kernel_derivative

    assert np.isinf(composed_kernel_derivative(0, 0, 1.0))
    assert composed_kernel_derivative(1, 0, 1.0) == pytest.approx(1.0)
    assert all(composed_kernel_derivative(q, 0, 1.0) > 1.3 for q in range(2, 6))
    at_opposite = [composed_kernel(1, l, -1.0) for l in range(20)]
    assert all(lower < upper for lower, upper in pairwise(at_opposite))
    assert at_opposite[-1] > 0.9
    assert composed_kernel(3, 4, 0.8) < composed_kernel(3, 0, 0.8)


ANSWERS = (
    ("11.5\n-4.5\n-3.0\n", "text/csv"),
    ('{"predictions": [{"mean": 11.5, "std": 0.2, "interval": [9.5, 13.5]}]}', "application/json"),
)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The whole notebook, run headless by AWS's own clients against a stand-in, with everything that is optional.

    The stand-in has no machines: what the container would say, it is told beforehand.
    """
    python = require_aws_clients() / "bin/python"
    defined = run_cells(also=("configuration",))
    region, bucket, image = defined["region"], defined["bucket"], defined["image"]
    folder = tmp_path_factory.mktemp("cloud")
    flags = ("use_sdk", "delete_image", "delete_logs")
    path = written(CLOUD, folder, replaced={f"{flag} = False": f"{flag} = True" for flag in flags})
    with moto_server(folder / "log") as service:
        session = botocore.session.get_session()
        keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}

        def client(name):
            return session.create_client(name, region_name=region, endpoint_url=service, **keys)

        s3, logs, ecr = client("s3"), client("logs"), client("ecr")
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
        lines = b"1.0,0.0,2.0\n" * len(defined["many"])
        s3.put_object(Bucket=bucket, Key=f"{defined['prefix']}/batch/output/rows.csv.out", Body=lines)
        s3.put_object(Bucket=bucket, Key="another/thing", Body=b"stays")
        ecr.create_repository(repositoryName="gaussian-processes")
        ecr.create_repository(repositoryName="another")
        assert "/gaussian-processes:" in image
        group = "/aws/sagemaker/TrainingJobs"
        logs.create_log_group(logGroupName=group)
        for stream in ("arc-cosine-sdk-1/algo-1", "another-job/algo-1"):
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        results = {
            "region": region,
            "results": [{"Body": body, "ContentType": media_type} for body, media_type in ANSWERS],
        }
        urllib.request.urlopen(
            urllib.request.Request(
                f"{service}/moto-api/static/sagemaker/endpoint-results",
                json.dumps(results).encode(),
                {"Content-Type": "application/json"},
            )
        ).close()
        left = headless(python, path, service)
        sagemaker = client("sagemaker")
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        left["left"] = {
            "objects": [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]],
            "repositories": [found["repositoryName"] for found in ecr.describe_repositories()["repositories"]],
            "streams": [found["logStreamName"] for found in streams],
            "endpoints": sagemaker.list_endpoints()["Endpoints"],
            "configurations": sagemaker.list_endpoint_configs()["EndpointConfigs"],
            "models": sagemaker.list_models()["Models"],
        }
    return left


def sent(executed, *operations):
    """What was sent in these operations, in order."""
    return [parameters for _, operation, parameters in executed["requests"] if operation in operations]


def test_the_notebook_runs_as_far_as_the_stand_in_answers(executed):
    """It does not know one operation, whose results one more cell shows; every other cell runs."""
    assert set(executed["errors"]) == {"results", "best"}
    assert "calling the ListTrainingJobsForHyperParameterTuningJob operation" in executed["errors"]["results"]
    assert executed["errors"]["best"] == "NameError: name 'results' is not defined"


def test_every_request_that_is_sent_is_one_that_aws_accepts(executed):
    """To all services, in the words in which the client makes it."""
    assert [
        fault
        for service, operation, parameters in executed["requests"]
        for fault in complaints(input_of(operation, service), parameters)
    ] == []
    operations = {operation for _, operation, _ in executed["requests"]}
    assert set(REQUESTS.values()) <= operations
    assert {"InvokeEndpoint", "DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel", "DeleteObjects"} <= operations
    assert len(sent(executed, "PutObject")) == 3


def without_names(value):
    """The request without what is a name, and without lists that hold nothing."""
    if isinstance(value, dict):
        return {key: without_names(part) for key, part in value.items() if not key.endswith("JobName") and part != []}
    return [without_names(part) for part in value] if isinstance(value, list) else value


def is_within(small, large):
    """Whether the larger request says all that the smaller does, and perhaps more."""
    if isinstance(small, dict):
        return all(key in large and is_within(part, large[key]) for key, part in small.items())
    if isinstance(small, list):
        return len(small) == len(large) and all(is_within(*pair) for pair in zip(small, large, strict=True))
    return small == large


def test_the_sdk_sends_what_was_sent_by_hand(executed):
    """The same training job and the same search, with names of its own and a little more."""
    by_hand, _, by_sdk = map(without_names, sent(executed, "CreateTrainingJob"))
    assert is_within(by_hand, by_sdk)
    by_hand, by_sdk = map(without_names, sent(executed, "CreateHyperParameterTuningJob"))
    machine = by_hand["TrainingJobDefinition"].pop("ResourceConfig")
    assert is_within(by_hand, by_sdk)
    assert by_sdk["TrainingJobDefinition"]["HyperParameterTuningResourceConfig"] == machine
    assert "GetCallerIdentity" not in {operation for _, operation, _ in executed["requests"]}  # no telemetry


def test_clean_up_leaves_nothing_that_is_billed(executed):
    """Endpoint before its parts; all objects below the prefix, the image, the logs; and nothing that is another's."""
    assert executed["left"] == {
        "objects": ["another/thing"],
        "repositories": ["another"],
        "streams": ["another-job/algo-1"],
        "endpoints": [],
        "configurations": [],
        "models": [],
    }
    deletions = [operation for _, operation, _ in executed["requests"] if operation.startswith("Delete")]
    assert deletions[:4] == ["DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel", "DeleteObjects"]
    assert "NOT" not in executed["printed"]["delete-endpoint"]
    assert "endpoints left: []" in executed["printed"]["delete-endpoint"]


def test_image_and_logs_stay_unless_it_is_said(executed):
    """What the next job needs is not deleted by running all cells."""
    assert "delete_image = False" in CODE["clean-up-rest"]
    assert "delete_logs = False" in CODE["clean-up-rest"]
    assert sent(executed, "DeleteRepository") == [{"repositoryName": "gaussian-processes", "force": True}]


def test_the_container_answers_what_the_notebook_asks(executed, example_job):
    """The requests to the endpoint and the batch's, sent to the server with the model that the notebook deploys."""
    paths = example_job(**request("better job")["HyperParameters"])
    assert run_train(paths).returncode == 0
    with running_server(paths) as server:
        answers = [
            server.request(
                "/invocations", asked["Body"].encode(), Content_Type=asked["ContentType"], Accept=asked["Accept"]
            )
            for asked in sent(executed, "InvokeEndpoint")
        ]
    means = [float(line) for line in answers[0].text.split()]
    assert means == pytest.approx([1.5 + 10.4, 0.75 - 5.2, -3.0], abs=0.7)
    predictions = json.loads(answers[1].text)["predictions"]
    assert [row["mean"] for row in predictions] == pytest.approx(means, rel=1e-12)
    assert all(list(row) == ["mean", "std", "interval"] for row in predictions)
    batch = request("transform job")
    with running_server(paths, {**batch["Environment"], "SAGEMAKER_BATCH": "true"}) as server:
        accept = {"Content_Type": batch["TransformInput"]["ContentType"], "Accept": batch["TransformOutput"]["Accept"]}
        lines = server.request("/invocations", b"1,2\nnothing,0\n0.5,-1\n", **accept).text.splitlines()
    mean, lower, upper = map(float, lines[0].split(","))
    assert lower < mean < upper
    assert lines[1].startswith(("error: ", '"error: '))
    assert len(lines) == 3
