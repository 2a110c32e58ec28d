"""HTTP: the media types of requests and answers, and which one an Accept header means."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Protocol

from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header, parse_options_header

from gaussian_processes.data.channels import formats as channel_formats
from gaussian_processes.data.codecs.csv_table import REQUEST_BLOCK, SMALL, read_csv, read_csv_records, write_csv
from gaussian_processes.data.codecs.json_instances import read_instance_records, read_instances, write_predictions
from gaussian_processes.data.codecs.json_lines import read_json_line_features, read_json_line_records, write_json_lines
from gaussian_processes.data.codecs.npy import read_npy, read_npy_records, write_npy
from gaussian_processes.data.codecs.text_blocks import LONGEST
from gaussian_processes.data.format import Format
from gaussian_processes.data.records import Answer, Records
from gaussian_processes.errors import ConfigurationError, NotAcceptableError


class RecordReader(Protocol):
    """The reading half of a codec, for a batch in which no record spoils another."""

    def __call__(
        self, stream: BinaryIO, source: str, parameters: Mapping[str, str], width: int, /
    ) -> Iterator[Records]:
        """The records in a stream that is not empty, in pieces; at least one piece, and exactly one row a record.

        A record at fault is a row of NaN, and the first fault of it in words; so is one of another number of features.

        Args:
            stream: the bytes.
            source: the name that messages give them.
            parameters: of the media type.
            width: the number of features that are wanted.

        Raises:
            DataError: the bytes cannot be cut into records.
        """


@dataclass(frozen=True)
class Request(Format):
    """A format that requests can have.

    Attributes:
        read: the codec for a request that is refused as a whole where anything in it is at fault.
        read_records: the codec for one of which every record is answered.
    """

    read_records: RecordReader


@dataclass(frozen=True)
class Exchange(Request):
    """A format that answers can have, too.

    Attributes:
        write: answers -> bytes, in pieces.
        every_output: whether an answer carries all the usual outputs where nothing is asked, or the first one alone.
    """

    write: Callable[[Iterable[Answer]], Iterator[bytes]]
    every_output: bool


def _read_parquet_records(
    stream: BinaryIO, source: str, parameters: Mapping[str, str], width: int
) -> Iterator[Records]:
    from gaussian_processes.data.codecs.parquet import read_parquet_records  # noqa: PLC0415  # 33 MB that most servers do without

    return read_parquet_records(stream, source, parameters, width)


CSV = Exchange(
    channel_formats.CSV.media_types,
    (),
    # As many answers as lines: a header line would break that. A request is parsed in the thread that it has.
    partial(read_csv, allow_header=False, threads=1, block_size=REQUEST_BLOCK, longest=LONGEST, small=SMALL),
    read_csv_records,
    write_csv,
    every_output=False,
)
JSON_TYPES = ("application/json", "text/json")
JSON = Exchange(JSON_TYPES, (), read_instances, read_instance_records, write_predictions, every_output=True)
JSON_LINES = Exchange(
    channel_formats.JSON_LINES.media_types,
    (),
    read_json_line_features,
    read_json_line_records,
    write_json_lines,
    every_output=True,
)
NPY = Exchange(channel_formats.NPY.media_types, (), read_npy, read_npy_records, write_npy, every_output=False)
PARQUET = Request(
    channel_formats.PARQUET.media_types,
    (),
    channel_formats.PARQUET.read,
    _read_parquet_records,
    is_compressed=True,
)

REQUESTS: tuple[Request, ...] = (CSV, JSON, JSON_LINES, NPY, PARQUET)
ANSWERS = (CSV, JSON, JSON_LINES, NPY)
EXACT = 3  # how much a range says that names a media type in full
OFFERED = " or ".join(known.media_type for known in ANSWERS)


def exchange_named(media_type: str) -> Exchange:
    """The format of answers that a media type means; its parameters do not matter.

    Raises:
        ConfigurationError: it means none.
    """
    name = parse_options_header(media_type)[0].lower()
    for known in ANSWERS:
        if known.has_name(name):
            return known
    raise ConfigurationError(f"No answer can be given as {media_type[:80]!r}; {OFFERED} is wanted.")


def negotiate(accept: str | None, default: Exchange) -> tuple[Exchange, Mapping[str, str]]:
    """The format that an Accept header prefers, and the parameters of the range that admits it, the quality left out.

    Parameters decide nothing. Without a preference the format is `default`.

    Raises:
        NotAcceptableError: the header admits none of the formats.
    """
    header = (accept or "").strip() or "*/*"
    ranges = [(parse_options_header(text), quality) for text, quality in parse_accept_header(header, Accept)]
    chosen, best = None, (0.0, EXACT)
    for known in (default, *ANSWERS):
        # The range that says most of a format decides whether it is admitted [RFC 9110, section 12.5.1].
        fits = [(_fit(name.lower(), known), quality, parameters) for (name, parameters), quality in ranges]
        fit, quality, parameters = max(fits, key=lambda found: found[:2], default=(0, 0.0, {}))
        if fit and (quality, fit) > best:
            chosen, best = (known, parameters), (quality, fit)
    if chosen is None:
        raise NotAcceptableError(f"Accept {str(accept)[:80]!r} admits no answer that can be given; {OFFERED} can.")
    return chosen


def _fit(name: str, known: Format) -> int:
    """How much a range says of a format; nothing where it does not admit it."""
    if known.has_name(name):
        return EXACT
    kind, _, rest = name.partition("/")
    if rest != "*":
        return 0
    return 1 if kind == "*" else 2 * known.media_type.startswith(f"{kind}/")
