"""The body of a request: whole, in memory once, and never more than is taken."""

import tracemalloc
from itertools import repeat

import pytest
from werkzeug.wrappers import Request

from gaussian_processes.errors import DataError, PayloadTooLargeError, RequestTimeoutError
from gaussian_processes.serving.http import bodies
from gaussian_processes.serving.http.bodies import read_body


class Stream:
    """What a connection gives, block by block; an exception is raised in its turn."""

    def __init__(self, blocks):
        self._blocks = iter(blocks)

    def read(self, size):
        block = next(self._blocks, b"")
        if isinstance(block, Exception):
            raise block
        assert len(block) <= size
        return block


def request(blocks, length=None):
    headers = {} if length is None else {"CONTENT_LENGTH": str(length)}
    return Request({"REQUEST_METHOD": "POST", "wsgi.input": Stream(blocks), **headers})


def test_all_of_it_comes_whatever_its_parts():
    """With its length announced, or in chunks."""
    assert read_body(request([b"ab", b"c"], 3), 3).read() == b"abc"
    assert read_body(request([b"ab", b"c"]), None).read() == b"abc"
    assert read_body(request([]), 1).read() == b""


def test_it_is_in_memory_once():
    """It grows in place: never the parts and the whole side by side."""
    block, count = bytes(2**16), 512
    tracemalloc.start()
    body = read_body(request(repeat(block, count)), None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert body.getbuffer().nbytes == count * len(block)
    assert peak < 1.4 * count * len(block)


def test_what_is_too_large_is_read_and_not_kept(monkeypatch):
    """To its end, since clients listen only then; or for a while, if it has none."""
    stream = request([b"x" * 60000] * 100)
    tracemalloc.start()
    with pytest.raises(PayloadTooLargeError, match="more than the 10 bytes that are taken"):
        read_body(stream, 10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**6
    assert stream.environ["wsgi.input"].read(10) == b""
    monkeypatch.setattr(bodies, "DRAINING", 0.01)
    with pytest.raises(PayloadTooLargeError):
        read_body(request(repeat(b"x" * 60000)), 10)


@pytest.mark.parametrize(
    ("blocks", "length", "error", "reason"),
    [
        ([b"ab"], 3, DataError, "breaks off: 2 of 3 bytes came"),
        ([b"ab", ConnectionResetError()], 3, DataError, "cannot be read"),
        ([b"ab", TimeoutError()], 3, RequestTimeoutError, "stopped coming"),
    ],
)
def test_what_does_not_come_is_told(blocks, length, error, reason):
    """Each in its own words."""
    with pytest.raises(error, match=reason):
        read_body(request(blocks, length), None)
