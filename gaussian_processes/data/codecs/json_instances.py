"""application/json: {"instances": [{"features": [...]}]} in, {"predictions": [{"mean": ...}]} out."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO

from gaussian_processes.data.bad_records import fault_of_width, with_placeholders
from gaussian_processes.data.codecs.json_answers import answer_objects
from gaussian_processes.data.codecs.json_lines import read_json_line_records
from gaussian_processes.data.codecs.json_rows import FEATURES, PIECE, fault_of_ragged, numbers_of
from gaussian_processes.data.codecs.json_split import LIST, Document, open_document
from gaussian_processes.data.records import Answer, Records
from gaussian_processes.data.table import Table
from gaussian_processes.errors import DataError

# A first line that is a record by itself, and another one.
LINES = re.compile(rb"\s*(\[.*\]|\{.*\})[ \t\r]*\n\s*\S")


def read_instances(
    stream: BinaryIO, source: str, parameters: Mapping[str, str], *, size: int = PIECE
) -> Iterator[Table]:
    """The features (rows, columns) of a JSON document, a piece of about `size` bytes at a time.

    Args:
        stream: the bytes, UTF-8 as JSON demands.
        source: the name that messages give them.
        parameters: of the media type; none is needed.
        size: of a piece.

    Raises:
        DataError: not JSON, another shape, ragged rows, or values that are not finite numbers: the first fault of all.
    """
    del parameters
    document = open_document(stream, source, size)
    before, width, ragged = 0, 0, fault_of_width
    for items in document.pieces:
        if not items:
            raise DataError(f"{source}: {LIST}: List should have at least 1 item.")
        if not before:
            row = FEATURES.examine(items[0], document.place(0))
            if isinstance(row, str):
                raise DataError.listing(source, [row])
            width, ragged = len(row), partial(fault_of_ragged, numbers_of(items[0], document.place(0)))
        values = FEATURES.values(items, width)
        if values is None:
            examined = _examine(document, items, before, width, ragged)
            raise DataError.listing(source, [next(fault for fault in examined if isinstance(fault, str))])
        yield Table(values)
        before += len(items)


def read_instance_records(
    stream: BinaryIO, source: str, parameters: Mapping[str, str], width: int, *, size: int = PIECE
) -> Iterator[Records]:
    """The same, each record with its `width` features or with what is wrong with it; of a document or of JSON Lines.

    Raises:
        DataError: not JSON, or a document without records; before there is any piece.
    """
    before = 0
    try:
        document = open_document(stream, source, size)
    except DataError:
        stream.seek(0)
        if not LINES.match(stream.read()):
            raise
        stream.seek(0)
        yield from read_json_line_records(stream, source, parameters, width)
        return
    for items in document.pieces:
        values = FEATURES.values(items, width)
        if values is None:
            yield with_placeholders(_examine(document, items, before, width, fault_of_width), width)
        else:
            yield Records(values)
        before += len(items)


def write_predictions(answers: Iterable[Answer]) -> Iterator[bytes]:
    """{"predictions": [...]}: one object a record, in pieces.

    Raises:
        ValueError: a number that JSON has no word for.
    """
    before = '{"predictions": ['
    for records in answer_objects(answers):
        yield (before + ", ".join(records)).encode("ascii")
        before = ", "
    yield b"]}\n" if before == ", " else f"{before}]}}\n".encode("ascii")


def _examine(
    document: Document, items: list[Any], before: int, width: int, fault: Callable[[str, int, int], str]
) -> Iterator[list[float] | str]:
    """Each item's numbers or, in their place, what is wrong with it; so many items stand before them in the document."""
    for index, item in enumerate(items, start=before):
        row = FEATURES.examine(item, document.place(index))
        if isinstance(row, str) or len(row) == width:
            yield row
        else:
            yield fault(numbers_of(item, document.place(index)), len(row), width)
