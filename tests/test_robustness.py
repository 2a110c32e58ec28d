"""`serve` among bad clients, bad luck and too much work: it goes on answering, and it ends as it should."""

import http.client
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from load import Kept, chunked, connect, exchange, heads, post_bytes, post_head, read_to_end, trickling, wait_until
from processes import run_train, running_server, write_opt_ml
from reference import DATA

ROW = b"1,2,3\n"


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    rows = np.random.default_rng(6).normal(size=(800, 4))
    text = "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist())
    paths = write_opt_ml(tmp_path_factory.mktemp("robust"), {"training/a.csv": text}, {"bias": "1"})
    assert run_train(paths).returncode == 0
    return paths


@pytest.fixture(scope="module")
def server(paths):
    with running_server(paths, {"MODEL_SERVER_WORKERS": "2", "MODEL_SERVER_TIMEOUT": "5"}) as running:
        yield running
    assert "Traceback" not in running.log.read_text()


def answers(server, count=20):
    """What a few good requests are told."""
    return {
        (server.request("/ping").status, server.request("/invocations", ROW, Content_Type="text/csv").text)
        for _ in range(count)
    }


@pytest.fixture
def as_before(server):
    """The server answers after the test as it did before it."""
    before = answers(server)
    assert len(before) == 1
    yield
    assert answers(server) == before


@pytest.mark.usefixtures("as_before")
def test_no_worker_dies_of_what_is_in_a_request(server):
    """Files at which Arrow's reader ends its process are refused, and nobody else hears of it."""
    workers = server.workers
    refusals = {"killer-2083-607": 400, "killer-2418-9748": 400, "nul-name": 400, "small-bomb": 413, "two_rows": 400}

    def send(name):
        body = (DATA / f"parquet/{name}.parquet").read_bytes()
        return [server.request("/invocations", body, Content_Type="application/x-parquet").status for _ in range(4)]

    stop = threading.Event()

    def ask():
        statuses = set()
        with Kept(server.port) as kept:
            while not stop.is_set():
                statuses.add(kept.post(ROW)[0])
        return statuses

    with ThreadPoolExecutor() as pool:
        honest = [pool.submit(ask) for _ in range(2)]
        found = dict(zip(refusals, pool.map(send, refusals), strict=True))
        stop.set()
        assert [one.result() for one in honest] == [{200}, {200}]
    assert found == {name: [status] * 4 for name, status in refusals.items()}
    assert server.workers == workers


HEAD = b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\nX-Slow: "
BODY = post_head("Content-Length: 100000") + b"\r\n"


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize(("begin", "byte"), [(HEAD, b"x"), (BODY, b"1")], ids=["head", "body"])
def test_slow_clients_keep_nobody_waiting(server, begin, byte):
    """Two hundred of them, each with a byte now and then."""
    with trickling(server.port, 200, begin, byte, pause=0.5):
        for _ in range(20):
            assert server.request("/ping").status == 200
            assert server.request("/invocations", ROW, Content_Type="text/csv").status == 200


@pytest.mark.usefixtures("as_before")
def test_a_client_of_which_nothing_more_comes_is_given_up(server):
    """408 after MODEL_SERVER_TIMEOUT seconds."""
    with connect(server.port, timeout=30) as client:
        client.sendall(BODY + ROW)
        (head,) = heads(client.recv(2**16))
        assert head.status == 408


@pytest.mark.usefixtures("as_before")
def test_clients_that_do_not_read_are_given_up(server):
    """Their answers are larger than what the system keeps for them."""
    body = ROW * 400_000
    clients = [connect(server.port) for _ in range(4)]
    try:
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            threading.Thread(target=_send, args=(client, post_bytes(body)), daemon=True).start()
        for _ in range(20):
            assert server.request("/ping").status == 200
        wait_until(lambda: sum(event.get("rows") == 400_000 for event in server.events) >= 4, 60, "no answer was made")
    finally:
        for client in clients:
            client.close()


def _send(client, data):
    try:
        client.sendall(data)
    except OSError:
        return


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize("kept", [30, len(BODY) + 3, len(BODY)], ids=["head", "body", "before the body"])
def test_clients_that_go_away_leave_nothing_behind(server, kept):
    """In the middle of whatever they were sending."""
    for _ in range(50):
        with connect(server.port) as client:
            client.sendall((BODY + ROW)[:kept])


@pytest.mark.usefixtures("as_before")
def test_clients_that_go_away_before_their_answer_leave_nothing_behind(server):
    """While it is being computed."""
    request = post_bytes(ROW * 50_000)
    for _ in range(6):
        with connect(server.port) as client:
            client.sendall(request)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # closes with a reset


FLOODS = {
    "many fields": post_head(*(f"X-{number}: a" for number in range(1000))) + b"\r\n",
    "a long field": post_head("X-Long: " + "x" * 10**6) + b"\r\n",
    "a long path": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a line without an end": b"x" * 10**6,
}


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize("name", FLOODS)
def test_floods_are_refused(server, name):
    """By a 4xx, or by closing the connection."""
    for head in heads(exchange(server.port, FLOODS[name])):
        assert 400 <= head.status < 500
        assert head.identity


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize("size", [100, 2**20])
def test_a_large_body_in_chunks_is_answered_whole(server, size):
    """Whatever their size."""
    body = ROW * 500_000
    request = post_head("Transfer-Encoding: chunked", "Connection: close") + b"\r\n" + chunked(body, size)
    with connect(server.port, timeout=60) as client:
        client.sendall(request)
        answer = read_to_end(client)
    assert heads(answer)[0].status == 200
    assert len(answer.partition(b"\r\n\r\n")[2].split()) == 500_000


def test_a_body_over_the_limit_is_told_so_however_it_comes(paths):
    """With its length announced or in chunks, while the client is still sending."""
    body = ROW * 400_000
    with running_server(paths, {"MODEL_SERVER_MAX_PAYLOAD_MB": "1"}) as server:
        assert server.request("/invocations", body, Content_Type="text/csv").status == 413
        request = post_head("Transfer-Encoding: chunked", "Connection: close") + b"\r\n" + chunked(body, 2**16)
        assert [head.status for head in heads(exchange(server.port, request))] == [413]


def test_ping_is_answered_while_every_worker_computes_large_bodies(server):
    """Before any of these is answered, as they cost seconds of work each; benchmarks/serving_ping.py has the times."""
    csv = ROW * 400_000
    json = b'{"instances": [' + b", ".join([b'{"features": [1.0, 2.0, 3.0]}'] * 150_000) + b"]}"
    with ThreadPoolExecutor(4) as pool:
        large = [pool.submit(_post, server, csv, "text/csv") for _ in range(2)]
        large += [pool.submit(_post, server, json, "application/json") for _ in range(2)]
        answered = 0  # of the pings, while nothing else has been
        while not all(future.done() for future in large):
            with connect(server.port) as client:
                client.sendall(b"GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                assert heads(read_to_end(client))[0].status == 200
            answered += not any(future.done() for future in large)
            time.sleep(0.02)
        assert answered > 4  # so one of them at least came to a worker that computes
        assert [future.result() for future in large] == [200] * 4


def _post(server, body, content_type):
    with Kept(server.port, timeout=120) as client:
        return client.post(body, content_type, Accept="text/csv")[0]


class Load:
    """Clients that ask one request after the other until they are told to stop."""

    def __init__(self, server, clients):
        self.good, self.failed, self.wrong = 0, 0, []
        self._server, self._stop, self._lock = server, threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        wait_until(lambda: self.good > 50, 30, "nothing is answered")
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self):
        client = Kept(self._server.port)
        while not self._stop.is_set():
            try:
                status, _, text = client.post(ROW * 20)
            except (OSError, http.client.HTTPException):  # no answer, or one that breaks off
                self._count(failed=1)
                client.close()
                time.sleep(0.01)
                continue
            self._count(good=status == 200, wrong=None if status == 200 and len(text.split()) == 20 else (status, text))
        client.close()

    def _count(self, good=0, failed=0, wrong=None):
        with self._lock:
            self.good, self.failed = self.good + good, self.failed + failed
            if wrong is not None:
                self.wrong.append(wrong)


def test_a_killed_worker_costs_only_what_it_held(paths):
    """One of two, under load: a failure for each of its connections at most, and as many workers as before."""
    clients = 8
    with running_server(paths, {"MODEL_SERVER_WORKERS": "2"}) as server:
        first = set(server.workers)
        with Load(server, clients) as load:
            os.kill(min(first), signal.SIGKILL)
            wait_until(lambda: len(set(server.workers) - first) == 1, 30, "the worker is not replaced")
            after = load.good
            wait_until(lambda: load.good > after + 100, 30, "nothing is answered any more")
        assert load.wrong == []
        assert load.failed <= clients
        assert len(server.workers) == 2


def test_requests_that_were_accepted_are_answered_after_sigterm_under_load(paths):
    """Each whole, then nothing more; exit code 0 well before SIGKILL would come."""
    with running_server(paths, {"MODEL_SERVER_WORKERS": "2"}) as server:
        # Accepted, and long under way when the signal comes.
        with connect(server.port, timeout=60) as client, Load(server, 8) as load:
            client.sendall(post_bytes(ROW * 200_000))
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            start = time.monotonic()
            answer = read_to_end(client)
            assert server.process.wait(timeout=25) == 0
            assert time.monotonic() - start < 25
        assert heads(answer)[0].status == 200
        assert len(answer.partition(b"\r\n\r\n")[2].split()) == 200_000
        assert load.wrong == []
    assert "Traceback" not in server.log.read_text()
