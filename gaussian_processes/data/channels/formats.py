"""The formats of channels. The libraries of CSV and Parquet are imported when such a file is read, not before."""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import BinaryIO

from gaussian_processes.data.codecs.json_lines import read_json_lines
from gaussian_processes.data.codecs.npy import read_npy
from gaussian_processes.data.format import Format
from gaussian_processes.data.table import Table
from gaussian_processes.errors import DataError

# More do not help: the interpreter's lock is held between blocks.
THREADS = 2
COMPRESSED = ".gz"


def _read_csv(stream: BinaryIO, source: str, parameters: Mapping[str, str]) -> Iterator[Table]:
    from gaussian_processes.data.codecs.csv_table import read_csv  # noqa: PLC0415  # pandas takes 0.2 s

    return read_csv(stream, source, parameters, allow_header=True, threads=THREADS)


def _read_parquet(stream: BinaryIO, source: str, parameters: Mapping[str, str]) -> Iterator[Table]:
    from gaussian_processes.data.codecs.parquet import read_parquet  # noqa: PLC0415  # 33 MB that most jobs do without

    return read_parquet(stream, source, parameters)


CSV = Format(("text/csv", "application/csv"), (".csv", ""), _read_csv)
JSON_LINES = Format(
    ("application/jsonlines", "application/x-jsonlines", "application/jsonl", "application/x-ndjson"),
    (".jsonl", ".jsonlines", ".ndjson"),
    read_json_lines,
)
NPY = Format(("application/x-npy",), (".npy",), read_npy)
PARQUET = Format(("application/x-parquet", "application/vnd.apache.parquet"), (".parquet",), _read_parquet)
FORMATS = (CSV, JSON_LINES, NPY, PARQUET)


def format_of(path: PurePath, source: str) -> Format:
    """The format that a file's suffix means; '.gz' behind it does not matter.

    Raises:
        DataError: it means none; the message calls the file `source`.
    """
    name = PurePath(path.stem) if path.suffix.lower() == COMPRESSED else path
    for known in FORMATS:
        if name.suffix.lower() in known.suffixes:
            return known
    suffixes = ", ".join(suffix for known in FORMATS for suffix in known.suffixes if suffix)
    types = ", ".join(known.media_type for known in FORMATS)
    raise DataError(
        f"{source} has a suffix that means no format ({suffixes} do). Remove the file from the channel, or set the "
        f"channel's ContentType to what it holds ({types})."
    )
