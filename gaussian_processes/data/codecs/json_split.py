"""A JSON document, parsed a piece at a time: at once, it would hold the interpreter's lock for seconds.

Nothing here parses JSON but pydantic's own parser. A large document that is a list of instances, or an object with one near
its beginning, is cut at commas that look as if they stood between two instances. Such a comma may stand in a string, or deeper
inside an instance; so each piece is parsed between brackets of its own, before anything is made of any. That all are valid
proves that every cut is right:

    The head of the document ends with the bracket that opens the list. Behind it the parser of the whole document is in the
    state of a parser that has read one '[', until that list is closed. Let P be what follows up to the comma of a cut. If
    '[P]' is JSON then its first bracket is closed by its last one: P closes no more than it opens, it leaves nothing open,
    and no string either, which would have swallowed the last bracket. So P is whole instances, the list is open, and behind
    the comma the parser of the whole document is where it was behind the head. The same holds for the next piece.

A cut that is not right is passed over for the next one. What is behind the last cut is parsed behind the document's own head
and up to its very end: what is wrong there is wrong in the whole, at the place that the parser names.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import chain, islice
from typing import Any, BinaryIO

from pydantic_core import from_json

from gaussian_processes.data.codecs.json_rows import PIECE, fault_of
from gaussian_processes.data.room import take, taken
from gaussian_processes.errors import DataError

ROWS = 1 << 12  # of a piece of what could not be cut
TRIES = 64  # cuts, before the rest is taken for one piece
WINDOW = 1 << 16  # bytes, searched at once
SHORT = 1 << 20  # bytes of a rest that may hold other fields
WIDE = 1 << 14  # numbers of a row that is copied whole, more than once

LIST = "instances"
LIST_HEAD = re.compile(rb"[ \t\r\n]*\[[ \t\r\n]*(?=[\[{])")
OBJECT_HEAD = re.compile(rb'[ \t\r\n]*\{.*?(?<!\\)"instances"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*(?=[\[{])', re.DOTALL)
CUT = re.compile(rb"(?<=[\]}])[ \t\r\n]*,[ \t\r\n]*(?=[\[{])")
POSITION = re.compile(r"(.*) at line (\d+) column (\d+)")
SHAPE = '{"instances": [{"features": [...]}]}'


@dataclass(frozen=True)
class Document:
    """The records in a JSON document.

    Attributes:
        pieces: some records each, parsed, in order; at least one piece.
        path: to the list that the records are the items of, in words; None where the document is one record.
    """

    pieces: Iterator[list[Any]]
    path: str | None

    def place(self, index: int) -> str:
        """Where a record stands."""
        return "" if self.path is None else f"{self.path}[{index}]"


def open_document(stream: BinaryIO, source: str, size: int = PIECE) -> Document:
    """The records of a document, which is {"instances": [...]}, a list of records, or one record.

    Args:
        stream: its bytes, UTF-8 as JSON demands.
        source: the name that messages give them.
        size: of a piece, in bytes.

    Raises:
        DataError: it is not JSON, wherever the fault stands, or there are no records to be found in it.
    """
    if isinstance(stream, BytesIO):
        stream.getvalue()  # which trims it in place; then reading it copies nothing
    body = stream.read()
    if not body[:WINDOW].strip() and not body.strip():
        raise DataError(f"{source} is empty; {SHAPE} is wanted.")
    return (_cut(body, source, size) if len(body) > size else None) or _whole(body, source)


def _whole(body: bytes, source: str) -> Document:
    value = _parse(body, source)
    if isinstance(value, dict):
        if LIST in value:
            return Document(_slices(_listed(value[LIST], source)), LIST)
        if "features" in value or "data" in value:
            return Document(iter([[value]]), None)
        raise DataError(f"{source}: {LIST} is missing; {SHAPE} is wanted.")
    if isinstance(value, list):
        if value and not isinstance(value[0], (dict, list)):
            return Document(iter([[value]]), None)
        return Document(_slices(value), "")
    raise DataError(f"{source} is JSON that holds no records; {SHAPE} is wanted.")


def _cut(body: bytes, source: str, size: int) -> Document | None:
    """None where only the document as a whole can be parsed."""
    head = _head(body)
    if not head:
        return None
    start = len(head)
    pieces = []
    while end := _end(body, start, size):
        pieces.append(slice(start, end.start()))
        start = end.end()
    rest = head + body[start:]
    value = _parse(rest, source, partial(_in_whole, body, len(head), start))
    if isinstance(value, dict):
        # A list of the same name further on would take the place of this one. There is no other way to see it.
        keys = [key for key, _ in json.loads(rest, object_pairs_hook=list)] if len(rest) < SHORT else []
        if keys.count(LIST) != 1:
            return None
    items = value[LIST] if isinstance(value, dict) else value
    parsed = (from_json(b"[%b]" % body[piece]) for piece in pieces)
    return Document(chain(parsed, _slices(items)), "" if isinstance(value, list) else LIST)


def _head(body: bytes) -> bytes | None:
    """The beginning of a document up to its first instance; None where that is not seen."""
    if found := LIST_HEAD.match(body, 0, WINDOW):
        return found.group()
    if found := OBJECT_HEAD.match(body, 0, WINDOW):
        with suppress(ValueError):
            from_json(found.group() + b"]}")  # no JSON, were the list deeper in the document, or all of it in a string
            return found.group()
    return None


def _end(body: bytes, start: int, size: int) -> re.Match[bytes] | None:
    """The first right cut behind the piece that begins at `start`; None where none is found."""
    for cut in islice(_cuts(body, start + size), TRIES):
        try:
            with taken(_weight(piece := body[start : cut.start()])):
                from_json(b"[%b]" % piece)
        except ValueError:
            continue
        return cut
    return None


def _cuts(body: bytes, start: int) -> Iterator[re.Match[bytes]]:
    for begin in range(start, len(body), WINDOW):
        yield from CUT.finditer(body, begin, begin + WINDOW)


def _slices(items: list[Any]) -> Iterator[list[Any]]:
    return (items[start : start + ROWS] for start in range(0, len(items), ROWS) or (0,))


def _listed(value: Any, source: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise DataError.listing(source, [fault_of(value, LIST, "a valid list")])


def _parse(text: bytes, source: str, whole: Callable[[str], str] = str) -> Any:
    """What a text says; what the parser says of it otherwise, `whole` says of the document that it is a part of."""
    take(_weight(text))
    try:
        return from_json(text)
    except ValueError as error:
        raise DataError(f"{source}: Invalid JSON: {whole(str(error))}.") from None


def _weight(text: bytes) -> int:
    """Bytes that a long text takes when it is parsed at once: a number, a string, a list, an object each have their own."""
    if len(text) < SHORT:
        return 0
    numbers, quotes, lists, objects = map(text.count, (b",", b'"', b"[", b"{"))
    return (100 if numbers > WIDE * lists else 32) * numbers + 30 * quotes + 80 * lists + 200 * objects


def _in_whole(body: bytes, head: int, start: int, reason: str) -> str:
    """A reason with its place in `body`, said of what begins at `start` behind the first `head` bytes of it."""
    found = POSITION.fullmatch(reason)
    if not found:
        return reason
    fault, line, column = found[1], int(found[2]), int(found[3])
    if line == 1 + body.count(b"\n", 0, head):  # the line that is cut
        column += start - head + body.rfind(b"\n", 0, head) - body.rfind(b"\n", 0, start)
    line += body.count(b"\n", head, start)
    return f"{fault} at line {line} column {column}"
