"""The JSON codec: instances in, predictions out."""

import io

import numpy as np
import pytest

from gaussian_processes.data.codecs.json_instances import read_instances
from gaussian_processes.data.table import joined
from gaussian_processes.errors import DataError


def read(body):
    return joined(read_instances(io.BytesIO(body.encode()), "The body", {})).values


def test_reads_features_row_by_row():
    """Integers and floats alike; other fields are left alone."""
    body = '{"instances": [{"features": [1, 2.5]}, {"features": [-3e2, 4], "id": "b"}]}'
    assert np.array_equal(read(body), [[1, 2.5], [-300, 4]])


@pytest.mark.parametrize(
    "body",
    [
        '{"instances": [[1, 2], [3, 4]]}',
        "[[1, 2], [3, 4]]",
        '[{"features": [1, 2]}, [3, 4]]',
        '{"instances": [{"data": {"features": {"values": [1, 2]}}}, {"features": [3, 4]}]}',
        '{"other": "[[9, 9]]", "instances": [[1, 2], [3, 4]]}',
    ],
)
def test_rows_come_in_several_forms(body):
    """Objects, lists, the nested form of SageMaker's own algorithms, and all of them mixed."""
    assert np.array_equal(read(body), [[1, 2], [3, 4]])


@pytest.mark.parametrize("body", ["[1, 2]", '{"features": [1, 2]}', '{"data": {"features": {"values": [1, 2]}}}'])
def test_one_row_needs_no_list_around_it(body):
    """It is one row."""
    assert np.array_equal(read(body), [[1, 2]])


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
        ('"text"', "holds no records"),
        ("[]", "at least 1 item"),
        ("[[[1, 2]]]", "valid number"),
        ('{"instances": []}', "instances: .* at least 1 item"),
        ('{"instances": [{"features": []}]}', r"instances\[0\]\.features: .* at least 1 item"),
        ('{"rows": [[1]]}', "instances is missing"),
        ('{"instances": [{"features": [1, "a"]}]}', r"instances\[0\]\.features\[1\]: .* valid number, found 'a'"),
        ('{"instances": [{"features": [1, null]}]}', r"instances\[0\]\.features\[1\]: .* valid number, found 'None'"),
        ('{"instances": [{"features": ["true"]}]}', r"instances\[0\]\.features\[0\]: .* valid number"),
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
