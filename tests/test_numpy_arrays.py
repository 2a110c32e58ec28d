"""The codec of NumPy's own format."""

import io
import pickle
import re
import resource
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gaussian_processes.data.codecs import npy as numpy_arrays
from gaussian_processes.data.codecs.npy import read_npy
from gaussian_processes.data.room import TAKE
from gaussian_processes.data.table import joined
from gaussian_processes.errors import DataError

TYPES = st.sampled_from(["?", "<i1", "<u2", ">i4", "<i8", "<f2", ">f4", "<f8", ">f8"])
MATRICES = TYPES.flatmap(
    lambda dtype: arrays(
        dtype,
        array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements={"allow_nan": False, "allow_infinity": False} if "f" in dtype else None,
    )
)


def saved(*matrices):
    stream = io.BytesIO()
    for matrix in matrices:
        np.save(stream, matrix)
    return stream.getvalue()


def read(body):
    return joined(read_npy(io.BytesIO(body), "a.npy", {})).values


def announced(description):
    """A file whose header is the given text, and nothing behind it."""
    header = description.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


@given(MATRICES, st.booleans(), st.integers(1, 100))
def test_a_saved_matrix_is_read_whole(matrix, fortran, piece):
    """Of every real type, byte order and order of elements, whatever the pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numpy_arrays, "PIECE", piece)
        values = read(saved(np.asfortranarray(matrix) if fortran else matrix))
    assert values.dtype == np.float64
    assert np.array_equal(values, matrix.astype(float))


def test_arrays_may_follow_one_another():
    """As in a pipe, where files are joined."""
    assert read(saved(np.ones((2, 3)), np.zeros((1, 3), int))).tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0]]


REFUSED = {
    "nothing": (b"", "a.npy is empty"),
    "text": (b"1,2\n3,4\n", "is not an array that NumPy saved"),
    "a pickle": (pickle.dumps([1, 2]), "is not an array that NumPy saved"),
    "objects": (saved(np.array([[1, "x"]], object)), "holds pickled Python objects, which are never loaded"),
    "named fields": (saved(np.zeros((2, 2), [("a", "f8")])), "is an array with named fields; a matrix of numbers"),
    "unicode fields": (b"\x93NUMPY\x03\x00" + bytes(8), "named fields"),
    "complex": (saved(np.ones((2, 2), complex)), r"shape \(2, 2\) and type complex128; a matrix of real numbers"),
    "text in an array": (saved(np.array([["a", "b"]])), "type <U1; a matrix of real numbers is wanted"),
    "a vector": (saved(np.ones(3)), r"shape \(3,\) and type float64; a matrix"),
    "three axes": (saved(np.ones((1, 2, 3))), r"shape \(1, 2, 3\)"),
    "no columns": (saved(np.ones((3, 0))), r"shape \(3, 0\)"),
    "negative": (announced("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 2)}"), r"shape \(-1, 2\)"),
    "code": (announced("__import__('os').getcwd()"), "is not an array that NumPy saved"),
    "broken off": (saved(np.ones((3, 2)))[:-9], "breaks off: its header announces 9 bytes more than there are"),
    "other columns": (saved(np.ones((1, 2)), np.ones((1, 3))), "holds an array of 3 columns after one of 2"),
    "not finite": (
        saved(np.array([[1, 2], [np.nan, -np.inf]])),
        r"^a\.npy: row 2, column 1: found nan, a finite number is wanted; row 2, column 2: found -inf",
    ),
    "not finite later": (saved(np.ones((3, 2)), np.full((4, 2), np.inf)), r"row 4, column 1: .*; and 3 more\.$"),
}


@pytest.mark.parametrize(("body", "message"), REFUSED.values(), ids=REFUSED)
def test_anything_but_finite_matrices_is_refused_in_words(body, message):
    """Nothing is unpickled, and nothing evaluated."""
    with pytest.raises(DataError, match=message):
        read(body)


@pytest.mark.parametrize("fortran", [False, True])
def test_a_header_may_claim_anything(fortran):
    """It costs no memory: nothing is set aside for bytes that are not there."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    body = announced(f"{{'descr': '<f8', 'fortran_order': {fortran}, 'shape': ({10**15}, 3)}}") + bytes(240)
    stream = io.BufferedReader(io.BytesIO(body))  # which sets aside what it is asked for, unlike BytesIO
    with pytest.raises(DataError, match="breaks off: its header announces"):
        list(read_npy(stream, "a.npy", {}))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1e5


def test_a_claim_takes_no_room_of_others():
    """Room is asked for bytes that have come: a claim that no memory could hold is what it was without anybody who counts."""
    asked = []
    body = announced(f"{{'descr': '<f8', 'fortran_order': True, 'shape': ({10**19}, 2)}}") + bytes(240)
    token = TAKE.set(asked.append)
    try:
        with pytest.raises(DataError, match="breaks off: its header announces"):
            list(read_npy(io.BytesIO(body), "a.npy", {}))
    finally:
        TAKE.reset(token)
    assert sum(asked) <= len(body)


KEYS = ("'descr': '<f4'", "'fortran_order': False", "'shape': (1, 2)")
SPACE = st.sampled_from(["", " ", "\n", "\t  "])


@given(st.permutations(KEYS), st.sampled_from(["'", '"']), SPACE, SPACE, st.sampled_from(["", ",", ", "]))
def test_a_header_is_read_as_numpy_reads_it(keys, quote, before, between, last):
    """Whatever the order of its keys, its spaces and its quotes: other programs write it otherwise."""
    pairs = [key.replace("'", quote).replace(":", f"{before}:{between}") for key in keys]
    body = announced(f"{before}{{{between}{f',{between}'.join(pairs)}{last}}}{between}") + b"\0\0\x80\x3f\0\0\0\x40"
    assert read(body).tolist() == np.load(io.BytesIO(body)).tolist() == [[1.0, 2.0]]


VALID = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }"
HOSTILE = {
    "signs": "-" * 9000,
    "parentheses": "(" * 10_000,
    "brackets": "[" * 9000,
    "braces": "{" * 9000,
    "a long number": "9" * 9000,
    "a shape of a long number": VALID.replace("1, 2", "9" * 5000),
    "a shape of many numbers": VALID.replace("1, 2", "1," * 4000),
    "a key many times": VALID.replace("{", "{" + "'descr': '<f8', " * 400) + "x",
    "spaces": "{'descr':" + " " * 9000 + "x",
    "an open string": "'" * 9001,
    "an open line": "\\\n" * 4000,
    "code": "__import__('os').getcwd()",
    "a function": "lambda: 0",
    "additions": "1" + "+1" * 4000,
    "negations": "not " * 2000 + "1",
    "umlauts": "\u00e9" * 4000,
    "zeros": "\0" * 100,
    "more than a header has": " " * 20_000 + VALID,
    "no end": VALID[:-1],
    "two ends": VALID + "}",
    "no shape": "{'descr': '<f8', 'fortran_order': False}",
    "a type that is none": VALID.replace("<f8", "f3"),
    "a type of the past": VALID.replace("<f8", "a5"),
    "a type of many letters": VALID.replace("<f8", "S999999999999999"),
    "a type that begins with a digit": VALID.replace("<f8", "02"),
    "fields in fields": VALID.replace("'<f8'", "[" * 5000),
}
WORDS = r"a\.npy is not an array that NumPy saved \(\.npy\): it[^\n]{10,60}\. Write it with numpy\.save\."


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE)
def test_a_header_that_is_none_is_refused_in_a_line_of_our_own(header):
    """Without a compiler, which has limits of its own; nothing of the library's, no object's address, nothing repeated."""
    for text in (header, header + VALID):
        with pytest.raises(DataError) as caught:
            read(announced(text) + bytes(16))
        assert re.fullmatch(WORDS, str(caught.value))


@given(
    st.lists(st.sampled_from(VALID.split("'") + list("{}()[]',:#-\\9L ") + ["|O", "None"]), max_size=40).map("".join)
)
def test_any_header_is_read_or_refused_in_one_line(text):
    """Made of pieces of a good one."""
    try:
        read(announced(text) + bytes(16))
    except DataError as error:
        assert not re.search(r"\n|0x|allow_pickle|max_header", str(error))  # noqa: PT017  # some are read


def test_a_header_of_no_rows_and_countless_columns_is_refused():
    """There is nothing to break off, and no array that could hold a row."""
    body = announced(f"{{'descr': '<f8', 'fortran_order': False, 'shape': (0, {10**30})}}")
    with pytest.raises(DataError, match="a matrix of real numbers is wanted"):
        list(read_npy(io.BufferedReader(io.BytesIO(body)), "a.npy", {}))


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_rows_or_a_refusal(body, magic):
    """Nothing but a DataError ever comes out."""
    try:
        values = read(b"\x93NUMPY\x01\x00" + body if magic else body)
    except DataError as error:
        assert str(error).startswith("a.npy")  # noqa: PT017  # most bytes raise nothing
    else:
        assert np.isfinite(values).all()
