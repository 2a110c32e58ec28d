"""The media types this program reads and writes, and which one a name, a suffix or an Accept header means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header, parse_options_header

from gaussian_processes.data.dataset import Array
from gaussian_processes.data.delimited import read_csv, write_csv
from gaussian_processes.data.instances import read_instances, write_predictions
from gaussian_processes.errors import NotAcceptableError, UnsupportedMediaTypeError


@dataclass(frozen=True)
class Format:
    """A media type and its codec.

    Attributes:
        media_type: such as 'text/csv'.
        read: (stream, source, parameters) -> numbers (rows, columns).
        write: columns (rows,) by name -> bytes.
        every_output: whether an answer carries all that the algorithm predicts, or its first output alone.
    """

    media_type: str
    read: Callable[[BinaryIO, str, Mapping[str, str]], Array]
    write: Callable[[Mapping[str, Array]], bytes]
    every_output: bool


CSV = Format("text/csv", read_csv, write_csv, every_output=False)
JSON = Format("application/json", read_instances, write_predictions, every_output=True)
FORMATS = (CSV, JSON)


def parse_content_type(header: str | None, formats: tuple[Format, ...] = FORMATS) -> tuple[Format, Mapping[str, str]]:
    """The format that a Content-Type header names, and its parameters; parameters never decide the format.

    Raises:
        UnsupportedMediaTypeError: none of `formats`.
    """
    name, parameters = parse_options_header(header)
    for known in formats:
        if name.lower() == known.media_type:
            return known, parameters
    wanted = " or ".join(known.media_type for known in formats)
    found = f"Content type {name[:80]!r} is not supported" if name else "There is no content type"
    raise UnsupportedMediaTypeError(f"{found}; {wanted} is wanted.")


def negotiate(accept: str | None, default: Format) -> Format:
    """The format that an Accept header prefers, whatever its parameters; `default` where it has no preference.

    Raises:
        NotAcceptableError: the header admits none of the formats.
    """
    ranked = (default, *(known for known in FORMATS if known is not default))
    ranges = parse_accept_header(accept or "*/*", MIMEAccept)
    accepted = MIMEAccept([(parse_options_header(name)[0], quality) for name, quality in ranges])
    best = accepted.best_match([known.media_type for known in ranked])
    for known in ranked:
        if known.media_type == best:
            return known
    offered = " or ".join(known.media_type for known in FORMATS)
    raise NotAcceptableError(f"Accept {str(accept)[:80]!r} admits no answer that can be given; {offered} can.")
