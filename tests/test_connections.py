"""Connections that are not in use yield to those that are, whatever keeps them open."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from load import connect, heads, post_bytes, post_head
from processes import NEIGHBOURS, run_train, running_server, wait_for

# Open files of a server, and more clients than that.
FILES, CLIENTS = 160, 400
FEW_FILES = ("bash", "-c", f'ulimit -n {FILES}; exec "$@"', "-")
ROW = post_bytes(b"1,2\n", "Connection: close")
PING = b"GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
BEGUN = {
    "idle": b"",
    "head": post_head("X-Slow: a").removesuffix(b"\r\n"),
    "body": post_head("Content-Length: 100000") + b"\r\n1",
    "chunks": post_head("Transfer-Encoding: chunked") + b"\r\n5\r\n1",
}


@pytest.fixture
def paths(example_job):
    paths = example_job()
    paths.hyperparameters.write_text("{}")
    assert run_train(paths, NEIGHBOURS).returncode == 0
    return paths


def serving(paths, **extra):
    return running_server(paths, {**NEIGHBOURS, "MODEL_SERVER_WORKERS": "1", **extra}, within=FEW_FILES)


def hold(stack, server, begun, count=CLIENTS):
    """Connections on which so much has been sent."""
    clients = [stack.enter_context(connect(server.port)) for _ in range(count)]
    for client in clients:
        try:
            client.sendall(begun)
        except ConnectionError:  # it has yielded already
            continue
    return clients


def ask(server, request):
    with connect(server.port) as client:
        client.sendall(request)
        return [head.status for head in heads(client.recv(2**16))]


def test_clients_that_are_waited_for_yield_to_those_that_ask(paths):
    """Idle ones, those that have not sent a whole head, and those whose body does not come, more than the server can open."""
    with serving(paths) as server:
        workers = server.workers
        for begun in BEGUN.values():
            with ExitStack() as stack:
                hold(stack, server, begun)
                for _ in range(5):
                    assert ask(server, PING) == [200]
                    assert ask(server, ROW) == [200]
        assert server.workers == workers
    assert "Traceback" not in server.log.read_text()


def test_kept_connections_yield_to_those_that_ask(paths):
    """After an answer, while nothing more is asked."""
    with serving(paths) as server, ExitStack() as stack:
        for _ in range(CLIENTS):
            (client,) = hold(stack, server, PING.replace(b"Connection: close\r\n", b""), count=1)
            assert heads(client.recv(2**16))[0].status == 200
        assert ask(server, PING) == [200]


def test_a_body_that_comes_does_not_yield_to_those_that_do_not(paths):
    """However many more begin than the server can open, between one part of it and the next."""
    with serving(paths) as server, ExitStack() as stack:
        client = stack.enter_context(connect(server.port))
        client.sendall(post_head(f"Content-Length: {4 * CLIENTS}") + b"\r\n")
        for _ in range(CLIENTS // 10):
            client.sendall(b"1,2\n" * 10)
            # Each is read before the next part is sent.
            hold(stack, server, BEGUN["body"], count=10)
            assert ask(server, PING) == [200]
        assert heads(client.recv(2**16))[0].status == 200


def test_requests_that_have_come_whole_do_not_yield(paths, tmp_path):
    """One that is being computed is answered, although all that can be opened has been asked for meanwhile."""
    with serving(paths, ALGORITHM="waiting", WAITING=str(tmp_path)) as server, ThreadPoolExecutor() as pool:
        (tmp_path / "hold").touch()
        answer = pool.submit(server.request, "/invocations", b"1,2\n3,4\n", Content_Type="text/csv")
        wait_for((tmp_path / "started").exists)
        with ExitStack() as stack:
            for begun in BEGUN.values():
                hold(stack, server, begun)
            assert ask(server, PING) == [200]
            (tmp_path / "go").touch()
            assert answer.result(timeout=60).status == 200


def test_idle_connections_to_nginx_yield_to_those_that_ask(paths):
    """As to the server behind it."""
    if shutil.which("nginx") is None:
        pytest.skip("there is no nginx on this machine")
    with serving(paths, MODEL_SERVER_FRONT="nginx") as server, ExitStack() as stack:
        hold(stack, server, b"", count=2 * CLIENTS)
        assert ask(server, PING) == [200]
