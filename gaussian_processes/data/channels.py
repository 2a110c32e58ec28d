"""Channels: the files of a folder, in name order, as one dataset."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.data.formats import CSV, parse_content_type
from gaussian_processes.errors import DataError, UnsupportedMediaTypeError


def read_channel(directory: Path, content_type: str | None) -> Dataset:
    """The rows of every file below `directory`, in name order; the target is the first column.

    Files that are empty or whose name begins with a dot or an underscore hold no rows. Without a content type, files
    with no suffix or '.csv' are read as CSV, and any other is an error.

    Raises:
        DataError: no files, no rows, bad cells, a single column, files of different widths, an unknown kind of file.
    """
    channel = directory.name
    tables: list[NDArray[np.float64]] = []
    sources: list[Source] = []
    for path in _files(directory):
        name = f"{channel}/{path.relative_to(directory).as_posix()}"
        table = _read_file(path, name, content_type)
        if table.shape[1] < 2:
            raise DataError(f"{name} has one column; the target and then at least one feature are wanted.")
        if tables and table.shape[1] != tables[0].shape[1]:
            raise DataError(
                f"{name} has {table.shape[1]} columns where {sources[0].name} has {tables[0].shape[1]}; "
                "all files of a channel need the same columns."
            )
        tables.append(table)
        sources.append(Source(name, len(table)))
    if not tables:
        raise DataError(
            f"Channel '{channel}' holds no file with rows in it (looked in {directory}). "
            "Check the channel's S3 prefix, or the folder."
        )
    rows = np.concatenate(tables)
    return Dataset(features=np.ascontiguousarray(rows[:, 1:]), target=rows[:, 0].copy(), sources=tuple(sources))


def _files(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        hidden = any(part.startswith((".", "_")) for part in path.relative_to(directory).parts)
        if path.is_file() and not hidden and path.stat().st_size:
            yield path


def _read_file(path: Path, name: str, content_type: str | None) -> NDArray[np.float64]:
    try:
        # JSON carries no target, so CSV is what channels can hold.
        known, parameters = parse_content_type(content_type or CSV.media_type, (CSV,))
    except UnsupportedMediaTypeError as error:
        raise DataError(f"Channel '{name.partition('/')[0]}': {error}") from None
    if content_type is None and path.suffix.lower() not in ("", ".csv"):
        raise DataError(
            f"{name} is not a .csv file. Remove it from the channel, or set the channel's ContentType to "
            f"{known.media_type} if that is what it holds."
        )
    with path.open("rb") as stream:
        return known.read(stream, name, parameters)
