"""The port before the model: it is listened on at once, and whoever asks is told to wait.

Importing libraries and reading a model take seconds, in which a health check should be answered and not refused. What
answers is a child process with nothing loaded; the socket is this one's too, so no connection is lost between the two.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any, NoReturn

from gaussian_processes.errors import PlatformError
from gaussian_processes.serving.watching.request_log import REQUEST_ID, log_request, new_request_id

BACKLOG = 2048
# Open at the same time.
CONNECTIONS = 256
# Seconds that a client may take to send its request, and that those in progress have when the model is there.
PATIENCE = 5.0
FAREWELL = 1.0
# Seconds after which the log says that a model is still being loaded, and after which it says so again.
FIRST, AGAIN = 10, 60
REASON = b"The model is still being loaded.\n"


def listen(port: int, address: str = "0.0.0.0") -> socket.socket:  # noqa: S104  # the platform calls from outside
    """A socket that listens on a port, of every address of this machine or of one; 0 is any that is free.

    Raises:
        PlatformError: the port is taken, or this user may not listen on it.
    """
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # For connections that are made before gunicorn says so: a body would wait for its head to be acknowledged.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PlatformError(f"The server cannot listen on {port}: {error.strerror}.") from error
    return listener


def answer_meanwhile(listener: socket.socket) -> Callable[[], None]:
    """Start a process that answers 503 to every request on the listener.

    Returns:
        What ends it: when that returns, it has answered those whose connection it had accepted.
    """
    parent = os.getpid()
    child = os.fork()
    if not child:
        _answer(listener, parent)

    def end() -> None:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)

    return end


def _answer(listener: socket.socket, parent: int) -> NoReturn:
    """The life of the child."""
    server = _Server(listener, parent)

    def leave(_signum: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the parent hears it too, and says what is to be done
    server.serve_forever(poll_interval=0.05)
    farewell = time.monotonic() + FAREWELL  # of all together: what is idle holds nobody up
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(max(0.0, farewell - time.monotonic()))
    sys.stdout.flush()
    os._exit(0)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket, parent: int) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self._parent = parent
        self._begun, self._due = time.monotonic(), FIRST
        self._latest: deque[socket.socket] = deque(maxlen=max(32, min(CONNECTIONS, os.sysconf("SC_OPEN_MAX") - 32)))

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread of its own. Of too many connections the oldest yields: nobody's request takes long."""
        if len(self._latest) == self._latest.maxlen:
            with suppress(OSError):  # it has been answered
                self._latest[0].shutdown(socket.SHUT_RD)
        self._latest.append(request)
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        if time.monotonic() - self._begun > self._due:
            print(f"The model is still being loaded, after {self._due} s.", file=sys.stderr, flush=True)
            self._due += AGAIN
        if os.getppid() != self._parent:  # which has ended without a word
            os._exit(0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that is gone is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # which closes the connection: the next request is for the model
    timeout = PATIENCE
    path = ""

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return lambda: self._say(HTTPStatus.SERVICE_UNAVAILABLE, REASON)
        raise AttributeError(name)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What is no HTTP; the library's own words would quote it."""
        del message, explain
        self.request_version = self.protocol_version  # whatever was read there
        self._say(HTTPStatus(code), f"{HTTPStatus(code).phrase}.\n".encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the library's name
        """Nothing: it would quote what clients send."""

    def _say(self, status: HTTPStatus, reason: bytes) -> None:
        identity = new_request_id()
        self.send_response_only(status)
        for header, value in (
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(reason))),
            ("Retry-After", "1"),
            (REQUEST_ID, identity),
        ):
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else reason)
        path = self.path.partition("?")[0]
        if path != "/ping":
            log_request(identity, self.command or "", path, status)
