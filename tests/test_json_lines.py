"""The JSON Lines codec: what it reads, and what it says of what it cannot read."""

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaussian_processes.data.codecs.json_lines import read_json_lines
from gaussian_processes.data.table import joined
from gaussian_processes.errors import DataError

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def read(text, block_size=1 << 22):
    return joined(read_json_lines(io.BytesIO(text.encode()), "a.jsonl", {}, block_size=block_size)).values.tolist()


@given(
    st.lists(st.tuples(FINITE, FINITE, st.booleans()), min_size=1), st.integers(1, 90), st.sampled_from(["\n", "\r\n"])
)
def test_rows_survive_json_to_the_bit(rows, block_size, end):
    """As json.dumps writes them, lists and objects mixed, wherever the blocks are cut."""
    lines = [json.dumps({"target": y, "features": [x]} if named else [y, x]) for y, x, named in rows]
    assert read(end.join(lines), block_size) == [[y, x] for y, x, _ in rows]


def test_the_target_comes_first():
    """By its place in a list, by its name in an object; blank lines are passed over."""
    text = '\n[1, 2, 3]\n\n{"features": [5, 6], "target": 4, "id": "b"}\n{"label": 7, "features": [8e0, 9]}'
    assert read(text) == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def test_truth_values_are_one_and_zero():
    """As in CSV, in targets too, in lists and objects, among numbers or alone."""
    text = '[true, 2, false]\n[false, true, true]\n{"target": true, "features": [false, 0.5]}\n{"label": false, "features": [1, true]}'
    assert read(text) == [[1, 2, 0], [0, 1, 1], [1, 0, 0.5], [0, 1, 1]]
    assert all(type(value) is float for row in read(text) for value in row)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"a\.jsonl is empty; a row a line is wanted"),
        ("\n \n", r"a\.jsonl is empty"),
        ("[1, 2]\n\n[3, 'x']", r"a\.jsonl: line 3: Invalid JSON"),
        ('[1, "2"]', r"line 1: \[1\]: wanted a valid number, found '2'"),
        ('[1, 2]\n["true", 2]', r"line 2: \[0\]: wanted a valid number, found 'true'"),
        (f"[1, {10**400}]", r"line 1: \[1\]: wanted a finite number, found '1000"),
        ("[1, null]", r"line 1: \[1\]: wanted a valid number, found 'None'"),
        ("[1, NaN]", r"line 1: \[1\]: wanted a finite number"),
        ("[1, 1e999]", r"line 1: \[1\]: wanted a finite number"),
        ("[1, 2]\n[1, 2, 3]", r"line 2 has 3 numbers where line 1 has 2"),
        ("[1,\n2]", r"line 1: Invalid JSON.*; line 2: Invalid JSON"),
        ("[1, 2], [3, 4]", r"line 1: Invalid JSON"),
        ('{"features": [1]}', r"line 1: target is missing"),
        ('{"target": 1, "features": []}', r"line 1: features: .*at least 1 item"),
        ('{"target": 1, "features": [1, "x"]}', r"line 1: features\[1\]: wanted a valid number, found 'x'"),
        ("3", r"line 1: wanted a valid list"),
        ("[]", r"line 1: .*at least 1 item"),
        ("x\n" * 9, r"^a\.jsonl: line 1: .*line 5: .*; and 4 more\.$"),
    ],
)
def test_says_which_line_is_no_row(text, message):
    """The line, the place in it, what was found, what is wanted; the same wherever the blocks are cut."""
    for block_size in (1 << 22, 4):
        with pytest.raises(DataError, match=message):
            read(text, block_size)


def test_bytes_that_are_no_text_are_refused():
    """JSON is UTF-8."""
    with pytest.raises(DataError, match=r"a\.jsonl: line 2: "):
        list(read_json_lines(io.BytesIO(b"[1, 2]\n[\xff, 2]\n"), "a.jsonl", {}))


@given(st.binary(max_size=40))
def test_any_bytes_are_rows_or_a_refusal(body):
    """Nothing but a DataError ever comes out."""
    try:
        values = joined(read_json_lines(io.BytesIO(body), "a.jsonl", {})).values
    except DataError as error:
        assert str(error).startswith("a.jsonl")  # noqa: PT017  # most bytes raise nothing
    else:
        assert np.isfinite(values).all()
