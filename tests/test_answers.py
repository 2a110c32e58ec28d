"""What a request's answers look like as bytes, and its records before: one for each, in their order, in every format."""

import csv
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaussian_processes.data.http import ANSWERS, CSV, JSON, JSON_LINES, NPY, PARQUET, exchange_named, negotiate
from gaussian_processes.data.records import Answer
from gaussian_processes.errors import ConfigurationError, DataError, NotAcceptableError

PIECES = [
    Answer({"mean": np.array([0.1, np.nan]), "interval": np.array([[1.0, 2.0], [np.nan] * 2])}, {}, {1: 'a "b"\nc, d'}),
    Answer({"mean": np.array([1e-300]), "interval": np.array([[-1.0, 3e200]])}, {"extrapolating": np.array([True])}),
]
OBJECTS = [
    {"mean": 0.1, "interval": [1.0, 2.0]},
    {"error": 'a "b"\nc, d'},
    {"mean": 1e-300, "interval": [-1.0, 3e200], "extrapolating": True},
]


def written(known, pieces=PIECES):
    return b"".join(known.write(pieces))


def test_json_has_an_object_for_each_record():
    """Every number to the bit; flags where they are true; the reason in the place of an answer."""
    assert json.loads(written(JSON)) == {"predictions": OBJECTS}
    assert [json.loads(line) for line in written(JSON_LINES).splitlines()] == OBJECTS


@given(
    st.lists(st.one_of(st.none(), st.text(), st.sampled_from(['}, {"', '"}, {"a": "', "}, {", '\\"}, {"'])), max_size=9)
)
def test_every_record_has_its_line_whatever_a_reason_holds(reasons):
    """Of JSON: a reason can quote what was sent."""
    faults = {row: reason for row, reason in enumerate(reasons) if reason is not None}
    means = np.array([np.nan if row in faults else 0.5 for row in range(len(reasons))])
    lines = written(JSON_LINES, [Answer({"mean": means}, {}, faults)]).decode().split("\n")
    assert lines.pop() == ""
    wanted = [{"mean": 0.5} if reason is None else {"error": reason} for reason in reasons]
    assert [json.loads(line) for line in lines if line] == wanted


def test_csv_has_a_line_for_each_record():
    """Columns beside each other; the reason as one cell, in one line."""
    lines = written(CSV).decode().splitlines()
    assert list(csv.reader(lines)) == [["0.1", "1.0", "2.0"], ['error: a "b" c, d'], ["1e-300", "-1.0", "3e+200"]]


def test_npy_has_a_row_for_each_record():
    """NaN where there is a reason; one column alone is a vector."""
    matrix = np.load(io.BytesIO(written(NPY)))
    assert np.array_equal(matrix, [[0.1, 1, 2], [np.nan] * 3, [1e-300, -1, 3e200]], equal_nan=True)
    assert np.load(io.BytesIO(written(NPY, [Answer({"mean": np.arange(3.0)})]))).tolist() == [0, 1, 2]


@pytest.mark.parametrize("known", ANSWERS, ids=lambda known: known.media_type)
def test_an_answer_about_nothing_can_be_read(known):
    """Where a request had no rows."""
    body = written(known, [Answer({"mean": np.empty(0)})])
    if known is JSON:
        assert json.loads(body) == {"predictions": []}
    elif known is NPY:
        assert np.load(io.BytesIO(body)).shape == (0,)
    else:
        assert body.strip() == b""


@pytest.mark.parametrize("known", [JSON, JSON_LINES], ids=["json", "jsonlines"])
def test_what_is_no_number_in_json_is_never_written(known):
    """NaN would make the answer unreadable."""
    with pytest.raises(ValueError, match="JSON"):
        written(known, [Answer({"mean": np.array([np.nan])})])


def test_a_large_answer_has_its_faults_where_they_are():
    """Whatever piece they fall into."""
    faults = {row: f"at {row}" for row in (0, 5000, 19_999)}
    answers = [Answer({"mean": np.ones(20_000)}, {}, faults), Answer({"mean": np.ones(1)})]
    for known, fault in ((JSON_LINES, '{{"error": "{}"}}'), (CSV, '"error: {}"')):
        lines = written(known, answers).decode().splitlines()
        assert len(lines) == 20_001
        assert {row: line for row, line in enumerate(lines) if "at" in line} == {
            row: fault.format(reason) for row, reason in faults.items()
        }


def test_a_large_answer_comes_in_pieces():
    """None of which is long in the making; every fault stays with its record."""
    mean = np.random.default_rng(0).normal(size=100_000)
    faulty = [0, 50_000, 99_999]
    answer = Answer({"mean": mean}, {}, dict.fromkeys(faulty, "no"))
    for known in (CSV, JSON, JSON_LINES):
        pieces = list(known.write([answer]))
        assert len(pieces) > 5
    lines = b"".join(CSV.write([answer])).decode().splitlines()
    assert [row for row, line in enumerate(lines) if line == '"error: no"'] == faulty
    assert np.array_equal([float(line) for line in lines if "no" not in line], np.delete(mean, faulty))


def parquet(rows):
    from arro3.core import Array, DataType, Table
    from arro3.io import write_parquet

    stream = io.BytesIO()
    columns = zip(*rows, strict=True)
    write_parquet(
        Table.from_pydict({f"x{n}": Array(list(c), DataType.float64()) for n, c in enumerate(columns)}), stream
    )
    return stream.getvalue()


def npy(rows):
    stream = io.BytesIO()
    np.save(stream, np.array(rows))
    return stream.getvalue()


NAN = float("nan")
BODIES = {
    "csv": (CSV, b"1,2\n\nx,3\n4\n5,6,7\n8,9"),
    "csv with a header line": (CSV, b"a,b\n1,2\n3,4\n"),
    "jsonlines": (
        JSON_LINES,
        b'[1, 2]\nno\n{"features": [3, 4]}\n[5]\n[null, 1]\n{"data": {"features": {"values": [6, 7]}}}',
    ),
    "json": (JSON, b'{"instances": [[1, 2], "x", {"features": [3, 4]}, [5], [1e999, 1], {}]}'),
    "npy": (NPY, npy([[1.0, 2.0], [NAN, 3.0], [4.0, float("inf")], [5.0, 6.0]])),
    "parquet": (PARQUET, parquet([[1.0, 2.0], [None, 3.0], [4.0, 5.0]])),
}
ROWS = {
    "csv": [[1, 2], "line 2 is empty", "found 'x'", "1 value where 2", "3 values where 2 are wanted; leave", [8, 9]],
    "csv with a header line": ["has no number in it", [1, 2], [3, 4]],
    "jsonlines": [[1, 2], "Invalid JSON", [3, 4], "has 1", "line 5: ", [6, 7]],
    "json": [[1, 2], "instances[1]", [3, 4], "has 1", "instances[4]", "instances[5]"],
    "npy": [[1, 2], "row 2, column 1: found nan", "row 3, column 2: found inf", [5, 6]],
    "parquet": [[1, 2], "row 2, column 1 ('x0'): the value is missing", [4, 5]],
}


@pytest.mark.parametrize("name", BODIES)
def test_every_record_has_its_numbers_or_its_fault(name):
    """As many as there are, in their order, with words that name the place."""
    known, body = BODIES[name]
    pieces = list(known.read_records(io.BytesIO(body), "a", {}, 2))
    values = np.concatenate([piece.values for piece in pieces])
    before = np.cumsum([0, *(len(piece.values) for piece in pieces)])
    faults = {
        start + row: reason
        for start, piece in zip(before, pieces, strict=False)
        for row, reason in piece.faults.items()
    }
    assert len(values) == len(ROWS[name])
    for row, wanted in enumerate(ROWS[name]):
        if isinstance(wanted, str):
            assert wanted in faults[row]
            assert np.isnan(values[row]).all()
        else:
            assert row not in faults
            assert values[row].tolist() == wanted


@pytest.mark.parametrize(
    ("known", "body"),
    [(JSON, b"{"), (NPY, b"1,2"), (PARQUET, b"1,2"), (JSON, b'{"rows": 1}')],
    ids=lambda value: getattr(value, "media_type", value),
)
def test_what_cannot_be_cut_into_records_is_refused(known, body):
    """There is no telling how many answers it wants."""
    with pytest.raises(DataError):
        list(known.read_records(io.BytesIO(body), "a", {}, 2))


def test_many_records_are_what_they_are_one_by_one():
    """Fast where all is well, and not another result where it is not."""
    rows = np.random.default_rng(0).normal(size=(5000, 2)).tolist()
    good = "".join(f"{a!r},{b!r}\n" for a, b in rows)
    for body in (good, good + "x,1\n"):
        pieces = list(CSV.read_records(io.BytesIO(body.encode()), "a", {}, 2))
        assert np.concatenate([piece.values for piece in pieces])[:5000].tolist() == rows


@pytest.mark.parametrize(
    ("accept", "media_type", "parameters"),
    [
        (
            'application/json;outputs="mean,interval";level=0.9',
            "application/json",
            {"outputs": "mean,interval", "level": "0.9"},
        ),
        ("application/json;q=0.5;outputs=mean, text/csv;q=0.1", "application/json", {"outputs": "mean"}),
        ("*/*;outputs=std", "text/csv", {"outputs": "std"}),
        ("text/*", "text/csv", {}),
        ("application/x-npy;q=0, */*", "text/csv", {}),
        ("text/csv;q=0, */*", "application/json", {}),
        ("application/json, text/plain, */*", "application/json", {}),
        ("APPLICATION/X-NDJSON", "application/jsonlines", {}),
        (None, "text/csv", {}),
        ("", "text/csv", {}),
    ],
)
def test_accept_has_parameters(accept, media_type, parameters):
    """Those of the range that won; the quality is none of them."""
    known, found = negotiate(accept, CSV)
    assert (known.media_type, dict(found)) == (media_type, parameters)


def test_what_nobody_can_answer_is_refused():
    """With what can be answered."""
    with pytest.raises(NotAcceptableError, match="text/csv or application/json or"):
        negotiate("image/png", CSV)
    for refused in ("application/json;q=0", "*", "text/csv;q=2"):
        with pytest.raises(NotAcceptableError, match="text/csv or application/json or"):
            negotiate(refused, JSON)
    with pytest.raises(ConfigurationError, match="text/html"):
        exchange_named("text/html")
    assert exchange_named("application/json; charset=utf-8") is JSON
