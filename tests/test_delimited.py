"""The CSV codec: what it reads to the bit, and what it says of what it cannot read."""

import io
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gaussian_processes.data.delimited import read_csv, write_csv
from gaussian_processes.errors import DataError


def read(text, **parameters):
    body = text if isinstance(text, bytes) else text.encode()
    return read_csv(io.BytesIO(body), "a.csv", parameters)


@given(
    arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=st.floats(allow_nan=False, width=64))
)
def test_numbers_survive_the_round_trip_to_the_bit(table):
    """Python's own repr and float, written and read back."""
    table = np.clip(table, -sys.float_info.max, sys.float_info.max)
    body = write_csv({str(j): column for j, column in enumerate(table.T)})
    assert np.array_equal(read(body), table)


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,4\n",
        "1,2\n3,4",
        "1,2\r\n3,4\r\n",
        "\n1,2\n\n3,4\n\n",
        ' 1 , 2\n"3",4\n',
        "\ufeff1,2\n3,4",
        "1e0,+2\n3.,4.0",
    ],
    ids=repr,
)
def test_reads_the_dialects_that_people_have(text):
    """Any line ending, blank lines, spaces, quotes, a byte order mark, exponents."""
    assert np.array_equal(read(text), [[1, 2], [3, 4]])


def test_honours_the_charset():
    """Text is decoded as its media type says."""
    assert np.array_equal(read("1,2\n".encode("utf-16"), charset="UTF-16"), [[1, 2]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.csv is empty; rows of numbers separated by commas are wanted."),
        ("\n\n", "a.csv is empty; rows of numbers separated by commas are wanted."),
        ("1,2\n3\n", "a.csv: row 2 has another number of columns than row 1: 1 and not 2."),
        ("1,2\n3,4,5\n", "a.csv: row 2 has another number of columns than row 1: 3 and not 2."),
        ("1,2\n3,abc\n", "a.csv: row 2, column 2: found 'abc', a finite number is wanted."),
        ("1,2\n3,\n", "a.csv: row 2, column 2: the cell is empty, a finite number is wanted."),
        ("y,x\n1,2\n", "a.csv: row 1 ('y,x') has no number in it; if it is a header line, remove it."),
        ("nan,2\n3,4\n", "a.csv: row 1, column 1: found 'nan', a finite number is wanted."),
        ("1,2\n3,-inf\n", "a.csv: row 2, column 2: found '-inf', a finite number is wanted."),
        ("1,2\n3,1e999\n", "a.csv: row 2, column 2: found '1e999', a finite number is wanted."),
        ("1,2\n3,NA\n", "a.csv: row 2, column 2: found 'NA', a finite number is wanted."),
        ("1,2\n   \nx,4\n", "a.csv: row 2, column 1: found 'x', a finite number is wanted."),
        ("1,2\n\uff11,4\n", "a.csv: row 2, column 1: found '\uff11', a finite number is wanted."),
        ("1,2\n1_0,4\n", "a.csv: row 2, column 1: found '1_0', a finite number is wanted."),
        ("1;2\n", "a.csv: row 1 ('1;2') has no number in it; if it is a header line, remove it."),
        (
            b"\xff\xfe\x00",
            "a.csv is not text in utf-8: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte.",
        ),
    ],
    ids=repr,
)
def test_says_where_a_table_is_not_one(text, message):
    """File, row and column, what was found, what is wanted."""
    with pytest.raises(DataError) as caught:
        read(text)
    assert str(caught.value) == message


def test_shows_five_faults_and_counts_the_rest():
    """A thousand bad cells make one short message."""
    with pytest.raises(DataError, match=r"row 6, column 1: .*; and 994 more\.$") as caught:
        read("0\n" + "x\n" * 999)
    assert str(caught.value).count("found 'x'") == 5


def test_an_unknown_charset_is_named():
    """The media type's parameter is at fault, not the data."""
    with pytest.raises(DataError, match="charset 'klingon' is unknown; use utf-8"):
        read("1,2\n", charset="klingon")


def test_a_column_of_truths_counts_as_ones_and_zeros():
    """As pandas has it; among numbers the word is refused."""
    assert np.array_equal(read("True,1\nFalse,2\n"), [[1, 1], [0, 2]])
    with pytest.raises(DataError, match="row 2, column 1: found 'True'"):
        read("3,1\nTrue,2\n")


def test_an_open_quote_is_found():
    """With the line that it may stand in."""
    with pytest.raises(DataError, match=r"a\.csv is not CSV near line \d+: .*is a quote left open\?"):
        read('1,2\n"3,4\n' + "5,6\n" * 50_000)


def test_a_byte_order_mark_is_no_fault_of_the_cell_behind_it():
    """Under either name of the charset."""
    for charset in ("utf8", "UTF-8"):
        with pytest.raises(DataError, match=r"^a\.csv: row 1, column 2: found 'x', a finite number is wanted\.$"):
            read("\ufeff1,x\n2,3\n", charset=charset)


CHARSETS = st.sampled_from(
    ["utf-8", "utf-16", "utf-16-le", "utf-7", "ascii", "latin-1", "punycode", "undefined", "hex", "\0"]
)


@given(st.binary(max_size=60), CHARSETS)
def test_any_bytes_are_a_table_or_a_refusal(body, charset):
    """Nothing but a DataError ever comes out, and a table is finite."""
    try:
        table = read(body, charset=charset)
    except DataError as error:
        assert str(error).startswith("a.csv")  # noqa: PT017  # most bytes raise nothing
    else:
        assert np.isfinite(table).all()
