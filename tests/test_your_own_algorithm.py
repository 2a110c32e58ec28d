"""A second algorithm goes through the same train, serve and local search: the seam is in the right place."""

import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest
from arro3.core import Array, RecordBatch
from arro3.io import write_parquet
from nearest_neighbours import algorithm as nearest_neighbours
from processes import NEIGHBOURS, environ_of, run_train, running_server, write_opt_ml
from reference import DATA, ROOT
from reporting import metrics_in

from gaussian_processes.arc_cosine import algorithm as gaussian_process
from gaussian_processes.serving.http.application import Service, create_app
from gaussian_processes.serving.models.predictor import Predictor


def test_the_guide_shows_the_file_that_is_tested():
    """docs/your_own_algorithm.md contains tests/algorithms/nearest_neighbours.py to the letter."""
    source = (ROOT / "tests/algorithms/nearest_neighbours.py").read_text()
    assert f"```python\n{source}```" in (ROOT / "docs/your_own_algorithm.md").read_text()


@pytest.fixture
def nearest():
    """What five nearest neighbours say of the example's validation rows, by brute force."""
    training = np.loadtxt(DATA / "example_train.csv", delimiter=",")
    validation = np.loadtxt(DATA / "example_validation.csv", delimiter=",")
    distance = np.linalg.norm(validation[:, None, 1:] - training[None, :, 1:], axis=2)
    means = training[np.argsort(distance, axis=1)[:, :5], 0].mean(axis=1)
    return validation, means


def test_trains_and_serves(example_job, nearest):
    """Its own hyperparameter, its own metric, its own model file, the same executables."""
    validation, means = nearest
    paths = example_job(k="5")
    done = run_train(paths, NEIGHBOURS)
    assert (done.returncode, done.stderr) == (0, "")
    assert "k-nearest-neighbours" in done.stdout.splitlines()[0]
    assert "averaging over 5 neighbours" in done.stdout
    rmse = math.sqrt(np.mean((validation[:, 0] - means) ** 2))
    assert metrics_in(done.stdout) == {"validation:RMSE": pytest.approx(rmse)}
    assert "predicted_against_actual" in (paths.output_data / "report.html").read_text(encoding="utf-8")
    with running_server(paths, NEIGHBOURS) as server:
        body = "".join(f"{a!r},{b!r}\n" for a, b in validation[:, 1:].tolist()).encode()
        answer = server.request("/invocations", body, Content_Type="text/csv")
        assert [float(line) for line in answer.text.split()] == pytest.approx(means.tolist())
        body = json.dumps({"instances": [{"features": validation[0, 1:].tolist()}]}).encode()
        answer = json.loads(server.request("/invocations", body, Content_Type="application/json").text)
        assert answer["predictions"][0].keys() == {"mean", "std"}


TABLE = {"y": [1.0, 2.0, 3.0], "a": [1.0, 2.0, 4.0], "b": [2.0, 1.0, 1.0]}
HEADED = "y,a,b\n1,1,2\n2,2,1\n3,4,1\n"


def parquet(table, *names):
    stream = io.BytesIO()
    write_parquet(RecordBatch({name: Array.from_numpy(np.array(table[name])) for name in names}), stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("known", "channels", "extra"),
    [
        (gaussian_process, {"training/a.parquet": parquet(TABLE, "y", "a", "b")}, {}),
        (nearest_neighbours, {"training/a.parquet": parquet(TABLE, "y", "a", "b")}, NEIGHBOURS),
        (nearest_neighbours, {"training/a.csv": HEADED}, NEIGHBOURS),
    ],
    ids=["Gaussian process on Parquet", "neighbours on Parquet", "neighbours under a header line"],
)
def test_the_names_of_the_columns_go_with_the_model(tmp_path, known, channels, extra):
    """From the channel to the requests, whatever the algorithm: it has nothing to do for that."""
    paths = write_opt_ml(tmp_path, channels)
    assert run_train(paths, extra).returncode == 0
    predictor = Predictor.load(paths.model, known)
    client = create_app(known, predictor, Service()).test_client()

    def ask(body, content_type="application/x-parquet"):
        response = client.post("/invocations", data=body, content_type=content_type)
        return response.status_code, response.text

    by_order = ask("1,2\n2,1\n4,1\n", "text/csv")
    assert by_order[0] == 200
    assert ask(parquet(TABLE, "a", "b")) == by_order
    status, reason = ask(parquet(TABLE, "b", "a"))
    assert (status, "'b' where it is 'a' in the training data" in reason) == (400, True)


def test_refuses_the_other_algorithms_hyperparameters(example_job):
    """Names and ranges are the algorithm's own."""
    done = run_train(example_job(q="1", k="0"), NEIGHBOURS)
    assert done.returncode == 2
    assert "2 hyperparameters are wrong: 'q' is not one; k is '0'" in done.stderr


def test_is_tuned_by_the_local_search(example_job, tmp_path):
    """A tuning-job request over k finds what training by hand prints."""
    request = json.loads((ROOT / "local_test/tuning_job.json").read_text())
    config = request["HyperParameterTuningJobConfig"]
    config["ParameterRanges"] = {"IntegerParameterRanges": [{"Name": "k", "MinValue": "1", "MaxValue": "3"}]}
    config["ResourceLimits"] = {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 2}
    request["TrainingJobDefinition"]["StaticHyperParameters"] = {}
    (tmp_path / "request.json").write_text(json.dumps(request))
    paths = example_job(k="2")
    by_hand = metrics_in(run_train(paths, NEIGHBOURS).stdout)["validation:RMSE"]
    command = [
        sys.executable,
        "-m",
        "gaussian_processes.tuning",
        str(tmp_path / "request.json"),
        "--data",
        str(paths.data),
        "--results",
        str(tmp_path / "results"),
    ]
    environ = environ_of(paths, NEIGHBOURS)
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"k=2  {by_hand:.6g}" in done.stdout
