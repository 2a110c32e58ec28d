"""Channel: how a job's data are delivered, as a folder of files or as a pipe."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from gaussian_processes.data.channels.formats import CSV, FORMATS, PARQUET, format_of
from gaussian_processes.data.format import Format, parse_content_type
from gaussian_processes.errors import DataError, UnsupportedMediaTypeError

# Lists of what SageMaker has brought, which it leaves beside the data.
MANIFESTS = ("-manifest", ".manifest")


@dataclass(frozen=True)
class Channel:
    """How a channel is delivered.

    Attributes:
        name: of the channel.
        path: its folder; in Pipe mode the pipe is beside it, under the same name and '_0'.
        format: of all its files; None where their suffixes say it.
        parameters: of the format's media type.
        piped: whether it is in Pipe mode.
        sharded: whether each host of the job has a part of its files.
    """

    name: str
    path: Path
    format: Format | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    piped: bool = False
    sharded: bool = False

    def __post_init__(self) -> None:
        """Raises DataError for what no reading could mend."""
        if self.piped and self.format is PARQUET:
            raise DataError(
                f"Channel '{self.name}' brings Parquet in Pipe mode, and Parquet cannot be read from a pipe; use the "
                "input mode File or FastFile."
            )
        header = self.parameters.get("header", "absent")
        if header not in ("present", "absent"):
            raise DataError(
                f"Channel '{self.name}' has header={header[:40]} in its ContentType; header=present or header=absent is "
                "wanted."
            )
        labels = self.parameters.get("label_size", "1")
        if labels.strip() != "1":
            reason = (
                "there would be no target to learn"
                if labels.strip() == "0"
                else "one target, in the first column, is wanted"
            )
            raise DataError(
                f"Channel '{self.name}' has label_size={labels[:40]} in its ContentType: {reason}. Set label_size=1, or leave it out."
            )

    @property
    def pipe(self) -> Path:
        """Where the pipe of the first epoch is: the only one that is read."""
        return self.path.with_name(f"{self.path.name}_0")

    def files(self) -> list["ChannelFile"]:
        """The files that may hold rows, in name order.

        Raises:
            DataError: one that cannot be followed, or whose suffix means no format; none is left out without a word.
        """
        if self.piped:
            return [ChannelFile(self.pipe, self.pipe.name, self.format or CSV)]
        named = ((path, _name(path, self.path)) for path in _paths(self.path))
        return [ChannelFile(path, name, self.format or format_of(path, name)) for path, name in named]


@dataclass(frozen=True)
class ChannelFile:
    """A file of a channel, or its pipe.

    Attributes:
        path: where it is.
        name: that messages give it: channel/path.
        format: of what it holds.
    """

    path: Path
    name: str
    format: Format


def parse_channel_type(name: str, content_type: str | None) -> tuple[Format | None, Mapping[str, str]]:
    """The format and the parameters that a channel's ContentType names.

    Raises:
        DataError: none of the formats of channels.
    """
    if content_type is None:
        return None, {}
    try:
        return parse_content_type(content_type, FORMATS)
    except UnsupportedMediaTypeError as error:
        raise DataError(f"Channel '{name}': {error}") from None


def _paths(directory: Path) -> Iterator[Path]:
    """The files with bytes in them, sorted; what cannot be followed is an error, never left out."""
    if not directory.is_dir():
        return
    found: list[Path] = []
    for folder, _, names in os.walk(directory, followlinks=True, onerror=_raise):
        found.extend(Path(folder, name) for name in names)
    for path in sorted(found):
        if any(part.startswith((".", "_")) for part in path.relative_to(directory).parts) or path.name.endswith(
            MANIFESTS
        ):
            continue
        if not path.is_file():
            raise DataError(f"{_name(path, directory)} is not a file that can be read; remove it from the channel.")
        if path.stat().st_size:
            yield path


def _raise(error: OSError) -> NoReturn:
    raise error


def _name(path: Path, directory: Path) -> str:
    """With what would break a line of text made visible."""
    name = f"{directory.name}/{path.relative_to(directory).as_posix()}"
    return name if name.isprintable() else repr(name)
