"""The CSV codec: what it reads to the bit, and what it says of what it cannot read."""

import io
import re
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gaussian_processes.data.codecs.csv_table import read_csv, write_csv
from gaussian_processes.data.records import Answer
from gaussian_processes.data.table import joined
from gaussian_processes.errors import DataError


def read_table(text, block_size=1 << 22, threads=1, allow_header=True, small=0, **parameters):
    body = text if isinstance(text, bytes) else text.encode()
    how = {"allow_header": allow_header, "threads": threads, "block_size": block_size, "small": small}
    pieces = read_csv(io.BytesIO(body), "a.csv", parameters, **how)
    return joined(pieces)


def read(text, **how):
    return read_table(text, **how).values


@given(
    arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=st.floats(allow_nan=False, width=64))
)
def test_numbers_survive_the_round_trip_to_the_bit(table):
    """Python's own repr and float, written and read back."""
    table = np.clip(table, -sys.float_info.max, sys.float_info.max)
    body = b"".join(write_csv([Answer({str(j): column for j, column in enumerate(table.T)})]))
    assert np.array_equal(read(body), table)
    assert np.array_equal(read(body, small=1 << 12), table)


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
    """Any line ending, blank lines, spaces, quotes, a byte order mark, exponents; by pandas and line by line."""
    assert np.array_equal(read(text), [[1, 2], [3, 4]])
    assert np.array_equal(read(text, small=1 << 12), [[1, 2], [3, 4]])


def test_honours_the_charset():
    """Text is decoded as its media type says."""
    assert np.array_equal(read("1,2\n".encode("utf-16"), charset="UTF-16"), [[1, 2]])


RAGGED = (
    "a.csv: line 2 has another number of columns than line 1: 1 and not 2; "
    "line 2, column 1: found '1;2', a finite number is wanted."
)
TWO_FAULTS = (
    "a.csv: line 4, column 1: found 'x', a finite number is wanted; "
    "line 4, column 2: found 'y', a finite number is wanted."
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.csv is empty; rows of numbers separated by commas are wanted."),
        ("\n\n", "a.csv is empty; rows of numbers separated by commas are wanted."),
        ("1,2\n3\n", "a.csv: line 2 has another number of columns than line 1: 1 and not 2."),
        ("1,2\n3,4,5\n", "a.csv: line 2 has another number of columns than line 1: 3 and not 2."),
        ("1,2\n3,abc\n", "a.csv: line 2, column 2: found 'abc', a finite number is wanted."),
        ("1,2\n3,\n", "a.csv: line 2, column 2: the cell is empty, a finite number is wanted."),
        ("nan,2\n3,4\n", "a.csv: line 1, column 1: found 'nan', a finite number is wanted."),
        ("1,2\n3,-inf\n", "a.csv: line 2, column 2: found '-inf', a finite number is wanted."),
        ("1,2\n3,1e999\n", "a.csv: line 2, column 2: found '1e999', a finite number is wanted."),
        ("1,2\n3,NA\n", "a.csv: line 2, column 2: found 'NA', a finite number is wanted."),
        ("1,2\n   \nx,4\n", "a.csv: line 3, column 1: found 'x', a finite number is wanted."),
        ("1,2\n\uff11,4\n", "a.csv: line 2, column 1: found '\uff11', a finite number is wanted."),
        ("1,2\n1_0,4\n", "a.csv: line 2, column 1: found '1_0', a finite number is wanted."),
        ("y,x\n1;2\n", RAGGED),
        ("y,x\n1,2\n\nx,y\n", TWO_FAULTS),
        (b"1,2\n\xff\xfe,3\n", "a.csv: line 2 is not text in utf-8 (invalid start byte: byte 0xff)."),
        ('1,"2\n3,4\n', "a.csv: line 1 is not CSV: a quote is left open."),
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
    with pytest.raises(DataError, match=r"line 6, column 1: .*; and 994 more\.$") as caught:
        read("0\n" + "x\n" * 999)
    assert str(caught.value).count("found 'x'") == 5


def test_an_unknown_charset_is_named():
    """The media type's parameter is at fault, not the data."""
    with pytest.raises(DataError, match="charset 'klingon' is unknown; use utf-8"):
        read("1,2\n", charset="klingon")


def test_truths_count_as_ones_and_zeros():
    """As pandas writes a column of them, alone or among numbers; they are no header line either."""
    assert np.array_equal(read("True,False\nFalse,True\n"), [[1, 0], [0, 1]])
    assert np.array_equal(read("3,1\nTrue,2\n"), [[3, 1], [1, 2]])


def test_an_open_quote_is_found_where_it_opens():
    """A line that would go on in the next one is refused, and never read as another table."""
    with pytest.raises(DataError, match=r"^a\.csv: line 2 is not CSV: a quote is left open\.$"):
        read('1,2\n"3,4\n' + "5,6\n" * 50_000)
    with pytest.raises(DataError, match=r"line 2 is not CSV: a quote is left open; line 3 is not CSV"):
        read('1,2\n1,"2\n"\n3,4\n')


def test_a_byte_order_mark_is_no_fault_of_the_cell_behind_it():
    """Under either name of the charset."""
    for charset in ("utf8", "UTF-8"):
        with pytest.raises(DataError, match=r"^a\.csv: line 1, column 2: found 'x', a finite number is wanted\.$"):
            read("\ufeff1,x\n2,3\n", charset=charset)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("y,a,b\n1,2,3\n", ("y", "a", "b")),
        ("\n \n y , a,b \n1,2,3\n", ("y", "a", "b")),
        ('\ufeff"price, in $","size",n/a?\n1,2,3\n', ("price, in $", "size", "n/a?")),
        ("1,2,3\n", None),
        ("y,2,3\n", DataError),
        ("y,,b\n1,2,3\n", DataError),
        ("nan,NA,null\n1,2,3\n", DataError),
        ("y,a,1e999\n1,2,3\n", DataError),
    ],
)
def test_a_header_line_is_recognised_by_words_in_all_its_cells(text, columns):
    """A number, an empty cell or a word for a missing number makes it a row, and a bad one."""
    if columns is DataError:
        with pytest.raises(DataError, match="line 1, column"):
            read(text)
    else:
        table = read_table(text)
        assert (table.columns, table.header) == (columns, columns is not None)
        assert np.array_equal(table.values, [[1, 2, 3]])


def test_the_media_type_may_say_whether_there_is_a_header_line():
    """RFC 4180's parameter `header`, whatever the line looks like."""
    table = read_table("0,1\n5,6\n", header="present")
    assert (table.columns, table.values.tolist()) == (("0", "1"), [[5, 6]])
    assert read("0,1\n5,6\n0,1\n", header="present").tolist() == [[5, 6], [0, 1]]
    with pytest.raises(DataError, match=r"line 1 \('y,a'\) has no number in it; if it is a header line, remove it"):
        read("y,a\n5,6\n", header="absent")


def test_where_none_is_allowed_a_header_line_is_refused():
    """Whatever the media type says: as many answers as lines are wanted."""
    for parameters in ({}, {"header": "present"}):
        with pytest.raises(DataError, match=r"a\.csv: line 1 \('y,a'\) has no number in it"):
            read("y,a\n5,6\n", allow_header=False, **parameters)


def test_a_header_line_that_comes_again_holds_no_row():
    """As where files were joined, byte order marks and all; another one is at fault."""
    assert read("y,a\n1,2\ny,a\r\n3,4\n\ufeffy,a\n5,6\ny,a\n").tolist() == [[1, 2], [3, 4], [5, 6]]
    with pytest.raises(DataError, match="line 3, column 1: found 'a'"):
        read("y,a\n1,2\na,y\n3,4\n")


def test_a_header_line_alone_is_a_table_without_rows():
    """As programs write the part files of empty partitions."""
    table = read_table("y,a\n")
    assert (table.columns, table.values.shape) == (("y", "a"), (0, 2))


DIGITS = st.from_regex(r"\A[+-]?([0-9]{1,25}\.?|[0-9]{0,12}\.[0-9]{1,25})([eE][+-]?[0-9]{1,3})?\Z")


@given(st.lists(DIGITS, min_size=1, max_size=4))
def test_numbers_are_rounded_correctly(texts):
    """Against the nearest float64 by exact fractions, of any number of digits."""
    finite = [text for text in texts if abs(Fraction(text)) < Fraction(sys.float_info.max)]
    if finite:
        assert read(",".join(finite)).tolist() == [[nearest(Fraction(text)) for text in finite]]


def nearest(exact):
    """int / int is correctly rounded, by Python's definition of it."""
    return exact.numerator / exact.denominator


LINES = st.lists(
    st.sampled_from(
        ["1,2", "3.5,-4e-3", "", "  ", '"5",6', "True,7", "y,a", "x,8", "9", "10,", "nan,1", '"', '1,"2', "1,2,3"]
    ),
    min_size=1,
    max_size=30,
)


@given(LINES, st.sampled_from(["\n", "\r\n", "\r"]), st.integers(1, 60), st.sampled_from([1, 2, 3]), st.booleans())
def test_where_blocks_are_cut_makes_no_difference(lines, end, block_size, threads, header):
    """The same table or the same refusal as in one block, whatever the threads."""
    text = end.join(["y,a", *lines] if header else lines)
    assert outcome(text, block_size=block_size, threads=threads) == outcome(text)


def outcome(text, **how):
    try:
        table = read_table(text, **how)
    except DataError as error:
        return str(error)
    return table.values.tolist(), table.columns


@given(LINES, st.sampled_from(["\n", "\r\n", "\r"]), st.integers(1, 60))
def test_faults_are_where_a_plain_scan_finds_them(lines, end, block_size):
    """Lines counted by Python's own splitting, cells by a comma; blank lines and the header line count."""
    lines = ["y,a", *(line for line in lines if line.count('"') != 1)]
    wanted = {
        (number, column)
        for number, line in enumerate(lines, start=1)
        if line.strip() and line != "y,a"
        for column, cell in enumerate(line.split(","), start=1)
        if cell not in FINE
    }
    ragged = {number for number, line in enumerate(lines, start=1) if line.strip() and line.count(",") != 1}
    message = outcome(end.join(lines), block_size=block_size)
    if not wanted and not ragged:
        assert isinstance(message, tuple)
        return
    shown = [(int(a), int(b)) for a, b in re.findall(r"line (\d+), column (\d+):", message)]
    apart = [int(number) for number in re.findall(r"line (\d+) has another number", message)]
    more = int((re.findall(r"and (\d+) more", message) or [0])[0])
    assert set(shown) <= wanted
    assert set(apart) <= ragged
    assert len(shown) + len(apart) == min(5, len(wanted) + len(ragged))
    assert len(shown) + len(apart) + more == len(wanted) + len(ragged)


FINE = {"1", "2", "3", "3.5", "-4e-3", '"5"', "6", "True", "7", "8", "9", "10"}


@given(
    st.lists(st.sampled_from(["1,2", "", "3,4"]), max_size=12),
    st.sampled_from(["utf-16", "utf-8-sig", "latin-1", "utf-32-be"]),
)
def test_any_encoding_of_text_is_read(lines, charset):
    """Its byte order mark, if it has one, is no part of the first cell."""
    text = "\n".join(["5,6", *lines])
    assert outcome(text.encode(charset), charset=charset, block_size=7) == outcome(text)


def test_a_stream_is_read_once_from_its_start_to_its_end():
    """So that it may be a pipe, faults included."""

    class Pipe(io.BytesIO):
        def seek(self, *_):
            raise io.UnsupportedOperation

        def tell(self):
            raise io.UnsupportedOperation

    pieces = read_csv(Pipe(b"1,2\n" * 500 + b"x,3\n" * 7), "a", {}, allow_header=True, threads=2, block_size=64)
    with pytest.raises(DataError, match=r"^a: line 501, column 1: .*; and 2 more\.$"):
        joined(pieces)


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


@pytest.mark.parametrize(
    ("text", "found"), [("1;2;3\n", "semicolons"), ("y\tx\n1\t2\n", "tabs"), ("1 2\n", "spaces"), ("1|2\n", "bars")]
)
def test_another_separator_is_named(text, found):
    """What was found, and what is wanted."""
    with pytest.raises(DataError, match=f"its cells seem to be separated by {found}; commas are wanted"):
        list(read_csv(io.BytesIO(text.encode()), "a.csv", {}, allow_header=True, threads=1))
