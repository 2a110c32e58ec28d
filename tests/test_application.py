"""The application: content types in and out, and what a client is told."""

import json

import numpy as np
import pytest
from reporting import Lines

from gaussian_processes.artifact import Artifact, save_artifact
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.errors import DataError
from gaussian_processes.gaussian_process import Hyperparameters, algorithm
from gaussian_processes.serving.application import create_app
from gaussian_processes.serving.predictor import Predictor

ROWS = "1,2\n3,4\n"


@pytest.fixture
def predictor(example):
    X, y, _, _ = example
    return Predictor(algorithm, algorithm.fit(Dataset(X, y, (Source("a", len(y)),)), Hyperparameters(), Lines()), 2)


@pytest.fixture
def client(predictor):
    return create_app(predictor).test_client()


@pytest.fixture
def wanted(predictor):
    mean, std = predictor.model.gp.predict(np.array([[1.0, 2.0], [3.0, 4.0]]), return_std=True)
    return mean.tolist(), std.tolist()


@pytest.mark.parametrize("content_type", ["text/csv", "text/csv; charset=utf-8", "TEXT/CSV;header=absent"])
def test_csv_in_csv_out(client, wanted, content_type):
    """One mean a line; parameters of the media type do not matter."""
    response = client.post("/invocations", data=ROWS, content_type=content_type)
    assert response.status_code == 200
    assert response.mimetype == "text/csv"
    assert [float(line) for line in response.text.splitlines()] == wanted[0]


def test_json_in_json_out(client, wanted):
    """Mean and standard deviation of every row."""
    body = {"instances": [{"features": [1, 2]}, {"features": [3, 4]}]}
    response = client.post("/invocations", json=body)
    assert response.mimetype == "application/json"
    assert response.get_json()["predictions"] == [{"mean": mean, "std": std} for mean, std in zip(*wanted, strict=True)]


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        (None, "text/csv"),
        ("*/*", "text/csv"),
        ("application/json", "application/json"),
        ("text/*", "text/csv"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("image/png, */*;q=0.1", "text/csv"),
        ("application/json; charset=utf-8", "application/json"),
        ("application/json;verbose=true;q=0.9, text/csv;q=0.8", "application/json"),
    ],
)
def test_accept_chooses_the_answers_format(client, accept, mimetype):
    """With no preference the answer is in the body's own format."""
    headers = {} if accept is None else {"Accept": accept}
    response = client.post("/invocations", data=ROWS, content_type="text/csv", headers=headers)
    assert (response.status_code, response.mimetype) == (200, mimetype)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        ("", "text/csv", 400, "The request body is empty"),
        ("a,b\nc,d\n", "text/csv", 400, "line 1 ('a,b') has no number in it"),
        ("1,2\n3,x\n", "text/csv", 400, "line 2, column 2: found 'x'"),
        ("1,2,3\n", "text/csv", 400, "Columns in the request: 3; features wanted: 2; leave the target out."),
        ("1\n", "text/csv", 400, "Columns in the request: 1; features wanted: 2."),
        ("1,2\n0,0\n", "text/csv", 400, "row 2 has length zero"),
        ("{", "application/json", 400, "Invalid JSON"),
        (
            '{"instances": [{"features": [1]}]}',
            "application/json",
            400,
            "Columns in the request: 1; features wanted: 2.",
        ),
        ("1,2\n", "application/x-recordio", 415, "text/csv or application/json is wanted"),
        ("1,2\n", "", 415, "There is no content type; text/csv or application/json is wanted"),
        ("1e300,2e300,1", "text/csv; charset=undefined", 400, "is not text in undefined"),
        ("1,2\n", "text/csv; charset=utf-16", 400, "is not text in utf-16"),
        ('{"instances": [{"features": [1e999, 2]}]}', "application/json", 400, "instances[0].features[0]"),
        ("1,2\n", "x" * 5000, 415, "is not supported"),
        ("1,2\n", None, 415, "There is no content type"),
    ],
)
def test_a_bad_request_is_told_why(client, body, content_type, status, reason):
    """A 4xx with one short line of plain text."""
    response = client.post("/invocations", data=body, content_type=content_type)
    assert response.status_code == status
    assert response.mimetype == "text/plain"
    assert reason in response.text
    assert response.text.count("\n") == 1
    assert len(response.text) < 500
    assert "Traceback" not in response.text


def test_an_answer_that_cannot_be_given_is_406(client):
    """And the formats that can."""
    response = client.post("/invocations", data=ROWS, content_type="text/csv", headers={"Accept": "image/png"})
    assert response.status_code == 406
    assert "text/csv or application/json can" in response.text


def test_paths_and_methods_that_do_not_exist(client):
    """404 and 405, in plain text, the latter with the methods that are allowed."""
    assert client.get("/nowhere").status_code == 404
    response = client.get("/invocations")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert client.post("/ping").status_code == 405


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_very_long_and_very_short_rows_keep_their_direction(client, wanted, scale):
    """On the sphere a row's length is of no consequence, even where its square overflows or vanishes."""
    rows = f"{scale!r},{2 * scale!r}\n{3 * scale!r},{4 * scale!r}\n"
    response = client.post("/invocations", data=rows, content_type="text/csv")
    assert [float(line) for line in response.text.split()] == pytest.approx(wanted[0], rel=1e-12)


def test_a_row_that_has_no_finite_prediction_is_refused(example):
    """In the homogeneous geometry a long row overflows; the answer is a reason, never NaN."""
    X, y, _, _ = example
    dataset = Dataset(X, y, (Source("a", len(y)),))
    model = algorithm.fit(dataset, Hyperparameters(q=3, geometry="homogeneous"), Lines())
    client = create_app(Predictor(algorithm, model, 2)).test_client()
    for body in ("1,2\n1e200,2e200\n", "1,2\n1e60,1e60\n"):
        response = client.post(
            "/invocations", data=body, content_type="text/csv", headers={"Accept": "application/json"}
        )
        assert (response.status_code, "row 2 is so long that" in response.text) == (400, True)


def test_a_model_stored_by_another_version_is_refused_in_words(tmp_path):
    """Its state lacks what this version reads: the file is whole, and training again mends it."""
    save_artifact(Artifact(algorithm.name, 2, {}, {"X": np.eye(2)}), tmp_path)
    with pytest.raises(DataError, match=r"not as this version .* stores it .*: train again"):
        Predictor.load(tmp_path, algorithm)


def test_ping_is_200_and_empty(client):
    """As SageMaker wants it."""
    response = client.get("/ping")
    assert (response.status_code, response.data) == (200, b"")


def test_a_fault_of_the_program_shows_nothing_of_its_inside(predictor, caplog):
    """500 for the client, the traceback for the log."""

    def broken(work):
        work()
        raise RuntimeError("a secret")

    response = (
        create_app(predictor, offload=broken).test_client().post("/invocations", data=ROWS, content_type="text/csv")
    )
    assert response.status_code == 500
    assert "secret" not in response.text
    assert "a secret" in caplog.text


def test_csv_and_json_agree(client):
    """Both are the same prediction."""
    means = [float(line) for line in client.post("/invocations", data=ROWS, content_type="text/csv").text.split()]
    body = json.dumps({"instances": [{"features": [1, 2]}, {"features": [3, 4]}]})
    answer = client.post("/invocations", data=body, content_type="application/json").get_json()
    assert [row["mean"] for row in answer["predictions"]] == pytest.approx(means, rel=1e-12)
