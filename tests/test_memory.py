"""Memory: what requests hold is counted, in all workers together; what finds no room is told so, and nothing is killed."""

import io
import math
import os
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from application import post, predictor_of
from load import chunked, exchange, heads, post_head
from processes import NEIGHBOURS, run_train, running_server, wait_for

from gaussian_processes.data.room import TAKE, take, taken
from gaussian_processes.errors import NoRoomError
from gaussian_processes.serving.http.application import Service, create_app
from gaussian_processes.serving.work.memory import Memory

MEGABYTE = 10**6
ROW = b"1,2\n"
PAIR = b"[1,2]"
ROWS = 50_000


def saved(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.fixture
def no_wait(monkeypatch):
    """Who finds no room is told at once."""
    monkeypatch.setattr("gaussian_processes.serving.http.bodies.WAITING", (0, 0))


@pytest.fixture(scope="module")
def predictor(example):
    X, y, _, _ = example
    return predictor_of(X, y)


def client_within(predictor, most, **parts):
    """A client of an application whose requests may hold so many bytes; and what counts them."""
    app = create_app(predictor.algorithm, predictor, Service(**parts))
    memory = Memory(most, lambda: math.inf)
    app.wsgi_app = memory.around(app.wsgi_app)
    return app.test_client(), memory


def test_what_all_workers_hold_is_counted_together():
    """Those of other processes count; those of one that has died do not, once another one has its place."""
    memory = Memory(100, lambda: math.inf)
    memory.enter(1)
    child = os.fork()
    if not child:
        memory.change(60)
        os._exit(0)
    os.waitpid(child, 0)
    memory.enter(0)
    memory.change(40)
    with pytest.raises(NoRoomError):
        memory.change(1)
    memory.enter(1)
    memory.change(60)


def test_no_more_is_held_than_the_container_has_left():
    """Whatever was counted: models and other processes take memory, too."""
    left = [1000.0]
    memory = Memory(1000, lambda: left[0])
    memory.change(100)
    left[0] = 200
    with pytest.raises(NoRoomError):
        memory.change(100)  # some is left in any case
    memory.change(10)


def test_a_request_holds_its_answer_alone_until_that_is_sent():
    """And nothing after that, nor after a fault of the application."""
    memory = Memory(10 * MEGABYTE, lambda: math.inf)

    def application(environ, start_response):
        take(9 * MEGABYTE)
        if environ["fault"]:
            raise KeyError
        start_response("200 OK", [("Content-Length", str(4 * MEGABYTE))])
        return [b"a"]

    def room(size):
        with pytest.raises(NoRoomError):
            memory.change(size + 1)
        memory.change(size)
        memory.change(-size)

    answer = memory.around(application)({"fault": False}, lambda *_: None)
    room(4 * MEGABYTE)  # half as much again, with what lies between its parts
    answer.close()
    room(10 * MEGABYTE)
    with pytest.raises(KeyError):
        memory.around(application)({"fault": True}, lambda *_: None)
    room(10 * MEGABYTE)


def test_what_ends_after_its_request_changes_nothing():
    """A generator gives back what it took, which has been given back; or takes more, which nobody would give back."""
    memory = Memory(MEGABYTE, lambda: math.inf)
    late = []

    def application(_environ, _start):
        def pieces():
            with taken(MEGABYTE):
                yield

        late.append(pieces())
        next(late[0])
        late.append(TAKE.get())
        return []

    memory.around(application)({}, None).close()
    late[0].close()
    late[1](MEGABYTE)  # work that nobody waits for
    with pytest.raises(NoRoomError):
        memory.change(MEGABYTE + 1)
    memory.change(MEGABYTE)


LARGE = {
    "CSV": ("text/csv", ROW * ROWS, ""),
    "JSON Lines": ("application/jsonlines", (PAIR + b"\n") * ROWS, ""),
    "JSON": ("application/json", b"[" + b",".join([PAIR] * ROWS) + b"]", ""),
    "an array": ("application/x-npy", saved(np.ones((ROWS, 2))), ""),
}
# More than their bytes: what they become is, or what is answered.
HEAVY = {
    "JSON with another field": (
        "application/json",
        b'{"instances": [' + b",".join([PAIR] * ROWS) + b'], "other": [' + b"1," * 600_000 + b"1]}",
        "",
    ),
    "one row in JSON": ("application/json", b"[[" + b"1," * 10**6 + b"1]]", ""),
    "empty lists": ("application/json", b'{"other": [' + b"[]," * 700_000 + b"1]}", ""),
    "one row in JSON Lines": ("application/jsonlines", b"[" + b"1," * 10**6 + b"1]\n", ""),
    "one row in CSV": ("text/csv", b"1," * 10**6 + b"1\n", ""),
    "an array by columns": ("application/x-npy", saved(np.asfortranarray(np.ones((3 * ROWS, 2)))), ""),
    "rows that belong together": ("application/x-npy", saved(np.ones((ROWS, 2), "i1")), "outputs=covariance"),
    "a larger answer": ("application/x-npy", saved(np.ones((ROWS, 2), "i1")), "outputs=mean,std"),
    "an answer in JSON": ("text/csv", ROW * (ROWS // 4), "outputs=mean,std,interval"),
    "many samples of few rows": ("text/csv", ROW * 100, "outputs=samples;samples=1000;seed=1"),
}
# Room for what is not meant: an answer, and the matrix of rows that belong together.
BESIDE = {"an array by columns": 2.5 * MEGABYTE, "rows that belong together": 2**27}


def ask(client, content_type, body, query):
    accept = "application/json" if "interval" in query else "*/*"
    named = {"X-Amzn-SageMaker-Custom-Attributes": query} if query else {}
    return post(client, body, content_type, Accept=accept, **named)


@pytest.mark.usefixtures("no_wait")
@pytest.mark.parametrize("name", LARGE)
def test_a_body_without_room_is_refused_and_leaves_none_taken(predictor, name):
    """503, and when to come again; a small request passes, and the same one where there is room for it and for its answer."""
    content_type, body, query = LARGE[name]
    client, memory = client_within(predictor, MEGABYTE)
    refused = ask(client, content_type, body, query)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert refused.text == "The server has no memory left for this request. Send it again, or fewer rows at a time.\n"
    assert post(client).status_code == 200
    memory.change(MEGABYTE)  # none is taken
    client, _ = client_within(predictor, 10 * MEGABYTE)
    assert ask(client, content_type, body, query).status_code == 200


@pytest.mark.usefixtures("no_wait")
@pytest.mark.parametrize("name", HEAVY)
def test_what_a_body_becomes_needs_room_too(predictor, name):
    """503 where there is enough for its bytes alone; with more room, the answer that it always had."""
    content_type, body, query = HEAVY[name]
    client, memory = client_within(predictor, 1.25 * (len(body) + 2 * 2**20) + BESIDE.get(name, 0))
    assert ask(client, content_type, body, query).status_code == 503
    memory.change(len(body))  # none is taken
    wanted = ask(create_app(predictor.algorithm, predictor, Service()).test_client(), content_type, body, query)
    client, _ = client_within(predictor, 1000 * MEGABYTE)
    found = ask(client, content_type, body, query)
    assert (found.status_code, found.data) == (wanted.status_code, wanted.data)


@pytest.fixture
def container():
    """A control group of 400 MB for a server, and the command that starts one in it as if it were a container's."""
    group = Path(f"/sys/fs/cgroup/memory/memory-test-{os.getpid()}")
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text("400000000")
    except OSError as error:
        pytest.skip(f"no control group of version 1 can be made here: {error}")
    inside = f'echo $$ > {group}/cgroup.procs && mount --bind {group} /sys/fs/cgroup/memory && exec "$@"'
    if subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        group.rmdir()
        pytest.skip("this user may not make a mount namespace")
    yield group, ("unshare", "-m", "bash", "-c", inside, "-")
    wait_for(lambda: not (group / "cgroup.procs").read_text())
    group.rmdir()


@pytest.mark.parametrize("chunks", [False, True])
def test_bodies_that_do_not_fit_together_end_no_worker(example_job, container, chunks):
    """Of large ones at the same time, in a container, each is answered or told to come again; so is one that never fits."""
    group, before = container
    paths = example_job()
    paths.hyperparameters.write_text("{}")
    assert run_train(paths, NEIGHBOURS).returncode == 0
    # Refused by the model in the end, without work that would take long.
    body = b"[" + b"1," * (45 * MEGABYTE) + b"1]"
    extra = {**NEIGHBOURS, "MODEL_SERVER_WORKERS": "2", "MODEL_SERVER_MAX_PAYLOAD_MB": "0"}
    with running_server(paths, extra, within=before) as server, ThreadPoolExecutor(6) as pool:
        wait_for(lambda: len(server.workers) == 2)
        workers = server.workers
        head = post_head(
            "Transfer-Encoding: chunked" if chunks else f"Content-Length: {len(body)}", content_type="text/csv"
        )
        request = head + b"\r\n" + (chunked(body, 2**16) if chunks else body)
        sent = [pool.submit(exchange, server.port, request, 60) for _ in range(6)]
        while not all(one.done() for one in sent):
            assert server.request("/ping").status == 200
            assert server.request("/invocations", ROW, Content_Type="text/csv").status == 200
        answered = Counter(head.status for one in sent for head in heads(one.result()))
        assert answered.keys() <= {400, 503}
        assert answered[503]
        assert answered.total() == 6
        assert server.workers == workers
        assert "oom_kill 0" in (group / "memory.oom_control").read_text()


@pytest.mark.usefixtures("no_wait")
@pytest.mark.parametrize(("most", "status"), [(MEGABYTE, 413), (None, 503)])
def test_a_body_that_is_refused_keeps_no_room_from_others(predictor, most, status):
    """From when it is refused, although its client goes on sending for a while."""
    room, size = 2 * 2**20, 3 * MEGABYTE
    client, memory = client_within(predictor, room, max_body=most)
    ended = []

    class Sent(io.BytesIO):
        def read(self, wanted=-1):
            block = super().read(wanted)
            if self.tell() == size and not ended:
                memory.change(room)
                memory.change(-room)
                ended.append(True)
            return block

    answer = client.post("/invocations", input_stream=Sent(bytes(size)), content_length=size, content_type="text/csv")
    assert (answer.status_code, ended) == (status, [True])
