"""application/json: {"instances": [{"features": [...]}]} in, {"predictions": [{"mean": ...}]} out."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, BinaryIO

import numpy as np
from pydantic import BaseModel, FailFast, Field, ValidationError

from gaussian_processes.data.dataset import Array
from gaussian_processes.data.table import Table
from gaussian_processes.errors import DataError
from gaussian_processes.faults import in_words

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Instance(BaseModel):
    """One row."""

    # The first fault is enough: a description of each of a million would hold up the whole worker.
    features: Annotated[list[Number], Field(min_length=1), FailFast()]


class Instances(BaseModel):
    """The rows of a request."""

    instances: Annotated[list[Instance], Field(min_length=1), FailFast()]


def read_instances(stream: BinaryIO, source: str, parameters: Mapping[str, str]) -> Iterator[Table]:
    """The features (rows, columns) of a JSON body, in one piece.

    Args:
        stream: the bytes, UTF-8 as JSON demands.
        source: the name that messages give them.
        parameters: of the media type; none is needed.

    Raises:
        DataError: not JSON, another shape, ragged rows, or values that are not finite numbers.
    """
    del parameters
    body = stream.read()
    if not body.strip():
        raise DataError(f'{source} is empty; {{"instances": [{{"features": [...]}}]}} is wanted.')
    try:
        rows = [instance.features for instance in Instances.model_validate_json(body).instances]
    except ValidationError as error:
        raise DataError.listing(source, map(in_words, error.errors(include_url=False))) from None
    width = len(rows[0])
    if any(len(row) != width for row in rows):
        raise DataError.listing(source, _ragged(rows, width))
    return iter([Table(np.asarray(rows, dtype=np.float64))])


def write_predictions(columns: Mapping[str, Array]) -> bytes:
    """{"predictions": [...]}: one object a row, a field for each column."""
    names = list(columns)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    document = {"predictions": [dict(zip(names, row, strict=True)) for row in rows]}
    return json.dumps(document, allow_nan=False).encode("ascii") + b"\n"


def _ragged(rows: list[list[float]], width: int) -> Iterator[str]:
    for number, row in enumerate(rows):
        if len(row) != width:
            yield f"instances[{number}].features has {len(row)} numbers where instances[0].features has {width}"
