"""The JSON codec: instances in, predictions out."""

import io
import json

import numpy as np
import pytest

from gaussian_processes.data.instances import read_instances, write_predictions
from gaussian_processes.data.table import joined
from gaussian_processes.errors import DataError


def read(body):
    return joined(read_instances(io.BytesIO(body.encode()), "The body", {})).values


def test_reads_features_row_by_row():
    """Integers and floats alike; other fields are left alone."""
    body = '{"instances": [{"features": [1, 2.5]}, {"features": [-3e2, 4], "id": "b"}]}'
    assert np.array_equal(read(body), [[1, 2.5], [-300, 4]])


def test_writes_every_column_of_every_row():
    """What json.loads gives back is what was predicted, to the bit."""
    columns = {"mean": np.array([0.1, 2.0]), "std": np.array([1e-300, 3.0])}
    wanted = {"predictions": [{"mean": 0.1, "std": 1e-300}, {"mean": 2.0, "std": 3.0}]}
    assert json.loads(write_predictions(columns)) == wanted


def test_what_is_no_number_in_json_is_never_written():
    """NaN would make the answer unreadable."""
    with pytest.raises(ValueError, match="JSON"):
        write_predictions({"mean": np.array([np.nan])})


def test_a_million_faults_are_one_short_message():
    """The first is named; the rest cost nothing."""
    body = '{"instances": [' + ", ".join(['{"features": ["x"]}'] * 10_000) + "]}"
    with pytest.raises(DataError) as caught:
        read(body)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "The body is empty"),
        ("{", "Invalid JSON"),
        ("[[1, 2]]", "valid dictionary|object"),
        ('{"instances": []}', "instances: .* at least 1 item"),
        ('{"instances": [{"features": []}]}', r"instances\[0\]\.features: .* at least 1 item"),
        ('{"rows": [[1]]}', "instances: Field required"),
        ('{"instances": [{"features": [1, "a"]}]}', r"instances\[0\]\.features\[1\]: .* valid number, found 'a'"),
        ('{"instances": [{"features": [1, null]}]}', r"instances\[0\]\.features\[1\]: .* valid number, found 'None'"),
        ('{"instances": [{"features": [true]}]}', r"instances\[0\]\.features\[0\]: .* valid number"),
        ('{"instances": [{"features": [NaN]}]}', r"finite|Invalid JSON"),
        ('{"instances": [{"features": [1e999]}]}', r"finite"),
        (
            '{"instances": [{"features": [1]}, {"features": [1, 2]}]}',
            r"instances\[1\]\.features has 2 numbers where instances\[0\]\.features has 1",
        ),
    ],
)
def test_says_where_a_body_is_not_instances(body, message):
    """The place in the document, what was found, what is wanted."""
    with pytest.raises(DataError, match=message):
        read(body)
