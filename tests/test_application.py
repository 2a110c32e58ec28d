"""The application: content types in and out, what is asked and answered, and what a client is told."""

import gzip
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from application import ROWS, client_of, post, predictor_of
from arro3.core import Array, RecordBatch
from arro3.io import write_parquet

from gaussian_processes.arc_cosine import algorithm
from gaussian_processes.data.codecs import csv_table as delimited
from gaussian_processes.data.codecs import json_lines
from gaussian_processes.data.http import NPY
from gaussian_processes.errors import DataError, UnusableModelError
from gaussian_processes.serving.http.application import Batches
from gaussian_processes.serving.http.invocation import Habits
from gaussian_processes.serving.models.predictor import Predictor
from gaussian_processes.storage.model_file import Artifact, save_artifact


@pytest.fixture(scope="module")
def predictor(example):
    X, y, _, _ = example
    return predictor_of(X, y)


@pytest.fixture
def client(predictor):
    return client_of(predictor)


@pytest.fixture(scope="module")
def wanted(predictor):
    mean, std = predictor.model.gp.predict(np.array([[1.0, 2.0], [3.0, 4.0]]), return_std=True)
    return mean.tolist(), std.tolist()


@pytest.mark.parametrize("content_type", ["text/csv", "text/csv; charset=utf-8", "TEXT/CSV;header=absent"])
def test_csv_in_csv_out(client, wanted, content_type):
    """One mean a line; parameters of the media type do not matter."""
    response = post(client, content_type=content_type)
    assert response.status_code == 200
    assert response.content_type == "text/csv"  # without a charset: clients compare the whole
    assert [float(line) for line in response.text.splitlines()] == wanted[0]


NAMES = {
    "text/csv": ("csv", "application/csv", "text/x-csv", "CSV; header=absent"),
    "application/json": ("json", "text/json", "application/x-json", "Text/JSON; charset=utf-8"),
    "application/jsonlines": ("jsonlines", "application/x-jsonlines", "application/jsonl", "application/ndjson"),
    "application/x-npy": ("npy", "application/npy"),
    "application/x-parquet": ("parquet", "application/parquet", "application/vnd.apache.parquet", "Parquet;version=1"),
}


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("known", NAMES)
def test_a_format_is_known_by_all_of_its_names(predictor, known, batch):
    """Those that AWS's own containers accept, and the kindred; the answer is the same, and has the usual name."""
    array = io.BytesIO()
    np.save(array, np.array([[1.0, 2.0], [3.0, 4.0]]))
    bodies = {"text/csv": ROWS, "application/json": "[[1, 2], [3, 4]]", "application/jsonlines": "[1, 2]\n[3, 4]\n"}
    body = {**bodies, "application/x-npy": array.getvalue(), "application/x-parquet": parquet(a=A, b=B)}[known]
    client = client_of(predictor, habits=Habits(batch=batch))
    wanted = post(client, body, known)
    assert wanted.status_code == 200
    for name in NAMES[known]:
        response = post(client, body, name)
        assert (response.status_code, response.mimetype, response.data) == (200, wanted.mimetype, wanted.data), name
        if "parquet" not in known:
            assert post(client, Accept=name).mimetype == known, name


@pytest.mark.parametrize("content_type", ["text/libsvm", "v", "text/", "/", "/csv/", "xtext/csv", "csv2", "*/csv"])
def test_what_only_looks_like_a_name_is_415(client, content_type):
    """The end of a name is a whole part of it."""
    assert post(client, content_type=content_type).status_code == 415


def test_the_names_that_a_format_has_beside_do_not_fit_a_wildcard(client):
    """`application/*` is no CSV, and `text/*` no JSON."""
    assert post(client, Accept="application/*").mimetype == "application/json"
    assert post(client, "[[1, 2]]", "application/json", Accept="text/*").mimetype == "text/csv"


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [{"features": [1, 2]}, {"features": [3, 4]}]},
        {"instances": [[1, 2], [3, 4]]},
        [[1, 2], [3, 4]],
        {"instances": [{"data": {"features": {"values": [1, 2]}}}, {"features": [3, 4]}]},
    ],
)
def test_json_in_json_out(client, wanted, body):
    """Mean and standard deviation of every row, in whatever form the rows come."""
    response = post(client, json.dumps(body), "application/json")
    assert response.mimetype == "application/json"
    assert response.get_json()["predictions"] == [{"mean": mean, "std": std} for mean, std in zip(*wanted, strict=True)]


def test_json_lines_in_json_lines_out(client, wanted):
    """An object a line."""
    response = post(client, '[1, 2]\n{"features": [3, 4]}\n', "application/jsonlines")
    rows = [json.loads(line) for line in response.text.splitlines()]
    assert rows == [{"mean": mean, "std": std} for mean, std in zip(*wanted, strict=True)]


def test_npy_in_npy_out(client, wanted):
    """An array of means; with more outputs, a matrix."""
    body = io.BytesIO()
    np.save(body, np.array([[1, 2], [3, 4]], np.float32))
    means = np.load(io.BytesIO(post(client, body.getvalue(), "application/x-npy").data))
    assert means.tolist() == wanted[0]
    both = post(client, body.getvalue(), "application/x-npy", Accept='application/x-npy;outputs="mean,std"')
    assert np.load(io.BytesIO(both.data)).T.tolist() == [*wanted]


def parquet(**columns):
    """Columns of numbers by name, in that order."""
    body = io.BytesIO()
    write_parquet(RecordBatch({name: Array.from_numpy(np.array(column)) for name, column in columns.items()}), body)
    return body.getvalue()


A, B = [1.0, 3.0], [2.0, 4.0]  # as ROWS has them


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("trained_on", [(), ("y", "a", "b")])
def test_parquet_in_csv_out(predictor, trained_on, batch):
    """It can be read and not written; the columns are those of the training data, or of whatever name if these had none."""
    client = client_of(named(predictor, *trained_on), habits=Habits(batch=batch))
    response = post(client, parquet(a=A, b=B), "application/x-parquet")
    assert (response.status_code, response.mimetype) == (200, "text/csv")
    assert response.text == post(client).text
    assert trained_on or post(client, parquet(x=A, a=B), "application/x-parquet").text == response.text


def named(predictor, *columns):
    return replace(predictor, artifact=replace(predictor.artifact, columns=columns))


OTHERS = {
    "another order": ({"b": B, "a": A}, "column 1 is named 'b' where it is 'a' in the training data"),
    "another name": ({"a": A, "c": B}, "column 2 is named 'c' where it is 'b' in the training data"),
    "another case": ({"A": A, "b": B}, "column 1 is named 'A' where it is 'a' in the training data"),
    "the target": ({"y": A, "a": B}, "column 1 is named 'y' where it is 'a' in the training data"),
    "no rows": ({"b": [], "a": []}, "column 1 is named 'b' where it is 'a' in the training data"),
}


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(("columns", "reason"), OTHERS.values(), ids=OTHERS)
def test_columns_of_other_names_are_refused(predictor, columns, reason, batch):
    """They would be taken for those in their places: 400, in a batch too, with what was found and what is wanted."""
    client = client_of(named(predictor, "y", "a", "b"), habits=Habits(batch=batch))
    for accept in ("text/csv", 'application/json;outputs="mean,covariance"'):
        response = post(client, parquet(**columns), "application/x-parquet", Accept=accept)
        assert (response.status_code, response.mimetype) == (400, "text/plain")
        assert response.text == f"The request: {reason}; the same columns in the same order are wanted.\n"


@pytest.mark.parametrize(("columns", "left"), [({"y": A, "a": A, "b": B}, True), ({"a": A}, False)])
def test_another_number_of_columns_is_told_as_in_any_other_format(predictor, columns, left):
    """And in a batch each record is answered with it."""
    model, body = named(predictor, "y", "a", "b"), parquet(**columns)
    response = post(client_of(model), body, "application/x-parquet")
    assert (response.status_code, f"{len(columns)}; features wanted: 2" in response.text) == (400, True)
    batch = post(client_of(model, habits=Habits(batch=True)), body, "application/x-parquet")
    assert ["where 2 are wanted" in line for line in batch.text.splitlines()] == [True, True]
    assert [("leave the target out" in one.text) for one in (response, batch)] == [left, left]


def test_formats_without_names_are_taken_by_their_order(predictor, wanted):
    """Whatever the training data's columns were called."""
    client = client_of(named(predictor, "y", "a", "b"))
    array = io.BytesIO()
    np.save(array, np.array([[1, 2], [3, 4]]))
    bodies = {"text/csv": ROWS, "application/json": "[[1, 2], [3, 4]]", "application/jsonlines": "[1, 2]\n[3, 4]\n"}
    for content_type, body in {**bodies, "application/x-npy": array.getvalue()}.items():
        text = post(client, body, content_type, Accept="text/csv").text
        assert [float(line) for line in text.splitlines()] == wanted[0]


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
        ("application/jsonlines", "application/jsonlines"),
        ("application/x-npy", "application/x-npy"),
    ],
)
def test_accept_chooses_the_answers_format(client, accept, mimetype):
    """With no preference the answer is in the body's own format."""
    response = post(client, **({} if accept is None else {"Accept": accept}))
    assert (response.status_code, response.mimetype) == (200, mimetype)


@pytest.mark.parametrize(("accept", "mimetype"), [(None, "application/x-npy"), ("text/csv", "text/csv")])
def test_the_environment_has_a_say_where_the_request_has_none(predictor, accept, mimetype):
    """SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT, as in AWS's own containers."""
    client = client_of(predictor, habits=Habits(usual_format=NPY))
    assert post(client, **({} if accept is None else {"Accept": accept})).mimetype == mimetype


QUANTILE_95 = 1.6448536269514722  # of the standard normal distribution: the bounds of a 90 % interval


def test_a_request_chooses_what_is_predicted(client, wanted):
    """By parameters of Accept, or by custom attributes, which give way to them."""
    std_y = np.sqrt(np.square(wanted[1]) + 0.1)
    for headers in (
        {"Accept": 'application/json;outputs="mean,interval";level=0.9'},
        {"Accept": "application/json", "X_Amzn_SageMaker_Custom_Attributes": "outputs=mean,interval;level=0.9"},
        {
            "Accept": 'application/json;outputs="mean,interval"',
            "X_Amzn_SageMaker_Custom_Attributes": "outputs=std;level=0.9",
        },
    ):
        rows = post(client, **headers).get_json()["predictions"]
        assert [row.keys() - {"extrapolating"} for row in rows] == [{"mean", "interval"}] * 2
        for row, mean, std in zip(rows, wanted[0], std_y, strict=True):
            assert row["mean"] == mean
            assert row["interval"] == pytest.approx([mean - QUANTILE_95 * std, mean + QUANTILE_95 * std], rel=1e-9)


def test_csv_carries_more_when_asked(client, wanted):
    """The outputs beside each other, in the order in which they are asked for."""
    text = post(client, Accept='text/csv;outputs="std,mean"').text
    assert [[float(cell) for cell in line.split(",")] for line in text.splitlines()] == [
        [std, mean] for mean, std in zip(*wanted, strict=True)
    ]


def test_the_environment_chooses_for_requests_that_do_not_say(predictor):
    """In batch transform there is no header to say it in."""
    client = client_of(predictor, habits=Habits(usual_words={"outputs": "mean,std", "level": "0.5"}))
    assert len(post(client).text.splitlines()[0].split(",")) == 2
    assert len(post(client, X_Amzn_SageMaker_Custom_Attributes="outputs=interval").text.splitlines()[0].split(",")) == 2
    assert len(post(client, Accept="text/csv;outputs=mean").text.splitlines()[0].split(",")) == 1


def test_samples_are_drawn_together_and_repeated_by_their_seed(client):
    """The rows of a request are of one function."""
    asked = {"Accept": "application/json;outputs=samples;samples=3;seed=7"}
    first, again = (post(client, **asked).get_json()["predictions"] for _ in range(2))
    assert first == again
    assert [len(row["samples"]) for row in first] == [3, 3]
    other = post(client, Accept="application/json;outputs=samples;samples=3;seed=8").get_json()["predictions"]
    assert other != first


def test_rows_unlike_all_that_was_learnt_from_are_marked():
    """Opposite to every training row there is nothing to go by; near them there is no mark at all."""
    generator = np.random.default_rng(3)
    X = np.array([1.0, 1.0]) + 0.1 * generator.normal(size=(30, 2))
    client = client_of(predictor_of(X, X[:, 0], q=1, l=0))
    near, far = post(client, "1,1\n-1,-1\n", Accept="application/json").get_json()["predictions"]
    assert "extrapolating" not in near
    assert far["extrapolating"] is True


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        ("a,b\nc,d\n", "text/csv", 400, "line 1 ('a,b') has no number in it"),
        ("1,2\n3,x\n", "text/csv", 400, "line 2, column 2: found 'x'"),
        ("1,2,3\n", "text/csv", 400, "Columns in the request: 3; features wanted: 2; leave the target out."),
        ("1\n", "text/csv", 400, "Columns in the request: 1; features wanted: 2."),
        ("1,2\n0,0\n", "text/csv", 400, "row 2 has length zero"),
        ("\n", "text/csv", 400, "is empty"),
        ("{", "application/json", 400, "Invalid JSON"),
        (
            '{"instances": [{"features": [1]}]}',
            "application/json",
            400,
            "Columns in the request: 1; features wanted: 2.",
        ),
        ("1,2\n", "application/x-recordio", 415, "text/csv or application/json or"),
        ("1,2\n", "", 415, "There is no content type; text/csv or application/json or"),
        ("1e300,2e300,1", "text/csv; charset=undefined", 400, "is not text in undefined"),
        ("1,2\n", "text/csv; charset=utf-16", 400, "is not text in utf-16"),
        ('{"instances": [{"features": [1e999, 2]}]}', "application/json", 400, "instances[0].features[0]"),
        ("1,2\n", "x" * 5000, 415, "is not supported"),
        ("1,2\n", None, 415, "There is no content type"),
        ("1,2\n", "application/x-npy", 400, "is not an array that NumPy saved"),
        ("1,2\n", "application/x-parquet", 400, "is not a Parquet file"),
        ("[1, 2]\n[1]\n", "application/jsonlines", 400, "line 2 has 1 numbers where line 1 has 2"),
    ],
)
def test_a_bad_request_is_told_why(client, body, content_type, status, reason):
    """A 4xx with one short line of plain text."""
    response = post(client, body, content_type)
    assert response.status_code == status
    assert response.mimetype == "text/plain"
    assert reason in response.text
    assert response.text.count("\n") == 1
    assert len(response.text) < 500
    assert "Traceback" not in response.text


@pytest.mark.parametrize("batch", [False, True])
def test_truth_values_mean_the_same_in_every_format(predictor, batch):
    """1 and 0."""
    client = client_of(predictor, habits=Habits(batch=batch))
    wanted = post(client, "1,0\n0,1\n2,1\n").data
    bodies = {
        "text/csv": "true,False\nFALSE,True\n2,TRUE\n",
        "application/json": '{"instances": [[true, false], {"features": [false, true]}, {"data": {"features": {"values": [2, true]}}}]}',
        "application/jsonlines": '[true, false]\n{"features": [false, true]}\n[2, true]\n',
    }
    for content_type, body in bodies.items():
        assert post(client, body, content_type, Accept="text/csv").data == wanted


def array_of(rows):
    stream = io.BytesIO()
    np.save(stream, rows)
    return stream.getvalue()


def counted(predictor):
    """The same predictor, and the numbers of rows that its model is asked about."""
    asked = []

    def predict(model, rows, query):
        asked.append(len(rows))
        return algorithm.predict(model, rows, query)

    return replace(predictor, algorithm=replace(algorithm, predict=predict)), asked


TINY = {
    "a row each": lambda row: [row],
    "of other widths in turn": lambda row: [row, np.ones((1, 3))],
    "some without rows": lambda row: [row, row[:0], row[:0]],
    "of other types in turn": lambda row: [row, row.astype("<f4")],
    "by columns": lambda row: [np.asfortranarray(np.concatenate([row, row]))],
}


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("name", TINY)
def test_very_small_arrays_are_predicted_together(predictor, name, batch):
    """In a few calls of the model; each row's answer, or its reason, is that of one array of them all."""
    counting, asked = counted(predictor)
    rows = np.random.default_rng(3).normal(size=(1000, 1, 2)).astype("<f4").astype(float)
    arrays = [array for row in rows for array in TINY[name](row)]
    if "widths" in name and not batch:
        return  # refused, at the second one
    body = b"".join(map(array_of, arrays))
    answer = post(client_of(counting, habits=Habits(batch=batch)), body, "application/x-npy", Accept="text/csv")
    assert len(asked) <= 4
    good = np.concatenate([array for array in arrays if array.shape[1] == 2])
    expected = iter(
        post(client_of(predictor), array_of(good), "application/x-npy", Accept="text/csv").text.splitlines()
    )
    lines = iter(answer.text.splitlines())
    for number, row in enumerate(row for array in arrays for row in array):
        fault = f'"error: row {number + 1} has 3 values where 2 are wanted; leave the target out"'
        assert next(lines) == (next(expected) if len(row) == 2 else fault)


@pytest.mark.parametrize(
    ("line", "content_type", "read"),
    [
        *(
            (line, "application/jsonlines", (json_lines, "from_json"))
            for line in ("[]", "{}", "1", "x", "[1]", "[[]]", "[3, 4]")
        ),
        *((line, "text/csv", (delimited, "examine")) for line in ("1", "x", ",", '""')),
    ],
)
def test_in_a_batch_a_line_that_repeats_another_is_read_once(predictor, monkeypatch, line, content_type, read):
    """And each has its answer: of faults, with its own number."""
    calls = []
    one = getattr(*read)
    monkeypatch.setattr(*read, lambda *arguments: (calls.append(1), one(*arguments))[1])
    good = "[1, 2]" if content_type.endswith("lines") else "1,2"
    client = client_of(predictor, habits=Habits(batch=True))
    answers = post(client, f"{good}\n{line}\n" * 1000, content_type, Accept="text/csv").text.splitlines()
    assert len(calls) <= 4
    assert len(answers) == 2000
    assert len({*answers[::2]}) == 1
    numbered = [re.sub(r"\bline \d+", "line", answer) for answer in answers[1::2]]
    assert len({*numbered}) == 1
    if line != "[3, 4]":
        assert [int(re.search(r"\bline (\d+)", answer)[1]) for answer in answers[1::2]] == list(range(2, 2001, 2))


def test_an_empty_body_has_an_empty_answer(client):
    """204, whatever it would have been."""
    for content_type in ("text/csv", "application/json", None):
        response = post(client, "", content_type)
        assert (response.status_code, response.data) == (204, b"")


def test_a_body_over_the_limit_is_413(predictor):
    """And one of just that size is not."""
    client = client_of(predictor, max_body=len(ROWS))
    assert post(client).status_code == 200
    response = post(client, ROWS + "\n")
    assert response.status_code == 413
    assert f"more than the {len(ROWS)} bytes that are taken" in response.text


@pytest.mark.parametrize("encoding", ["gzip", "GZip", "br", "deflate, identity", "x" * 5000])
def test_a_packed_body_is_415(client, encoding):
    """With what it is and what is wanted; of any content type, and before anything is parsed."""
    for content_type in ("text/csv", "application/json", "application/x-npy", None):
        response = post(client, gzip.compress(ROWS.encode()), content_type, Content_Encoding=encoding)
        assert (response.status_code, response.text.count("\n")) == (415, 1)
        assert f"is packed (Content-Encoding: {encoding[:40]!r})" in response.text
        assert len(response.text) < 200


@pytest.mark.parametrize("encoding", ["", "identity", "Identity, identity"])
def test_a_body_that_says_it_is_not_packed_is_read(client, wanted, encoding):
    """`identity` means as much."""
    assert [float(line) for line in post(client, Content_Encoding=encoding).text.split()] == wanted[0]


def test_a_header_that_no_compiler_could_take_is_400(client):
    """An array's header is text in Python's syntax, of which 9,000 signs are too many for its compiler."""
    response = post(client, b"\x93NUMPY\x01\x00" + (9000).to_bytes(2, "little") + b"-" * 9000, "application/x-npy")
    assert (response.status_code, response.text.count("\n")) == (400, 1)
    assert response.text.startswith("The request body is not an array that NumPy saved (.npy): ")


def test_an_answer_that_cannot_be_given_is_406(client):
    """And the formats that can."""
    response = post(client, Accept="image/png")
    assert response.status_code == 406
    assert "text/csv or application/json or" in response.text


def test_an_output_that_the_model_lacks_is_refused_where_it_is_named(example):
    """Where it is only usual, it is left out."""
    X, y, _, _ = example
    client = client_of(predictor_of(X, y, include_variance=False))
    assert post(client, Accept="application/json").get_json()["predictions"][0].keys() == {"mean"}
    response = post(client, Accept='application/json;outputs="mean,std"')
    assert (response.status_code, "does not offer std" in response.text) == (400, True)


BAD = "1,2\n\n3,x\n0,0\n1,2,3\n3,4"


def test_in_a_batch_every_record_has_its_answer_or_its_reason(predictor, wanted):
    """As many lines as records, the good ones as if they were alone."""
    client = client_of(predictor, habits=Habits(batch=True))
    response = post(client, BAD)
    lines = response.text.splitlines()
    assert response.status_code == 200
    assert len(lines) == 6
    assert [float(lines[0]), float(lines[5])] == wanted[0]
    for line, reason in zip(lines[1:5], ("line 2", "line 3, column 2: found 'x'", "has length zero", "3"), strict=True):
        assert line.startswith('"error: ')
        assert reason in line


@pytest.mark.parametrize("accept", ["application/json", "application/jsonlines"])
def test_in_a_batch_json_names_the_reason(predictor, accept):
    """An object with an error in the place of the prediction."""
    client = client_of(predictor, habits=Habits(batch=True))
    response = post(client, BAD, Accept=accept)
    rows = (
        response.get_json()["predictions"]
        if accept.endswith("json")
        else list(map(json.loads, response.text.splitlines()))
    )
    assert [sorted(row) for row in rows] == [["mean", "std"], *[["error"]] * 4, ["mean", "std"]]


JSON_LINES = '{"features": [1, 2]}\n[3, 4]\n'


@pytest.mark.parametrize(
    ("body", "answers"),
    [
        (JSON_LINES, "mm"),
        (JSON_LINES.replace("\n", "\r\n"), "mm"),
        ("\n" + JSON_LINES.rstrip(), "emm"),
        ('{"features": [1, "x"]}\n[3, 4]', "em"),
        ("[1, 2]\nx\n\n[3, 4]\n[1]\n[1, 2", "meemee"),
        ('{"instances": [[1, 2]]}\n{"instances": [[3, 4]]}', "ee"),
    ],
)
def test_in_a_batch_json_lines_are_read_as_lines(predictor, body, answers):
    """Under application/json too, as batch transform sends them where it splits a file by its lines; each has its answer."""
    response = post(client_of(predictor, habits=Habits(batch=True)), body, "application/json")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    predictions = response.get_json()["predictions"]
    assert "".join("m" if "mean" in row else "e" for row in predictions) == answers
    lines = post(client_of(predictor, habits=Habits(batch=True)), body, "application/jsonlines")
    assert predictions == [json.loads(line) for line in lines.text.splitlines()]


@pytest.mark.parametrize(
    "body",
    [
        "[[1, 2]\n,[3, 4]]",
        '{"instances": [\n[1, 2],\n[3, 4]\n]}',
        '[\n{"features": [1, 2]},\n{"features": [3, 4]}\n]\n',
        '\n{"instances": [[1, 2], [3, 4]]}\n',
    ],
)
def test_in_a_batch_a_document_of_several_lines_is_a_document(predictor, wanted, body):
    """Whatever its first line looks like."""
    response = post(client_of(predictor, habits=Habits(batch=True)), body, "application/json")
    assert [row["mean"] for row in response.get_json()["predictions"]] == wanted[0]


@pytest.mark.parametrize(
    "body",
    ['{"instances": [\n[1, 2],\n[3, 4]\n]', '{"instances": [[1, 2]]', '{"a": 1}', "[1, 2", "[[1, 2],\n[3, 4]", "1\n2"],
)
def test_in_a_batch_a_broken_document_is_refused(predictor, body):
    """It is not cut into records that nobody meant."""
    response = post(client_of(predictor, habits=Habits(batch=True)), body, "application/json")
    assert (response.status_code, response.text.count("\n")) == (400, 1)


def test_outside_a_batch_json_lines_are_no_document(client):
    """One fault refuses a request there, and so does this."""
    response = post(client, JSON_LINES, "application/json")
    assert (response.status_code, "Invalid JSON: trailing characters at line 2" in response.text) == (400, True)


def test_in_a_batch_an_array_has_nan_where_there_is_a_reason(predictor):
    """It cannot say it in words, and keeps its length."""
    client = client_of(predictor, habits=Habits(batch=True))
    means = np.load(io.BytesIO(post(client, BAD, Accept="application/x-npy").data))
    assert np.isnan(means).tolist() == [False, True, True, True, True, False]


def test_in_a_batch_without_a_good_record_every_one_has_its_reason(predictor):
    """For every format of answers."""
    client = client_of(predictor, habits=Habits(batch=True))
    for accept in ("text/csv", "application/json", "application/jsonlines", "application/x-npy"):
        assert post(client, "x,y\nx,y", Accept=f'{accept};outputs="mean,interval"').status_code == 200


def test_a_batch_job_is_told_how_to_send(predictor):
    """At most 100 MB on the way, as the platform wants it."""
    client = client_of(predictor, batches=Batches(8, 6))
    assert client.get("/execution-parameters").get_json() == {
        "MaxConcurrentTransforms": 8,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 6,
    }


def test_paths_and_methods_that_do_not_exist(client):
    """404 and 405, in plain text, the latter with the methods that are allowed."""
    assert client.get("/nowhere").status_code == 404
    assert client.post("/models", json={}).status_code == 404
    response = client.get("/invocations")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert client.post("/ping").status_code == 405


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_very_long_and_very_short_rows_keep_their_direction(client, wanted, scale):
    """On the sphere a row's length is of no consequence, even where its square overflows or vanishes."""
    rows = f"{scale!r},{2 * scale!r}\n{3 * scale!r},{4 * scale!r}\n"
    assert [float(line) for line in post(client, rows).text.split()] == pytest.approx(wanted[0], rel=1e-12)


def test_a_row_that_has_no_finite_prediction_is_refused(example):
    """In the homogeneous geometry a long row overflows; the answer is a reason, never NaN."""
    X, y, _, _ = example
    client = client_of(predictor_of(X, y, q=3, geometry="homogeneous"))
    for body in ("1,2\n1e200,2e200\n", "1,2\n1e60,1e60\n"):
        response = post(client, body, Accept="application/json")
        assert (response.status_code, "row 2 is so long that" in response.text) == (400, True)


def test_a_model_stored_by_another_version_is_refused_in_words(tmp_path, predictor):
    """Its state lacks what this version reads: the file is whole, and training again mends it."""
    save_artifact(Artifact(algorithm.name, 2, {}, {"X": np.eye(2)}, predictor.artifact.self_test), tmp_path)
    with pytest.raises(DataError, match=r"not as this version .* stores it .*: train again"):
        Predictor.load(tmp_path, algorithm)


def test_a_model_that_does_not_reproduce_what_it_predicted_is_refused(tmp_path, predictor):
    """Its file is whole, and yet something is not as it was when it was trained."""
    state = algorithm.state(predictor.model)
    save_artifact(Artifact(algorithm.name, 2, {}, state, predictor.artifact.self_test), tmp_path)
    assert Predictor.load(tmp_path, algorithm).features == 2
    state = {**state, "alpha": 1.01 * state["alpha"]}
    save_artifact(Artifact(algorithm.name, 2, {}, state, predictor.artifact.self_test), tmp_path)
    with pytest.raises(DataError, match="does not reproduce"):
        Predictor.load(tmp_path, algorithm)


def test_ping_is_200_and_empty(client):
    """As SageMaker wants it."""
    response = client.get("/ping")
    assert (response.status_code, response.data) == (200, b"")


def test_without_a_model_everyone_is_told_the_reason():
    """503, and the server stays to say it."""
    client = client_of(UnusableModelError("There is no model."))
    for response in (client.get("/ping"), post(client)):
        assert (response.status_code, response.text) == (503, "There is no model.\n")
        assert response.headers["Retry-After"]
    assert client.get("/metrics").status_code == 200


def test_a_fault_of_the_program_shows_nothing_of_its_inside(predictor, capsys):
    """500 for the client; for the log where it was, and neither what it says nor what was sent."""

    def broken(*_):
        raise RuntimeError("a secret")

    broken_one = replace(predictor, algorithm=replace(predictor.algorithm, predict=broken))
    response = post(client_of(broken_one), "1.2345,2\n")
    assert response.status_code == 500
    event = json.loads(capsys.readouterr().out)
    assert "RuntimeError" in event["fault"]
    assert any("in broken" in line or line.endswith(" broken") for line in event["fault"])
    for text in (response.text, json.dumps(event)):
        assert "secret" not in text
        assert "1.2345" not in text


def test_every_answer_has_an_id_that_the_log_knows(client, capsys):
    """A line of JSON each, good or bad, with what is known of the request but what it held."""
    responses = [post(client), post(client, "1.2345,x\n"), client.get("/nowhere"), post(client, "", None)]
    events = list(map(json.loads, capsys.readouterr().out.splitlines()))
    assert [event["request_id"] for event in events] == [response.headers["X-Request-Id"] for response in responses]
    assert [event["status"] for event in events] == [200, 400, 404, 204]
    assert (events[0]["rows"], events[0]["path"], events[0]["content_type"]) == (2, "/invocations", "text/csv")
    assert len({event["request_id"] for event in events}) == 4
    assert "1.2345" not in json.dumps(events)


def test_health_checks_are_not_worth_a_line(client, capsys):
    """They come every few seconds, and every answer to them has an id all the same."""
    assert client.get("/ping").headers["X-Request-Id"]
    assert client.get("/metrics").headers["X-Request-Id"]
    assert capsys.readouterr().out == ""


def test_metrics_count_what_was_asked(predictor):
    """Requests by path, status and content type; rows; those unlike what was learnt from; nothing that a client made up."""
    client = client_of(predictor)
    post(client, Accept="application/json")
    post(client, "1,x\n")
    post(client, content_type="application/made-up")
    client.get("/made-up")
    lines = client.get("/metrics").text.splitlines()
    counts = {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}
    requests = 'model_server_requests_total{{content_type="{}",path="{}",status="{}"}}'
    assert counts[requests.format("text/csv", "/invocations", 200)] == 1
    assert counts[requests.format("text/csv", "/invocations", 400)] == 1
    assert counts[requests.format("other", "/invocations", 415)] == 1
    assert counts[requests.format("none", "other", 404)] == 1
    assert counts["model_server_predicted_rows_total"] == counts["model_server_examined_rows_total"] == 2
    assert counts["model_server_extrapolating_rows_total"] == 0
    assert counts['model_server_request_seconds_count{path="/invocations"}'] == 3
    assert counts['model_server_request_rows_bucket{le="10.0"}'] == 1
    assert not any("made-up" in line for line in lines)


def test_csv_and_json_agree(client):
    """Both are the same prediction."""
    means = [float(line) for line in post(client).text.split()]
    answer = post(client, json.dumps([[1, 2], [3, 4]]), "application/json").get_json()
    assert [row["mean"] for row in answer["predictions"]] == pytest.approx(means, rel=1e-12)
