"""The server before arbitrary requests: what its own description allows, what that forbids, and bytes that are no HTTP."""

import io
import json
import os
import random
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import schemathesis
from application import predictor_of
from hypothesis import HealthCheck, Phase, example, given, seed, settings
from hypothesis import strategies as st
from load import TOKEN, Kept, chunked, exchange, heads, logged, post_bytes, post_head, private_memory
from processes import run_train, running_server, write_opt_ml
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance

from gaussian_processes.arc_cosine import algorithm
from gaussian_processes.serving.http.application import Service, create_app
from gaussian_processes.serving.models.loaded import Models
from gaussian_processes.serving.models.predictor import Predictor
from gaussian_processes.storage.model_file import save_artifact

# Requests of the test of memory; as many as somebody has patience for.
REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "5000"))
GROWTH = 6 * 2**20

FEATURES = 3
ROWS = np.random.default_rng(1).normal(size=(5, FEATURES))


def csv_of(rows):
    return "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist()).encode()


def json_of(rows):
    return json.dumps({"instances": [{"features": row} for row in rows.tolist()]}).encode()


def json_lines_of(rows):
    return "".join(json.dumps(row) + "\n" for row in rows.tolist()).encode()


def npy_of(rows):
    stream = io.BytesIO()
    np.save(stream, rows)
    return stream.getvalue()


def parquet_of(rows):
    from arro3.core import Array, DataType, Table
    from arro3.io import write_parquet

    columns = {f"x{index}": Array(column.tolist(), DataType.float64()) for index, column in enumerate(rows.T)}
    stream = io.BytesIO()
    write_parquet(Table.from_pydict(columns), stream)
    return stream.getvalue()


WRITERS = {
    "text/csv": csv_of,
    "application/json": json_of,
    "application/jsonlines": json_lines_of,
    "application/x-npy": npy_of,
    "application/x-parquet": parquet_of,
}
VALID = {name: write(ROWS) for name, write in WRITERS.items()}

# Bodies that have been somebody's downfall.
HARD = (
    b"[" * 100_000,
    b'{"instances":' * 20_000,
    b'{"instances": [[' + b"9" * 100_000 + b", 1, 2]]}",
    b'{"instances": [[1e400, -1e400, NaN]]}',
    b'{"instances": [[Infinity, 1, 2]], "instances": 3}',
    b'{"instances": [[1, 2, "' + b"\xed\xa0\x80" + b'"]]}',
    b'{"instances": [[1, 2, "\\ud800"]]}',
    b"\xff\xfe1,2,3\n",
    b"\xef\xbb\xbf1,2,3\n",
    b"1,2,3\r1,2,3\r",
    b"1,2,3\x00\n",
    b'"1,2,3\n' * 50,
    b"9" * 100_000 + b",1,2\n",
    b"," * 100_000,
    b"\n" * 100_000,
    b"\x1f\x8b\x08\x00" + bytes(range(256)),
    b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (3,), }" + b" " * 60 + b"\n",
    b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (10**9, 3), }" + b" " * 50 + b"\n",
    b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (999999999, 999999999), }" + b" " * 40,
    b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b"(" * 60_000,
    b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65_535,
    b"PAR1" + b"\xff" * 100 + b"\xff\xff\xff\x7fPAR1",
    b"PAR1" + b"\x00" * 100 + b"\x64\x00\x00\x00PAR1",
    b"PAR1PAR1",
)


@st.composite
def spoilt(draw, valid):
    """A valid body of which some bytes are others, gone, or there twice."""
    body = bytearray(draw(st.sampled_from(valid)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        to = min(len(body), at + draw(st.integers(0, 12)))
        match draw(st.integers(0, 3)):
            case 0:
                body[at:to] = draw(st.binary(max_size=12))
            case 1:
                del body[at:to]
            case 2:
                body[at:at] = body[at:to]
            case _:
                del body[at:]
    return bytes(body)


JSON_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(10**300, 10**310),
        st.floats(),
        st.text(max_size=5),
        st.just(TOKEN),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(("instances", "features", "data", "values", TOKEN, "")), inner, max_size=3),
    ),
    max_leaves=12,
)
CELLS = st.one_of(st.floats().map(repr), st.integers().map(str), st.text(max_size=4), st.just(TOKEN), st.just('"'))
TABLES = st.lists(st.lists(CELLS, max_size=5).map(",".join), max_size=5).map("\n".join)
BODIES = st.one_of(
    spoilt(list(VALID.values())),
    JSON_VALUES.map(json.dumps).map(str.encode),
    st.lists(JSON_VALUES.map(json.dumps), max_size=4).map("\n".join).map(str.encode),
    TABLES.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=200),
    st.binary(max_size=20).map(lambda text: text + TOKEN.encode()),
)
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=12)
VALUES = st.one_of(
    WORDS,
    st.lists(WORDS, max_size=4).map(" ".join),
    st.lists(
        st.sampled_from(('"', ";", ",", "=", "q=", "*/*", "text/", "charset=", "utf-7", "\t", "outputs")), max_size=8
    ).map("".join),
)
CONTENT_TYPES = st.one_of(
    st.sampled_from(tuple(VALID)),
    st.builds("{};{}".format, st.sampled_from(tuple(VALID)), VALUES),
    st.builds("{}; charset={}".format, st.sampled_from(("text/csv", "application/json")), WORDS),
    VALUES,
)
NAMES = (
    "Accept",
    "X-Amzn-SageMaker-Custom-Attributes",
    "Content-Encoding",
    "Expect",
    "Accept-Encoding",
    "Range",
    "Cookie",
)
HEADERS = st.lists(
    st.one_of(
        st.builds("{}: {}".format, st.sampled_from(NAMES), VALUES),
        st.builds(
            "Accept: {};outputs={};level={};samples={}".format, st.sampled_from(tuple(VALID)), WORDS, WORDS, WORDS
        ),
        st.builds(
            "X-Amzn-SageMaker-Custom-Attributes: outputs={};level={};seed={}".format, WORDS, st.floats(), st.integers()
        ),
    ),
    max_size=4,
)


def examples(count):
    """So many, the same ones each time."""
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


class Watch:
    """A running server, of which it is known what it answers to a valid request, and what it has answered so far."""

    def __init__(self, server):
        self.server = server
        self._kept = Kept(server.port)
        self._wanted = self._reference()
        self._answered = {}

    def send(self, request, *, path="/invocations"):
        """Its answers to bytes: none of them a fault of the server, and it is as well as before."""
        stream = exchange(self.server.port, request)
        found = heads(stream)
        assert bool(found) == bool(stream), stream[:200]
        for head in found:
            assert head.status < 500, [event for event in self.server.events if event["request_id"] == head.identity]
            assert head.identity, stream[:500]
            if path not in {"/ping", "/metrics"}:
                self._answered[head.identity] = head.status
        assert self._reference() == self._wanted
        return found

    def check_log(self):
        """A line for each answer, with its status; and nothing of a body, nor a traceback."""
        known = logged(self.server)
        assert self._answered
        assert {identity: known.get(identity) for identity in self._answered} == self._answered
        text = self.server.log.read_text()
        assert TOKEN not in text
        assert "Traceback" not in text

    def close(self):
        self._kept.close()

    def _reference(self):
        status, _, body = self._kept.post(VALID["application/json"], "application/json")
        assert status == 200, body
        return body


EVERYWHERE = {"GET /ping": {200}, "GET /metrics": {200}, "GET /execution-parameters": {200}}
# What is met at least, or else the walk has not been there, by the application and by whether its requests are as they should be.
MET = {
    ("one model", "positive"): {**EVERYWHERE, "POST /invocations": {200, 400}},
    ("one model", "negative"): {"POST /invocations": {400}},
    ("several", "positive"): {
        **EVERYWHERE,
        "GET /models": {200},
        "POST /models": {200, 400, 409},
        "GET /models/{name}": {200, 404},
        "DELETE /models/{name}": {200, 404},
        "POST /models/{name}/invoke": {200, 400, 404},
    },
    ("several", "negative"): {
        "GET /models": {200, 400},
        "POST /models": {400},
        "POST /models/{name}/invoke": {400, 404},
    },
    ("several, no memory", "positive"): {
        **EVERYWHERE,
        "GET /models": {200},
        "POST /models": {400, 507},
        "GET /models/{name}": {404},
        "DELETE /models/{name}": {404},
        "POST /models/{name}/invoke": {404},
    },
    ("several, no memory", "negative"): {
        "GET /models": {200, 400},
        "POST /models": {400},
        "POST /models/{name}/invoke": {404},
    },
}
load_all_checks()
# Rows that mean nothing to a model, in their direction or their length, and folders without a model are for the server alone
# to know.
BEYOND_SCHEMAS = [positive_data_acceptance]
for media_type, valid_body in VALID.items():
    if media_type != "application/json":
        schemathesis.openapi.media_type(
            media_type,
            st.one_of(st.just(valid_body), st.just(WRITERS[media_type](ROWS[:, :2])), st.binary(max_size=50)),
        )


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """Applications by name, each with the folder of a model that can be loaded."""
    rows = np.random.default_rng(5).normal(size=(40, 2))
    predictor = predictor_of(rows, rows[:, 0])
    folder = tmp_path_factory.mktemp("described")
    save_artifact(replace(predictor.artifact, state=algorithm.state(predictor.model)), folder)
    load = partial(Predictor.load, algorithm=algorithm)
    service = Service(max_body=2**20)
    return folder, {
        "one model": create_app(algorithm, predictor, service),
        "several": create_app(algorithm, Models(load, lambda: np.inf), service),
        "several, no memory": create_app(algorithm, Models(load, lambda: 1.0), service),
    }


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", ["one model", "several", "several, no memory"])
def test_the_server_is_as_it_describes_itself(described, name, mode):
    """Statuses, content types and answers of every operation are those of /openapi.json; what that forbids is refused."""
    folder, apps = described
    found = {}
    for operation in schemathesis.openapi.from_wsgi("/openapi.json", apps[name]).get_all_operations():
        if (
            mode is GenerationMode.POSITIVE or operation.ok().body or operation.ok().query
        ):  # there is something to get wrong
            found[operation.ok().label] = statuses_of(operation.ok(), mode, apps[name].test_client(), folder)
    assert found.keys() == MET[name, mode.value].keys()
    assert not {label: found[label] for label, least in MET[name, mode.value].items() if not least <= found[label]}


def statuses_of(operation, mode, client, folder):
    """The statuses of an operation's answers, each of which its description allows."""
    loading = {"model_name": "known", "url": str(folder)}
    statuses = set()

    @seed(0)
    @settings(examples(80), phases=[Phase.generate])
    @given(operation.as_strategy(generation_mode=mode), st.booleans())
    def check(case, known):
        if "{name}" in case.path:
            client.post("/models", json=loading)
            if known:
                case.path_parameters["name"] = "known"
        elif known and mode is GenerationMode.POSITIVE and operation.label == "POST /models":
            case.body["url"] = str(folder)
        response = case.call()
        expected = [not_a_server_error] if response.status_code == 507 else []
        case.validate_response(response, excluded_checks=[*BEYOND_SCHEMAS, *expected])
        statuses.add(response.status_code)

    check()
    return statuses


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    rows = np.random.default_rng(0).normal(size=(60, 1 + FEATURES))
    paths = write_opt_ml(tmp_path_factory.mktemp("fuzzed"), {"training/a.csv": csv_of(rows)})
    assert run_train(paths).returncode == 0
    return paths


@pytest.fixture(scope="module")
def server(trained):
    with running_server(trained, {"MODEL_SERVER_WORKERS": "1"}) as running:
        yield running


@pytest.fixture
def watch(server):
    watched = Watch(server)
    yield watched
    watched.close()
    watched.check_log()


def test_arbitrary_bodies_are_answered_or_refused(watch):
    """In every content type, whole: 200, 204 or 4xx, each with its line in the log, and nothing of it repeated there."""

    @examples(700)
    @given(BODIES, st.sampled_from(tuple(VALID)))
    def check(body, content_type):
        (head,) = watch.send(post_bytes(body, "Connection: close", content_type=content_type))
        assert head.status in {200, 204, 400, 413}

    check()


@pytest.mark.parametrize("content_type", VALID)
def test_valid_bodies_that_are_spoilt_are_answered_or_refused(watch, content_type):
    """A byte more, less, or another, in each format."""

    @examples(200)
    @given(spoilt([VALID[content_type]]))
    def check(body):
        (head,) = watch.send(post_bytes(body, content_type=content_type))
        assert head.status in {200, 204, 400, 413}  # a Parquet file's footer can come to claim any number of rows

    check()


@pytest.mark.parametrize("content_type", VALID)
def test_hard_bodies_are_refused(watch, content_type):
    """What has been the downfall of parsers is refused, or answered where it is rows after all."""
    for body in HARD:
        (head,) = watch.send(post_bytes(body, content_type=content_type))
        assert head.status in {200, 400}, body[:60]


def test_arbitrary_headers_are_answered_or_refused(watch):
    """Content types, preferences and queries that mean nothing are refused in words, or left alone."""

    @examples(700)
    @given(CONTENT_TYPES, HEADERS, st.sampled_from(tuple(VALID.values())))
    def check(content_type, headers, body):
        (head,) = watch.send(post_bytes(body, *headers, content_type=content_type))
        assert head.status in {200, 400, 406, 415, 417}

    check()


FRAMES = st.one_of(
    st.sampled_from(
        (
            "Transfer-Encoding: chunked",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding:\tchunked",
            "transfer-encoding: CHUNKED",
            "Transfer-Encoding: identity",
            "Transfer-Encoding : chunked",
            "Content-Length: 5",
            "Content-Length: 00000000000000000000005",
            "Content-Length: +5",
            "Content-Length: -1",
            "Content-Length: 5, 5",
            "Content-Length: 1e3",
            "Content-Length: " + "9" * 30,
            "Content-Length:",
            "Connection: upgrade, HTTP2-Settings",
            "Upgrade: h2c",
            "Expect: 100-continue",
        )
    ),
    st.builds("Content-Length: {}".format, WORDS),
    st.builds("Transfer-Encoding: {}".format, WORDS),
)


@st.composite
def broken_chunks(draw):
    """Chunks of which any part may be another: sizes, extensions, ends, trailers."""
    stream = b""
    for _ in range(draw(st.integers(0, 4))):
        piece = draw(st.sampled_from((b"1,2,3\n", b"", TOKEN.encode(), b"x" * 70)))
        size = draw(
            st.one_of(
                st.just(b"%x" % len(piece)),
                st.just(b"%X" % len(piece)),
                st.sampled_from((b"-1", b"0x6", b"", b"g", b"f" * 40, b"1_0", b" 6", b"6 ", b"00006", b"\x006")),
            )
        )
        extension = draw(st.sampled_from((b"", b"", b";a=b", b';a="b', b";" + b"x" * 9000, b";\r")))
        ends = st.sampled_from((b"\r\n", b"\r\n", b"\n", b"\r", b"", b"xx"))
        stream += size + extension + draw(ends) + piece + draw(ends)
    return stream + draw(
        st.sampled_from(
            (b"0\r\n\r\n", b"0\r\n", b"0\n\n", b"", b"0\r\nA: b\r\n\r\n", b"0\r\n: b\r\n\r\n", b"0\r\n" + b"a" * 10**5)
        )
    )


def test_broken_chunks_are_refused(watch):
    """Nobody guesses where a chunk ends: 400, and the connection is closed before what follows is taken for a request."""
    follower = b"GET /" + TOKEN.encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    valid = chunked(VALID["text/csv"], 20)

    @examples(700)
    @given(st.one_of(broken_chunks(), spoilt([valid])))
    @example(b"zz\r\n" + follower)
    @example(b"6\r\n1,2,3\nxx" + follower)
    def check(stream):
        found = watch.send(post_head("Transfer-Encoding: chunked") + b"\r\n" + stream)
        assert found[0].status in {200, 204, 400}
        assert all(head.status in {400, 431} for head in found[1:])

    check()


def test_a_body_of_unclear_length_is_refused(server, watch):
    """Contradictory and malformed lengths and codings; what is left over may be a request of its own, and is no body."""
    unclear = (b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 3\r\nContent-Length: 4\r\n")
    for lines in unclear:
        (head,) = watch.send(post_head() + lines + b"\r\n" + chunked(b"1,2,3\n", 6))
        assert head.status == 400

    @examples(500)
    @given(st.lists(FRAMES, max_size=3), st.sampled_from((b"1,2,3\n", b"5\r\n1,2,3\r\n0\r\n\r\n", b"")))
    def check(lines, body):
        stream = exchange(server.port, post_head(*lines) + b"\r\n" + body)
        assert all(head.status < 501 or "Transfer-Encoding" in str(lines) for head in heads(stream)), stream
        assert all(head.status not in {500, 502, 503, 504} for head in heads(stream)), stream
        assert all(head.identity for head in heads(stream) if head.status != 100), stream

    check()


LINES = st.one_of(
    st.binary(max_size=60),
    st.builds(
        "{} {} HTTP/{}".format,
        st.one_of(st.sampled_from(("GET", "POST", "HEAD", "OPTIONS", "PUT", "PRI", "get", "TRACE", "CONNECT")), WORDS),
        st.one_of(
            st.sampled_from(
                ("/invocations", "/openapi.json", "/", "*", "//", "http://a/b", "/%ff%00", "/%2e%2e/%2e%2e", "/a?b=%")
            ),
            WORDS.map("/{}".format),
        ),
        st.sampled_from(("1.1", "1.0", "2.0", "0.9", "1.2", "9", "")),
    ).map(lambda text: text.encode("latin-1")),
)


def test_arbitrary_request_lines_are_answered_or_refused(watch):
    """No line of a request has the server fail, nor its log without a word of it."""

    @examples(700)
    @given(LINES, st.lists(st.one_of(st.binary(max_size=30), st.just(b"Host: a")), max_size=4))
    @example(b"PRI * HTTP/2.0", [b"", b"SM", b""])
    def check(line, fields):
        watch.send(b"\r\n".join((line, *fields, b"", b"")))

    check()


def test_arbitrary_bytes_are_no_request(watch):
    """Closed, or refused."""

    @examples(300)
    @given(st.binary(max_size=400))
    @example(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)))  # the beginning of TLS
    def check(stream):
        for head in watch.send(stream):
            assert head.status < 500

    check()
    watch.send(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")


def bad_of(content_type, generator):
    body = VALID[content_type]
    at = generator.randrange(len(body))
    return body[:at] + TOKEN.encode() + body[at + 3 :]


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc/PID/smaps_rollup")
def test_memory_does_not_grow_with_requests(server):
    """Whatever is sent, and however often: what a worker has for itself stays within a few megabytes."""
    kinds = list(VALID)
    rows = np.random.default_rng(2).normal(size=(200, FEATURES))
    good = [(name, WRITERS[name](rows[:count])) for name in kinds for count in (1, 2, 7, 30, 100, 200)]

    def ask(number, count):
        generator = random.Random(number)
        with Kept(server.port) as kept:
            for _ in range(count):
                if generator.random() < 0.7:
                    content_type, body = generator.choice(good)
                    assert kept.post(body, content_type)[0] == 200
                else:
                    content_type = generator.choice(kinds)
                    assert kept.post(bad_of(content_type, generator), content_type)[0] in {200, 400}

    def ask_in_threads(count):
        failures = []

        def run(number):
            try:
                ask(number, count // 4)
            except BaseException as error:  # noqa: BLE001  # is raised below
                failures.append(error)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, failures

    ask_in_threads(max(2000, REQUESTS // 5))
    before = private_memory(server)
    ask_in_threads(REQUESTS)
    growth = private_memory(server) - before
    print(f"grown by {growth / 2**20:.2f} of {before / 2**20:.1f} MB after {REQUESTS} requests")
    assert growth < GROWTH
    assert TOKEN not in server.log.read_text()
