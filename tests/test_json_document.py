"""A JSON document in pieces: whatever it is, the same as parsed at once."""

import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gaussian_processes.data.codecs.json_split import open_document
from gaussian_processes.errors import DataError

TRICKY = st.sampled_from(["},{", "],[", '}, {"features": [1]', '"', "\\", "]}", ""])
LEAF = st.one_of(st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False), TRICKY, st.none(), st.booleans())
INSTANCE = st.one_of(
    st.lists(LEAF, max_size=4),
    st.dictionaries(
        st.sampled_from(["features", "id", "data", "instances"]), st.one_of(LEAF, st.lists(LEAF, max_size=3))
    ),
    st.lists(st.lists(LEAF, max_size=2), max_size=3),
)
SPACES = st.sampled_from([None, 1])


def read(text, size):
    """Every record, or what is said of the document instead."""
    try:
        document = open_document(io.BytesIO(text), "a", size)
        return [item for piece in document.pieces for item in piece], document.path
    except DataError as error:
        return str(error)


WRAPPED = {
    "a list": lambda instances: instances,
    "a field": lambda instances: {"instances": instances},
    "a field before": lambda instances: {"id": '{"instances": [[', "more": [{"instances": 1}], "instances": instances},
    "a field behind": lambda instances: {"instances": instances, "id": [[1], [2]]},
    "another list before": lambda instances: {"more": {"instances": [[0], [0]]}, "instances": instances},
    "a deeper field": lambda instances: {"data": {"instances": instances}},
    "a longer name": lambda instances: {'my"instances': instances, "instances": [[1], [2]]},
}


@pytest.mark.slow
@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
@given(instances=st.lists(INSTANCE, min_size=1, max_size=12), indent=SPACES, size=st.integers(1, 60))
def test_pieces_hold_what_the_whole_does(wrap, instances, indent, size):
    """With commas between brackets in strings, at any depth, at any size of the pieces."""
    text = json.dumps(wrap(instances), indent=indent).encode()
    assert read(text, size) == read(text, 1 << 30)


@given(st.lists(INSTANCE, min_size=1, max_size=8), SPACES, st.data(), st.integers(1, 60))
@example([[1], [2], [3]], None, None, 3)
@example([[1], [2], [3]], 1, None, 3)
def test_what_is_no_json_is_refused_as_the_whole_is(instances, indent, data, size):
    """Cut off, or with a byte too many, wherever that is; the line and the column are those in the whole."""
    text = json.dumps({"instances": instances}, indent=indent).encode()
    place = len(text) - 2 if data is None else data.draw(st.integers(0, len(text) - 1))
    for broken in (text[:place], text[:place] + b"]" + text[place:], text[:place] + b"," + text[place:]):
        assert read(broken, size) == read(broken, 1 << 30)


@pytest.mark.parametrize(
    "text",
    [
        b'{"instances": [[1], [2]], "instances": [[3]]}',
        b'{"instances": [[1], [2]], "id": [[3], [4]]}',
        b'{"id": [[3], [4]], "instances": [[1], [2]]}',
        b'{"instances": [[1], [2]]} x',
        b"[[1], [2]",
        b"[[1], [2]]]",
        b"[[1]] [[2]]",
        b"[[1],, [2]]",
        b'{"instances": [[1], [2]}',
    ],
)
@pytest.mark.parametrize("size", [1, 5, 12])
def test_what_stands_around_the_list_counts(text, size):
    """Other fields, a second list, text behind the end."""
    assert read(text, size) == read(text, 1 << 30)


@pytest.mark.parametrize("name", ["a list", "a field", "a field before", "a field behind"])
def test_a_large_document_comes_in_pieces(name):
    """Of about the size that is asked for."""
    instances = [{"id": "},{", "features": [float(number)] * 5} for number in range(9_000)]
    text = json.dumps(WRAPPED[name](instances)).encode()
    pieces = list(open_document(io.BytesIO(text), "a", 10_000).pieces)
    assert len(pieces) > 40
    assert max(map(len, pieces)) < 300
    assert [item["features"][0] for piece in pieces for item in piece] == list(range(9_000))
