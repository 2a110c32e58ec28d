"""Channels: the files of a folder, in name order, as one dataset."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np

from gaussian_processes.data.dataset import Array, Dataset, Source
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
    tables: list[Array] = []
    sources: list[Source] = []
    for path in _files(directory):
        name = _name(path, directory)
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
    """The files with rows in them, sorted; what cannot be followed is an error, never left out."""
    if not directory.is_dir():
        return
    found: list[Path] = []
    for folder, _, names in os.walk(directory, followlinks=True, onerror=_raise):
        found.extend(Path(folder, name) for name in names)
    for path in sorted(found):
        if any(part.startswith((".", "_")) for part in path.relative_to(directory).parts):
            continue
        if not path.is_file():
            raise DataError(f"{_name(path, directory)} is not a file that can be read; remove it from the channel.")
        if path.stat().st_size:
            yield path


def _raise(error: OSError) -> NoReturn:
    raise error


def _name(path: Path, directory: Path) -> str:
    """How messages call a file: channel/path, with what would break a line of text made visible."""
    name = f"{directory.name}/{path.relative_to(directory).as_posix()}"
    return name if name.isprintable() else repr(name)


def _read_file(path: Path, name: str, content_type: str | None) -> Array:
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
