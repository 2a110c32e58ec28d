"""Shards: a channel with files on several hosts, as one dataset."""

from collections.abc import Sequence
from itertools import chain, pairwise
from pathlib import PurePosixPath

import numpy as np

from gaussian_processes.data.channels.builder import require_same_names, require_same_width
from gaussian_processes.data.dataset import Dataset
from gaussian_processes.errors import DataError


def joined(parts: Sequence[Dataset]) -> Dataset:
    """The rows of all parts in the order of their files' names: the same however the files were dealt.

    Raises:
        DataError: a file is in two parts, or the parts have different columns.
    """
    first = parts[0]
    for part in parts[1:]:
        here, there = part.sources[0].name, first.sources[0].name
        require_same_width(here, part.features.shape[1] + 1, there, first.features.shape[1] + 1)
    named = next((part for part in parts if part.columns), first)
    for part in parts:
        require_same_names(part.sources[0].name, part.columns, named.sources[0].name, named.columns)
    pieces = sorted(chain.from_iterable(_pieces(part) for part in parts), key=lambda piece: PurePosixPath(piece[0]))
    names = [name for name, _, _ in pieces]
    twice = [name for name, after in pairwise(names) if name == after]
    if twice:
        raise DataError(
            f"{twice[0]} is on two hosts, and a channel that is ShardedByS3Key has each file on one of them. Set the "
            "channel's S3DataDistributionType to FullyReplicated if all hosts have all files."
        )
    sources = {source.name: source for part in parts for source in part.sources}
    return Dataset(
        np.concatenate([part.features[rows] for _, part, rows in pieces]),
        np.concatenate([part.target[rows] for _, part, rows in pieces]),
        tuple(sources[name] for name in names),
        named.columns,
    )


def _pieces(part: Dataset) -> list[tuple[str, Dataset, slice]]:
    """The files of a part, with their rows."""
    ends = np.cumsum([source.rows for source in part.sources]).tolist()
    return [(source.name, part, slice(end - source.rows, end)) for source, end in zip(part.sources, ends, strict=True)]
