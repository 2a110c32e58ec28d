"""Clients of a running server that no client library would be: raw bytes, slow ones, and many at once."""

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# What no server should repeat in its log: it stands in bodies alone.
TOKEN = "Zx7QtokenQ7xZ"  # no password
# Seconds after which a client takes the server for hanging.
PATIENCE = 10.0
HEAD = re.compile(rb"HTTP/1\.\d (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")
IDENTITY = re.compile(rb"(?mi)^X-Request-Id: (\w+)\r$")


@dataclass(frozen=True)
class Head:
    """Of an answer: its status, and the id that the log should know; None where it has none."""

    status: int
    identity: str | None


def heads(stream: bytes) -> list[Head]:
    """The heads of all answers in what a connection gave."""
    found = []
    for match in HEAD.finditer(stream):
        identity = IDENTITY.search(match[2])
        found.append(Head(int(match[1]), identity and identity[1].decode()))
    return found


def connect(port: int, timeout: float = PATIENCE) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=timeout)


def read_to_end(connection: socket.socket) -> bytes:
    """What comes until the server closes; a socket that times out is a server that hangs, and fails the test."""
    answer = b""
    try:
        while block := connection.recv(2**16):
            answer += block
    except ConnectionError:
        pass
    return answer


def exchange(port: int, request: bytes, timeout: float = PATIENCE) -> bytes:
    """What is answered to bytes, and to there being no more of them."""
    with connect(port, timeout) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        except TimeoutError:
            raise
        except OSError:  # it has heard enough, and closed
            pass
        return read_to_end(connection)


def post_head(*lines: str, path: str = "/invocations", content_type: str = "text/csv") -> bytes:
    """The head of a request, without the empty line that ends it."""
    fixed = (f"POST {path} HTTP/1.1", "Host: a", f"Content-Type: {content_type}")
    return "".join(f"{line}\r\n" for line in (*fixed, *lines)).encode("latin-1")


def post_bytes(body: bytes, *lines: str, content_type: str = "text/csv", path: str = "/invocations") -> bytes:
    """A whole request."""
    return post_head(f"Content-Length: {len(body)}", *lines, path=path, content_type=content_type) + b"\r\n" + body


def chunked(body: bytes, size: int) -> bytes:
    """A body in chunks of `size` bytes."""
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


class Kept:
    """A connection that is kept from request to request."""

    def __init__(self, port: int, timeout: float = PATIENCE) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def post(self, body: bytes, content_type: str = "text/csv", path: str = "/invocations", **headers: str):
        """The status, the headers and the bytes of an answer."""
        named = {"Content-Type": content_type, **{key.replace("_", "-"): value for key, value in headers.items()}}
        self._connection.request("POST", path, body, named)
        answer = self._connection.getresponse()
        return answer.status, answer.headers, answer.read()


def private_memory(server) -> int:
    """Bytes that the workers have for themselves."""
    lines = (
        line.split()
        for worker in server.workers
        for line in Path(f"/proc/{worker}/smaps_rollup").read_text().splitlines()
    )
    return 1024 * sum(int(words[1]) for words in lines if words[0].startswith("Private_"))


@dataclass
class Trickle:
    """Clients that each send a byte of `blob` a second, for as long as they are let."""

    sockets: list[socket.socket]
    answers: dict[int, bytes] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        """How many of them the server has cut off or answered."""
        return len(self.answers)


@contextmanager
def trickling(port: int, count: int, begin: bytes, byte: bytes, pause: float = 1.0) -> Iterator[Trickle]:
    """`count` clients that send `begin` and then `byte` after byte, one a `pause`."""
    clients = Trickle([])
    stop = threading.Event()
    try:
        for _ in range(count):
            client = connect(port)
            clients.sockets.append(client)
            client.sendall(begin)
            client.setblocking(False)

        def send() -> None:
            while not stop.wait(pause):
                for number, client in enumerate(clients.sockets):
                    if number not in clients.answers:
                        _send_one(clients, number, client, byte)

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield clients
        finally:
            stop.set()
            thread.join()
    finally:
        for client in clients.sockets:
            client.close()


def _send_one(clients: Trickle, number: int, client: socket.socket, byte: bytes) -> None:
    try:
        answer = client.recv(2**16)
    except BlockingIOError:
        pass
    except ConnectionError:
        clients.answers[number] = b""
        return
    else:
        clients.answers[number] = answer
        return
    try:
        client.send(byte)
    except ConnectionError:
        clients.answers[number] = b""


def wait_until(holds, seconds: float, what: str) -> None:
    """Fail the test, saying `what`, if it does not hold within that time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def logged(server) -> dict[str, int]:
    """The statuses that the log has, by the ids of their answers."""
    events = (json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{"))
    return {event["request_id"]: event["status"] for event in events}
