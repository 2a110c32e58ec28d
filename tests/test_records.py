"""A request in which no record spoils another: one row for each, whatever the bytes, wherever they are cut."""

import io
import json
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gaussian_processes.data.codecs import csv_table as delimited
from gaussian_processes.data.codecs import npy as numpy_arrays
from gaussian_processes.data.codecs import parquet
from gaussian_processes.data.codecs.json_instances import read_instance_records
from gaussian_processes.data.codecs.json_lines import read_json_line_records
from gaussian_processes.data.codecs.text_blocks import LONGEST, read_blocks
from gaussian_processes.data.http import CSV, JSON, JSON_LINES, NPY, PARQUET
from gaussian_processes.errors import DataError

ENDS = st.sampled_from(["\n", "\r\n", "\r"])
CELLS = {"1,2": [1, 2], "3.5,-4e-3": [3.5, -0.004], '"5",6': [5, 6], "True,7": [1, 7], " 8 ,9": [8, 9]}
BAD_CELLS = [
    "",
    "  ",
    "y,a",
    "x,8",
    "9",
    "10,",
    "nan,1",
    '"',
    '1,"2',
    "1,2,3",
    "1;2",
    "inf,1",
    "\ufeff",
    "1,\0",
    "1,\u20ac",
]
JSON_ROWS = [
    "[1, 2]",
    '{"features": [3, 4.5]}',
    '{"id": "}", "data": {"features": {"values": [-5, 6e-3]}}}',
    " [7,8] ",
    "[true, 1]",
]
BAD_JSON = [
    "",
    " ",
    "[1]",
    "[1, 2, 3]",
    "[1, null]",
    "[1, NaN]",
    '[1, "true"]',
    "{}",
    "3",
    "[1, 2",
    "2]",
    "x",
    '"',
    "[[1, 2]]",
]


def read(pieces):
    """All rows, None for those at fault, and the faults by row."""
    rows, faults = [], {}
    for piece in pieces:
        faults |= {len(rows) + index: reason for index, reason in piece.faults.items()}
        rows += [None if np.isnan(row).any() else row.tolist() for row in piece.values]
    assert [index for index, row in enumerate(rows) if row is None] == sorted(faults)
    return rows, faults


def records(known, body, width=2):
    return read(known.read_records(io.BytesIO(body), "a", {}, width))


def read_csv(body, size, small=0):
    """With pandas for blocks of more than so many bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "SMALL", small)
        return read(delimited.read_csv_records(io.BytesIO(body), "a", {}, 2, block_size=size))


@given(
    st.lists(st.sampled_from([*CELLS, *CELLS, *BAD_CELLS]), min_size=1, max_size=30),
    ENDS,
    st.integers(1, 60),
    st.sampled_from([0, 99]),
)
def test_every_line_of_csv_is_a_row_or_a_fault(lines, end, size, small):
    """Blank lines, a header line, open quotes: the row is known beforehand, or the line is named."""
    body = end.join([*lines, "1,2"]).encode()
    rows, faults = read_csv(body, size, small)
    if not body.startswith("\ufeff".encode()):
        assert rows == [CELLS.get(line) for line in lines] + [[1, 2]]
    assert len(rows) == len(lines) + 1
    assert all(f"line {row + 1}" in reason for row, reason in faults.items())


@given(st.lists(st.sampled_from([*JSON_ROWS, *BAD_JSON]), min_size=1, max_size=20), ENDS, st.integers(1, 60))
def test_every_line_of_json_is_a_row_or_a_fault(lines, end, size):
    """As json.loads reads it, wherever the blocks are cut."""
    body = end.join([*lines, "[1, 2]"]).encode()
    rows, faults = read(read_json_line_records(io.BytesIO(body), "a", {}, 2, block_size=size))
    assert rows == [row_of(json.loads(line)) if line in JSON_ROWS else None for line in lines] + [[1, 2]]
    assert all(reason.startswith(f"line {row + 1}") for row, reason in faults.items())


@pytest.mark.parametrize("size", [1, 4, 99])
def test_only_the_first_line_is_taken_for_names(size):
    """After blank ones, too; further down, a cell is at fault."""
    _, faults = read_csv(b"\n\ny,a\n9\ny,a\n", size)
    assert faults == {
        0: "line 1 is empty",
        1: "line 2 is empty",
        2: "line 3 ('y,a') has no number in it; if it is a header line, remove it",
        3: "line 4 has 1 value where 2 are wanted",
        4: "line 5, column 1: found 'y', a finite number is wanted",
    }


def row_of(item):
    """As the contract has it."""
    if isinstance(item, dict):
        return item.get("features") or item["data"]["features"]["values"]
    return item


@given(
    st.lists(st.sampled_from([*JSON_ROWS, "[1]", "[1, null]", "{}", "3", "[[1, 2]]", '"},{"']), max_size=20),
    st.booleans(),
    st.integers(1, 60),
)
def test_every_instance_is_a_row_or_a_fault(items, named, size):
    """Named by its place, wherever the document is cut."""
    text = "[" + ",".join(["[1, 2]", *items]) + "]"
    body = f'{{"instances": {text}}}' if named else text
    rows, faults = read(read_instance_records(io.BytesIO(body.encode()), "a", {}, 2, size=size))
    assert rows == [[1, 2], *(row_of(json.loads(item)) if item in JSON_ROWS else None for item in items)]
    place = "instances[{}]" if named else "[{}]"
    assert all(reason.startswith(place.format(row)) for row, reason in faults.items())


@given(
    arrays("<f4", array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.floats(width=32)),
    st.booleans(),
    st.integers(1, 99),
)
def test_every_row_of_an_array_is_a_row_or_a_fault(matrix, fortran, piece):
    """Those that are finite, to the bit; of the others the first value that is not."""
    stream = io.BytesIO()
    np.save(stream, np.asfortranarray(matrix) if fortran else matrix)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numpy_arrays, "PIECE", piece)
        rows, faults = records(NPY, stream.getvalue(), matrix.shape[1])
    for row, wanted in enumerate(matrix.astype(float).tolist()):
        bad = next((column for column, value in enumerate(wanted) if not math.isfinite(value)), None)
        assert rows[row] == (wanted if bad is None else None)
        if bad is not None:
            assert faults[row] == f"row {row + 1}, column {bad + 1}: found {wanted[bad]}, a finite number is wanted"


@given(st.binary(max_size=60), st.integers(1, 9))
def test_as_many_rows_as_lines_whatever_the_bytes(body, size):
    """By Python's own splitting; what is no UTF-8 is a fault of its line."""
    lines = len(body.removeprefix(b"\xef\xbb\xbf").splitlines())
    assert len(read_csv(body, size)[0]) == lines
    assert len(read(read_json_line_records(io.BytesIO(body), "a", {}, 2, block_size=size))[0]) == lines


def test_a_record_of_another_length_is_at_fault():
    """In every format, with a word for those who left the target in."""
    stream = io.BytesIO()
    np.save(stream, np.ones((2, 3)))
    bodies = {CSV: b"1,2,3\n1,2,3", JSON: b"[[1,2,3],[1,2,3]]", JSON_LINES: b"[1,2,3]\n[1,2,3]", NPY: stream.getvalue()}
    for known, body in bodies.items():
        rows, faults = records(known, body)
        assert rows == [None, None]
        assert faults[1].endswith("has 3 values where 2 are wanted; leave the target out")


def test_a_line_too_long_to_be_a_row_is_refused():
    """Such as JSON without line ends that is called something else; a shorter one is read."""
    whole = b"[" + b"[1,2]," * (LONGEST // 6) + b"[1,2]]"
    for known in (CSV, JSON_LINES):
        for read_all in (
            lambda body, known=known: list(known.read(io.BytesIO(body), "a", {})),
            lambda body, known=known: records(known, body),
        ):
            with pytest.raises(DataError, match="has a line of more than 8 MB"):
                read_all(whole)


@given(st.lists(st.sampled_from([b"1", b"22", b"", b"\n", b"\r", b"\r\n"])).map(b"".join), st.integers(1, 9))
@example(b"22\r" * 9, 3)
@example(b"11\r\r\n22", 3)
@example(b"\n1122\r122\r\n1111\n", 8)
def test_blocks_end_where_lines_end(body, size):
    """However these end: a CR alone, too, and one that the next chunk makes CR LF; none has a line too many."""
    blocks = [block.text for block in read_blocks(io.BytesIO(body), "a", "utf-8", size)]
    assert b"".join(blocks) == body
    assert [line for block in blocks for line in block.splitlines()] == body.splitlines()
    longest = max(map(len, body.splitlines(keepends=True)), default=0)
    # Two chunks, where a lone CR ends lines in the first one and LF does in the second.
    assert all(len(block) <= 2 * max(size, 3) + 1 + longest for block in blocks)


def test_wide_tables_come_in_pieces():
    """Of some megabytes each, in whatever order the numbers lie, whatever room they took."""
    from arro3.core import Array, RecordBatch
    from arro3.io import write_parquet

    wide = io.BytesIO()
    write_parquet(RecordBatch({f"x{j}": Array.from_numpy(np.ones(20_000)) for j in range(200)}), wide)
    bodies = [(PARQUET, wide)]
    for matrix in (np.ones((40_000, 100), np.int8), np.ones((100, 40_000), np.int8).T):
        stream = io.BytesIO()
        np.save(stream, matrix)
        bodies.append((NPY, stream))
    for known, stream in bodies:
        stream.seek(0)
        sizes = [table.values.nbytes for table in known.read(stream, "a", {})]
        assert sum(sizes) == 32_000_000
        assert max(sizes) <= max(numpy_arrays.PIECE, 8 * parquet.NUMBERS)


def test_one_row_of_numpy_is_told_how_to_be_a_matrix():
    """It is the commonest of all mistakes."""
    stream = io.BytesIO()
    np.save(stream, np.ones(3))
    with pytest.raises(DataError, match=r"shape \(3,\) .* is wanted: for one row, reshape it to \(1, 3\)"):
        list(NPY.read(io.BytesIO(stream.getvalue()), "a", {}))


def test_a_request_in_json_lines_has_no_target():
    """The same lines as in a channel, without it; no two of different lengths."""
    body = "\n".join(["", *JSON_ROWS]).encode()
    tables = list(JSON_LINES.read(io.BytesIO(body), "a", {}))
    assert np.concatenate([table.values for table in tables]).tolist() == [row_of(json.loads(row)) for row in JSON_ROWS]
    with pytest.raises(DataError, match=r"^a: line 2 has 1 numbers where line 1 has 2; line 3: Invalid JSON"):
        list(JSON_LINES.read(io.BytesIO(b"[1, 2]\n[1]\nx"), "a", {}))
    with pytest.raises(DataError, match=r'a is empty; a row a line is wanted: \[feature, \.\.\.\] or {"features"'):
        list(JSON_LINES.read(io.BytesIO(b"\n"), "a", {}))
