"""The port before the model: answered at once, and handed over without losing anyone."""

import os
import resource
import signal
import socket
import time
from contextlib import ExitStack

import pytest

from gaussian_processes.errors import PlatformError
from gaussian_processes.serving.processes import waiting
from gaussian_processes.serving.processes.waiting import answer_meanwhile, listen


@pytest.fixture
def listener():
    with listen(0) as opened:
        yield opened


def exchange(listener, request):
    """What is answered to bytes, up to the connection's end."""
    with socket.create_connection(("127.0.0.1", listener.getsockname()[1]), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while block := connection.recv(65536):
            answer += block
    return answer.decode()


@pytest.mark.parametrize(
    "request_line", ["GET /ping", "POST /invocations", "GET /metrics", "DELETE /models/a", "BREW /coffee"]
)
def test_whoever_asks_is_told_to_wait(listener, request_line):
    """503, the reason in plain text, when to come again, and an id."""
    model_is_there = answer_meanwhile(listener)
    try:
        head, _, body = exchange(listener, f"{request_line} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).partition("\r\n\r\n")
    finally:
        model_is_there()
    assert head.startswith("HTTP/1.0 503 ")
    assert body == "The model is still being loaded.\n"
    assert "Retry-After: 1" in head
    assert "X-Request-Id: " in head


def test_what_is_no_request_is_refused_without_being_quoted(listener, capfd):
    """In the answer and in the log."""
    model_is_there = answer_meanwhile(listener)
    try:
        answer = exchange(listener, b"secret secret secret secret\r\n\r\n")
    finally:
        model_is_there()
    assert answer.startswith("HTTP/1.0 400 ")
    printed = capfd.readouterr()
    assert "secret" not in answer + printed.out + printed.err


def test_connections_that_wait_are_left_for_the_model(listener):
    """What has answered is gone when it is told that the model is there; who connects then waits for the next."""
    answer_meanwhile(listener)()
    with socket.create_connection(("127.0.0.1", listener.getsockname()[1]), timeout=10) as connection:
        connection.sendall(b"GET /ping HTTP/1.1\r\n\r\n")
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(100).startswith(b"GET /ping")


def test_a_client_that_says_nothing_does_not_hold_the_model_up(listener):
    """It is given about a second."""
    model_is_there = answer_meanwhile(listener)
    with socket.create_connection(("127.0.0.1", listener.getsockname()[1]), timeout=10):
        exchange(listener, b"GET /ping HTTP/1.1\r\n\r\n")
        start = time.monotonic()
        model_is_there()
        assert time.monotonic() - start < 5


def test_idle_clients_yield_to_those_that_ask(listener):
    """Under a limit of open files that is less than their number."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, limits[1]))
    try:
        model_is_there = answer_meanwhile(listener)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    try:
        with ExitStack() as stack:
            for _ in range(300):
                stack.enter_context(socket.create_connection(("127.0.0.1", listener.getsockname()[1]), timeout=10))
            assert exchange(listener, b"GET /ping HTTP/1.1\r\n\r\n").startswith("HTTP/1.0 503 ")
    finally:
        model_is_there()


def test_it_ends_with_its_parent(listener):
    """However that ends: the port must not be answered by an orphan for ever."""
    reading, writing = os.pipe()
    parent = os.fork()
    if not parent:
        os.close(reading)
        answer_meanwhile(listener)
        os._exit(0)
    os.waitpid(parent, 0)
    os.close(writing)
    # The pipe ends when nobody holds its other end any more.
    signal.alarm(30)
    assert os.read(reading, 1) == b""
    signal.alarm(0)
    os.close(reading)


def test_a_port_that_is_taken_is_named(listener):
    """With the system's reason."""
    port = listener.getsockname()[1]
    with pytest.raises(PlatformError, match=f"cannot listen on {port}: Address already in use"):
        listen(port)


def test_a_model_that_takes_long_to_load_is_in_the_log(listener, monkeypatch, capfd):
    """Again and again, with how long it has taken."""
    monkeypatch.setattr(waiting, "FIRST", 0)
    monkeypatch.setattr(waiting, "AGAIN", 0)
    model_is_there = answer_meanwhile(listener)
    for _ in range(3):  # after each of which it looks at the clock
        exchange(listener, b"GET /ping HTTP/1.1\r\n\r\n")
    model_is_there()
    assert capfd.readouterr().err.startswith("The model is still being loaded, after 0 s.\n" * 2)
