"""Format: a codec, and the media types and suffixes that mean it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, TypeVar

from werkzeug.http import parse_options_header

from gaussian_processes.data.table import Table
from gaussian_processes.errors import UnsupportedMediaTypeError


class Reader(Protocol):
    """The reading half of a codec."""

    def __call__(self, stream: BinaryIO, source: str, parameters: Mapping[str, str], /) -> Iterator[Table]:
        """The rows in a stream, in pieces of some megabytes; at least one piece, all of the same columns.

        Args:
            stream: the bytes.
            source: the name that messages give them.
            parameters: of the media type.

        Raises:
            DataError: what is wrong with the bytes, and where.
        """


@dataclass(frozen=True)
class Format:
    """A way to write a table as bytes.

    Attributes:
        media_types: such as 'text/csv'; the first is the one to name.
        suffixes: of a channel's files that hold it, such as '.csv'.
        read: the codec.
        is_compressed: whether few bytes can hold very many numbers.
    """

    media_types: tuple[str, ...]
    suffixes: tuple[str, ...]
    read: Reader
    is_compressed: bool = field(default=False, kw_only=True)

    @property
    def media_type(self) -> str:
        """The one to name."""
        return self.media_types[0]

    def has_name(self, name: str) -> bool:
        """Whether this means it, in lower case: a media type, with x- or without, or as AWS has it the end of one alone."""
        return any(f"/{one}".replace("/x-", "/").endswith(f"/{name}".replace("/x-", "/")) for one in self.media_types)


F = TypeVar("F", bound=Format)


def parse_content_type(header: str | None, formats: tuple[F, ...]) -> tuple[F, Mapping[str, str]]:
    """The format that a Content-Type header names, and its parameters; parameters never decide the format.

    Raises:
        UnsupportedMediaTypeError: none of `formats`.
    """
    name, parameters = parse_options_header(header)
    for known in formats:
        if known.has_name(name.lower()):
            return known, parameters
    wanted = " or ".join(known.media_type for known in formats)
    found = f"Content type {name[:80]!r} is not supported" if name else "There is no content type"
    raise UnsupportedMediaTypeError(f"{found}; {wanted} is wanted.")
