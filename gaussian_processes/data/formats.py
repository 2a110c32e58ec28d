"""The media types of requests and answers, and which one an Accept header means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header, parse_options_header

from gaussian_processes.data.dataset import Array
from gaussian_processes.data.delimited import read_csv, write_csv
from gaussian_processes.data.instances import read_instances, write_predictions
from gaussian_processes.data.media_types import Format
from gaussian_processes.errors import NotAcceptableError


@dataclass(frozen=True)
class Exchange(Format):
    """A format that answers can be given in.

    Attributes:
        write: columns (rows,) by name -> bytes.
        every_output: whether an answer carries all that the algorithm predicts, or its first output alone.
    """

    write: Callable[[Mapping[str, Array]], bytes]
    every_output: bool


CSV = Exchange(
    ("text/csv",),
    (),
    # As many answers as lines: a header line would break that. A request is parsed in the thread that it has.
    partial(read_csv, allow_header=False, threads=1),
    write_csv,
    every_output=False,
)
JSON = Exchange(("application/json",), (), read_instances, write_predictions, every_output=True)
FORMATS = (CSV, JSON)


def negotiate(accept: str | None, default: Exchange) -> Exchange:
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
