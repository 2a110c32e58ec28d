"""An endpoint of several models: SageMaker's paths for them, over models that are really loaded."""

import io
import json
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from arro3.core import Array, RecordBatch
from arro3.io import write_parquet
from oddities import NO_FILES
from processes import NEIGHBOURS, run_train, running_server, wait_for, write_opt_ml
from reference import DATA
from reporting import Lines

from gaussian_processes.arc_cosine import Hyperparameters, algorithm
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.job.contract.paths import OptMl
from gaussian_processes.self_test import SelfTest
from gaussian_processes.serving.http.application import Service, create_app
from gaussian_processes.serving.models.loaded import Models
from gaussian_processes.serving.models.predictor import Predictor
from gaussian_processes.storage.model_file import Artifact, load_artifact, save_artifact

MODELS = 200


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Models that differ: number n learnt y = n x1."""
    root = tmp_path_factory.mktemp("models")
    X = np.random.default_rng(0).normal(size=(40, 2))
    for number in range(MODELS):
        dataset = Dataset(X, number * X[:, 0], (Source("a", len(X)),))
        model = algorithm.fit(dataset, Hyperparameters(sigma2=1e-4, geometry="homogeneous"), Lines())
        artifact = Artifact(algorithm.name, 2, {}, algorithm.state(model), SelfTest.of(algorithm, model, dataset))
        save_artifact(artifact, root / f"{number}" / "model")
    return [root / f"{number}" / "model" for number in range(MODELS)]


def load(folder):
    return Predictor.load(folder, algorithm)


@pytest.fixture
def client():
    return create_app(algorithm, Models(load, lambda: np.inf), Service()).test_client()


def mean(client, name):
    response = client.post(f"/models/{name}/invoke", data="1,0\n", content_type="text/csv")
    assert response.status_code == 200, response.text
    return float(response.text)


def test_a_model_is_loaded_asked_shown_and_unloaded(client, folders):
    """Each of SageMaker's requests, in its words."""
    body = {"model_name": "a1b2", "url": str(folders[3])}
    shown = {"modelName": "a1b2", "modelUrl": str(folders[3])}
    assert client.post("/models", json=body).status_code == 200
    assert client.get("/models").get_json() == {"models": [shown]}
    assert client.get("/models/a1b2").get_json() == shown
    assert mean(client, "a1b2") == pytest.approx(3, abs=0.1)
    assert client.post("/models", json=body).status_code == 409
    assert client.delete("/models/a1b2").status_code == 200
    for response in (
        client.delete("/models/a1b2"),
        client.get("/models/a1b2"),
        client.post("/models/a1b2/invoke", data="1,0\n", content_type="text/csv"),
    ):
        assert response.status_code == 404
        assert response.text == "There is no model 'a1b2'. Load it first: POST /models.\n"
    assert client.get("/models").get_json() == {"models": []}


def test_each_model_has_its_own_columns(client, folders, tmp_path):
    """A request by name is held against those of the model that it asks."""
    artifact = load_artifact(folders[1], algorithm)
    for name, columns in {"one": ("y", "a", "b"), "other": ("y", "b", "a"), "none": ()}.items():
        save_artifact(replace(artifact, columns=columns), tmp_path / name)
        client.post("/models", json={"model_name": name, "url": str(tmp_path / name)})
    body = io.BytesIO()
    write_parquet(RecordBatch({name: Array.from_numpy(np.ones(1)) for name in ("a", "b")}), body)
    ask = {"data": body.getvalue(), "content_type": "application/x-parquet"}
    statuses = {name: client.post(f"/models/{name}/invoke", **ask).status_code for name in ("one", "other", "none")}
    assert statuses == {"one": 200, "other": 400, "none": 200}


def test_a_list_comes_in_pages(client, folders):
    """As many as asked for, and a token for the next ones."""
    for number in range(5):
        client.post("/models", json={"model_name": f"m{number}", "url": str(folders[number])})
    names, token = [], ""
    while token is not None:
        page = client.get(
            "/models", query_string={"limit": 2, **({"next_page_token": token} if token else {})}
        ).get_json()
        assert len(page["models"]) <= 2
        names += [model["modelName"] for model in page["models"]]
        token = page.get("nextPageToken")
    assert names == [f"m{number}" for number in range(5)]


def test_without_a_model_of_its_own_it_is_healthy(client):
    """And has no path for one."""
    assert client.get("/ping").status_code == 200
    assert client.post("/invocations", data="1,0\n", content_type="text/csv").status_code == 404


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "this is no JSON"),
        (b"[]", "object"),
        (b'{"url": "/a"}', "model_name is missing"),
        (b'{"model_name": "a"}', "url is missing"),
        (b'{"model_name": "a/b", "url": "/a"}', "model_name: "),
        (b'{"model_name": "", "url": "/a"}', "model_name: "),
        (b'{"model_name": 1, "url": "/a"}', "model_name: "),
        (b'{"model_name": "a", "url": "\\u0000"}', "'a' cannot be loaded"),
    ],
)
def test_what_cannot_be_loaded_is_refused_in_words(client, body, reason):
    """400, the field and the reason; nothing is listed afterwards."""
    response = client.post("/models", data=body, content_type="application/json")
    assert (response.status_code, reason in response.text) == (400, True), response.text
    assert client.get("/models").get_json() == {"models": []}


@pytest.mark.parametrize("url", ["/nowhere", "/etc/passwd/model"])
def test_a_path_that_is_not_there_is_404(client, url):
    """As AWS's server for several models has it."""
    response = client.post("/models", json={"model_name": "a", "url": url})
    assert (response.status_code, f"'a' cannot be loaded from {url}: No" in response.text) == (404, True)


# As AWS's multi-model-server names its exceptions: https://github.com/awslabs/multi-model-server
ERRORS = [
    ("POST", "/models", {"model_name": "a", "url": "/nowhere"}, 404, "ModelNotFoundException"),
    ("POST", "/models", {"model_name": "a"}, 400, "BadRequestException"),
    ("POST", "/models", "known", 409, "ConflictStatusException"),
    ("GET", "/models?limit=x", None, 400, "BadRequestException"),
    ("GET", "/models/unknown", None, 404, "ModelNotFoundException"),
    ("DELETE", "/models/unknown", None, 404, "ModelNotFoundException"),
    ("POST", "/models/unknown/invoke", [[1, 2]], 404, "ModelNotFoundException"),
    ("POST", "/models/known/invoke", [["x", 2]], 400, "BadRequestException"),
    ("PUT", "/models", None, 405, "MethodNotAllowedException"),
    ("POST", "/invocations", [[1, 2]], 404, "ResourceNotFoundException"),
]


@pytest.mark.parametrize("case", ERRORS, ids=lambda case: f"{case[0]} {case[1]} {case[3]}")
def test_an_error_is_in_json_where_that_is_asked_for(client, folders, case):
    """With AWS's fields and names; a wildcard or another format gets the line of text that it says."""
    method, path, body, status, kind = case
    known = {"model_name": "known", "url": str(folders[0])}
    client.post("/models", json=known)
    body = known if body == "known" else body

    def answer(accept):
        headers = {} if accept is None else {"Accept": accept}
        return client.open(path, method=method, json=body, headers=headers)

    text = answer(None)
    assert (text.status_code, text.content_type) == (status, "text/plain; charset=utf-8")
    for accept in ("application/json", "JSON", "text/csv, application/json;q=0.5", 'application/json;outputs="mean"'):
        response = answer(accept)
        assert (response.status_code, response.content_type) == (status, "application/json")
        assert response.get_json() == {"code": status, "type": kind, "message": text.text.rstrip("\n")}
    for accept in ("*/*", "application/*", "text/csv", "application/json;q=0, text/csv"):
        assert answer(accept).data == text.data


def test_a_packed_request_is_415(client, folders):
    """To load a model as to ask one; nothing is loaded."""
    body = json.dumps({"model_name": "a", "url": str(folders[0])})
    response = client.post("/models", data=body, headers={"Content-Encoding": "gzip"})
    assert (response.status_code, "is packed (Content-Encoding: 'gzip')" in response.text) == (415, True)
    assert client.get("/models").get_json() == {"models": []}


@pytest.mark.parametrize("limit", ["0", "x", "1001", "-1"])
def test_a_limit_that_is_none_is_refused(client, limit):
    """By name, with its range."""
    response = client.get("/models", query_string={"limit": limit})
    assert (response.status_code, response.text) == (
        400,
        f"limit is {limit!r}; a whole number from 1 to 1000 is wanted.\n",
    )


def test_memory_pressure_is_507(folders):
    """SageMaker then unloads another model and tries again."""
    client = create_app(algorithm, Models(load, lambda: 1.0), Service()).test_client()
    response = client.post("/models", json={"model_name": "a", "url": str(folders[0])})
    assert (response.status_code, "does not fit" in response.text) == (507, True)


def test_a_model_that_was_packed_with_its_folder_is_named(client, folders):
    """As for a single model: the archives of an endpoint are packed in the same way."""
    response = client.post("/models", json={"model_name": "a", "url": str(folders[1].parent)})
    assert response.status_code == 400
    assert "its folder holds 'model/model.pkl'." in response.text
    assert response.text.endswith("tar -C model -czf model.tar.gz .\n")


def test_a_damaged_model_is_refused_and_the_others_answer(client, folders, tmp_path):
    """What is wrong with one is not the others' affair."""
    client.post("/models", json={"model_name": "a", "url": str(folders[2])})
    (tmp_path / "model.pkl").write_bytes((folders[1] / "model.pkl").read_bytes()[:-9])
    response = client.post("/models", json={"model_name": "b", "url": str(tmp_path)})
    assert (response.status_code, "damaged" in response.text) == (400, True)
    assert mean(client, "a") == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(("make", "reason"), NO_FILES.values(), ids=NO_FILES)
def test_a_model_file_that_is_none_is_refused_at_once(client, folders, tmp_path, make, reason):
    """As the caller's fault, not as too large: that would have SageMaker unload the others."""
    folder = shutil.copytree(folders[1], tmp_path / "model")
    make(folder / "model.pkl")
    response = client.post("/models", json={"model_name": "a", "url": str(folder)})
    assert (response.status_code, reason in response.text) == (400, True), response.text
    assert client.get("/models").get_json() == {"models": []}


def load_of(name, folder):
    return json.dumps({"model_name": name, "url": str(folder)}).encode()


def ask_of(server, name):
    return server.request(f"/models/{name}/invoke", b"1,0\n", Content_Type="text/csv")


def test_models_come_back_when_the_process_that_had_them_is_killed(folders, tmp_path):
    """Again and again; one that was unloaded does not."""
    with running_server(OptMl(tmp_path), {"SAGEMAKER_MULTI_MODEL": "true"}) as server:
        for name, number in {"two": 2, "five": 5, "gone": 7}.items():
            assert server.request("/models", load_of(name, folders[number])).status == 200
        assert server.request("/models/gone", method="DELETE").status == 200
        listed = server.request("/models").text
        wanted = {name: ask_of(server, name).text for name in ("two", "five")}
        # A request cannot kill it, with what ends the reader of Parquet either.
        workers, body = server.workers, (DATA / "parquet/killer-2083-607.parquet").read_bytes()
        assert server.request("/models/two/invoke", body, Content_Type="application/x-parquet").status == 400
        assert server.workers == workers
        for _ in range(2):
            (killed,) = server.workers
            os.kill(killed, signal.SIGKILL)
            wait_for(lambda killed=killed: server.workers not in ([], [killed]))
            assert server.request("/models").text == listed
            assert {name: ask_of(server, name).text for name in wanted} == wanted
            assert ask_of(server, "gone").status == 404
            assert server.request("/models", load_of("two", folders[3])).status == 409
    assert "Traceback" not in server.log.read_text()


def test_a_load_that_hangs_holds_up_no_other(tmp_path):
    """Nor a request, however many hang."""
    rows = {"training/a.csv": "1,2\n2,3\n3,4\n4,5\n5,6\n6,7\n"}
    slow, quick = write_opt_ml(tmp_path / "slow", rows), write_opt_ml(tmp_path / "quick", rows, {"k": "1"})
    for paths in (slow, quick):
        assert run_train(paths, NEIGHBOURS).returncode == 0
    several = {**NEIGHBOURS, "ALGORITHM": "loading", "LOADING": str(tmp_path), "SAGEMAKER_MULTI_MODEL": "true"}
    with running_server(slow, several) as server, ThreadPoolExecutor(20) as pool:
        try:
            hanging = [
                pool.submit(server.request, "/models", load_of(f"b{number}", slow.model)) for number in range(20)
            ]
            for name in ("one", "two"):
                assert server.request("/models", load_of(name, quick.model)).status == 200
                answer = server.request(f"/models/{name}/invoke", b"1\n", Content_Type="text/csv")
                assert answer.status == 200
            assert not any(each.done() for each in hanging)
        finally:
            (tmp_path / "go").touch()
        assert [each.result().status for each in hanging] == [200] * 20
    assert "Traceback" not in server.log.read_text()


def resident(server):
    return sum(
        int(line.split()[1])
        for worker in server.workers
        for line in Path(f"/proc/{worker}/smaps_rollup").read_text().splitlines()
        if line.startswith("Pss:")
    )


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc/PID/smaps_rollup")
def test_hundreds_of_models_answer_side_by_side(folders, tmp_path):
    """Loaded, asked and unloaded by many clients at once in a real server; the memory of those that are gone is free again."""
    paths = OptMl(tmp_path)
    with running_server(paths, {"SAGEMAKER_MULTI_MODEL": "true", "MODEL_SERVER_MAX_MODELS": "150"}) as server:

        def load_and_ask(number):
            body = json.dumps({"model_name": f"m{number}", "url": str(folders[number])}).encode()
            assert server.request("/models", body, Content_Type="application/json").status == 200
            return ask(number)

        def ask(number):
            answer = server.request(f"/models/m{number}/invoke", b"1,0\n", Content_Type="text/csv")
            assert answer.status == 200, answer.text
            return float(answer.text)

        with ThreadPoolExecutor(8) as pool:
            means = list(pool.map(load_and_ask, range(MODELS)))
            again = list(pool.map(ask, range(MODELS)))
        assert means == again
        assert means == pytest.approx(list(range(MODELS)), rel=0.05, abs=0.1)
        assert f"model_server_models {MODELS}.0" in server.request("/metrics").text
        loaded = resident(server)
        for _ in range(3):  # a leak would grow with each round
            for number in range(MODELS):
                assert server.request(f"/models/m{number}", method="DELETE").status == 200
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(load_and_ask, range(MODELS)))
        assert resident(server) < 1.25 * loaded
        assert len(server.workers) == 1
    assert "Traceback" not in server.log.read_text()
