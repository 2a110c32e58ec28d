"""The Parquet codec, on files that pyarrow wrote: tests/data/parquet/generate.py."""

import gzip
import io
import json

import numpy as np
import pytest
from arro3.core import Array, DataType, RecordBatch
from arro3.io import write_parquet
from reference import DATA

from gaussian_processes.data.codecs import parquet
from gaussian_processes.data.codecs.parquet import read_parquet, read_parquet_records
from gaussian_processes.data.codecs.parquet_footer import read_footer
from gaussian_processes.data.table import joined
from gaussian_processes.errors import DataError

FOLDER = DATA / "parquet"
NAMES = ("y", "a", "count", "flag", "level", "price")


def read(body):
    return joined(read_parquet(io.BytesIO(body), "a.parquet", {}))


@pytest.mark.parametrize("rows", [7, 1 << 16])
@pytest.mark.parametrize("name", ["snappy", "zstd", "row_groups"])
def test_every_kind_of_number_is_read_to_the_bit(monkeypatch, name, rows):
    """Floats, integers, truth values, dictionaries, decimals, in the compressions that people use, in pieces or whole."""
    monkeypatch.setattr(parquet, "ROWS", rows)
    table = read((FOLDER / f"{name}.parquet").read_bytes())
    assert (table.columns, table.header, table.values.shape) == (NAMES, False, (1000, 6))
    assert table.values[::50].tolist() == json.loads((FOLDER / "expected.json").read_text())


def test_an_index_that_pandas_stored_is_no_feature():
    """It would be learnt from without a word."""
    stream = io.BytesIO()
    columns = {name: Array.from_numpy(np.arange(3.0)) for name in ("y", "a", "__index_level_0__")}
    write_parquet(RecordBatch(columns), stream)
    with pytest.raises(DataError, match=r"pandas' index as a column .* to_parquet\(index=False\)"):
        read(stream.getvalue())


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("named_index", "'id'"),
        ("unnamed_index", "'__index_level_0__'"),
        ("several_indexes", "'id', 'when'"),
        ("first_column_index", "'id'"),
        ("dask_index", "'__null_dask_index__'"),
    ],
)
def test_an_index_is_known_by_what_its_library_noted(name, columns):
    """Whatever its name, its place and its type; in a channel and in a batch."""
    body = (FOLDER / f"{name}.parquet").read_bytes()
    found = rf"^a\.parquet: it holds pandas' index as a column \({columns}\); write it with .*write_index=False\)\.$"
    for read_all in (read, lambda body: list(read_parquet_records(io.BytesIO(body), "a.parquet", {}, 2))):
        with pytest.raises(DataError, match=found):
            read_all(body)


@pytest.mark.parametrize("name", ["range_index", "no_index"])
def test_an_index_that_is_no_column_is_no_fault(name):
    """As pandas writes a frame by default, and with index=False."""
    table = read((FOLDER / f"{name}.parquet").read_bytes())
    assert (table.columns, table.values.tolist()) == (("y", "a"), [[1, 2], [3, 4], [5, 6]])


@pytest.mark.parametrize(
    "noted",
    [
        b"",
        b"[" * 10**5,
        b"1",
        b"{}",
        b'{"index_columns": null}',
        b'{"index_columns": "ya"}',
        b'{"index_columns": [null, 1, {"name": "a"}, ["a"], "b"]}',
    ],
    ids=lambda noted: repr(noted[:24]),
)
def test_a_note_that_names_no_column_means_none(noted):
    """Whoever wrote it: the table is read."""
    stream = io.BytesIO()
    columns = {name: Array.from_numpy(np.arange(3.0)) for name in ("y", "a")}
    batch = RecordBatch(columns)
    write_parquet(batch.with_schema(batch.schema.with_metadata({b"pandas": noted})), stream)
    assert read(stream.getvalue()).columns == ("y", "a")


def test_an_index_and_columns_of_other_types_are_reported_together():
    """All that is to be changed before the file is written again."""
    stream = io.BytesIO()
    columns = {"y": Array.from_numpy(np.arange(3.0)), "name": Array(["a", "b", "c"], DataType.string())}
    batch = RecordBatch({**columns, "__index_level_0__": columns["y"]})
    write_parquet(batch, stream)
    with pytest.raises(DataError, match=r"column 2 \('name'\) holds Utf8; numbers are wanted; it holds pandas' index"):
        read(stream.getvalue())


def test_a_table_without_rows_has_its_names():
    """As programs write the part files of empty partitions."""
    table = read((FOLDER / "no_rows.parquet").read_bytes())
    assert (table.columns, table.values.shape) == (("y", "a"), (0, 2))


def test_a_file_that_is_compressed_once_more_is_read():
    """Seeking in it would decompress it again and again."""
    packed = io.BytesIO(gzip.compress((FOLDER / "two_rows.parquet").read_bytes()))
    table = joined(read_parquet(gzip.GzipFile(fileobj=packed), "a.parquet.gz", {}))
    assert table.values.tolist() == [[1, 2], [3, 4]]


WHOLE = (FOLDER / "snappy.parquet").read_bytes()


def claiming(rows):
    """The file of two rows, whose footer says so many."""
    body = (FOLDER / "two_rows.parquet").read_bytes()
    length = int.from_bytes(body[-8:-4], "little")
    footer = body[-length - 8 :]
    # The field after the schema, of type i64, has the number as a zigzag.
    changed = next(
        body[: -length - 8] + footer[:at] + bytes([0x16, 2 * rows]) + footer[at + 2 :]
        for at in range(length)
        if footer[at : at + 2] == b"\x16\x04" and read_footer(io.BytesIO(body))[0] == 2
    )
    assert read_footer(io.BytesIO(changed)) == (rows, 2)
    return changed


REFUSED = {
    "missing values": (
        (FOLDER / "nulls.parquet").read_bytes(),
        r"row 3, column 1 \('y'\): the value is missing, a finite number is wanted; row 2, column 2 \('a'\): the value",
    ),
    "not finite": (
        (FOLDER / "not_finite.parquet").read_bytes(),
        r"row 1, column 2 \('a'\): found inf, a finite .*; row 2, column 1 \('y'\): found nan",
    ),
    "other types": (
        (FOLDER / "others.parquet").read_bytes(),
        r"column 2 \('name'\) holds Utf8; numbers are .*3 \('list'\) holds List.*4 \('pair'\) holds Struct.*5 \('when'\)",
    ),
    "nothing": (b"", r"is not a Parquet file: it does not begin with PAR1"),
    "text": (b"1,2\n3,4\n", r"is not a Parquet file: it does not begin with PAR1"),
    "broken off": (WHOLE[:-100], r"is not a Parquet file that can be read"),
    "the mark alone": (b"PAR1", r"is not a Parquet file that can be read"),
    "a column's name with a NUL": (
        (FOLDER / "nul-name.parquet").read_bytes(),
        r"the name of a column, 'a\\x00b', holds a NUL",
    ),
    "more rows than the footer says": (
        claiming(1),
        r"is not a Parquet file that can be read: it has more than the 1 rows it says",
    ),
    "a hole": (WHOLE[:9000] + bytes(9000) + WHOLE[18000:], r"is not a Parquet file that can be read"),
}


@pytest.mark.parametrize(("body", "message"), REFUSED.values(), ids=REFUSED)
def test_anything_but_finite_numbers_is_refused_in_words(body, message):
    """By the name of the column, and by row where it is a row's."""
    with pytest.raises(DataError, match=rf"^a\.parquet(: | ).*{message}"):
        read(body)


def test_rows_are_counted_through_the_pieces(monkeypatch):
    """A fault in the second one is where it is in the file."""
    monkeypatch.setattr(parquet, "ROWS", 2)
    with pytest.raises(DataError, match=r": row 2, column 2 .*; row 3, column 1 \('y'\): the value is missing"):
        read((FOLDER / "nulls.parquet").read_bytes())


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("snappy", 1000, 6),
        ("row_groups", 1000, 6),
        ("two_rows", 2, 2),
        ("no_rows", 0, 2),
        ("others", 1, 5),
        ("wide", 1, 40),
    ],
)
def test_the_footer_alone_says_how_much_there_is(name, rows, columns):
    """No row group is read."""
    body = (FOLDER / f"{name}.parquet").read_bytes()
    length = int.from_bytes(body[-8:-4], "little")
    assert read_footer(io.BytesIO(b"PAR1" + body[-length - 8 :])) == (rows, columns)


@pytest.mark.parametrize(
    "item",
    [
        b"\x19\xf1" + b"\xff" * 9 + b"\x01",
        b"\x19\xf8" + b"\xff" * 9 + b"\x01",
        b"\x1b" + b"\xff" * 9 + b"\x01\x11",
        b"\x16" + b"\xff" * 10**6,
        b"\x1c" * 10**5,
        b"\x18" + b"\xff" * 9 + b"\x01",
        b"\x1e",
    ],
    ids=["truth values", "strings", "a map", "an integer", "structures", "a string", "a type"],
)
def test_a_footer_cannot_claim_work_that_it_has_no_bytes_for(item):
    """Of 2**64 items, or a number without an end: it is a ValueError at once."""
    with pytest.raises(ValueError, match=r"^its footer "):
        read_footer(io.BytesIO(b"PAR1" + item + len(item).to_bytes(4, "little") + b"PAR1"))


def test_a_broken_footer_is_a_value_error_and_nothing_else():
    """Cut or changed anywhere: it is for a first look, and the reading explains."""
    generator = np.random.default_rng(0)
    length = int.from_bytes(WHOLE[-8:-4], "little")
    for _ in range(2000):
        footer = bytearray(WHOLE[-length - 8 : -8])
        footer[generator.integers(60)] = generator.integers(256)
        cut = bytes(footer[: generator.integers(1, length)])
        try:
            read_footer(io.BytesIO(cut + len(cut).to_bytes(4, "little") + b"PAR1"))
        except ValueError:
            continue
