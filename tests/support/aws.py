"""Stand-ins for AWS's services, and for what else listens on a port."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes import free_port, require_aws_clients


@contextmanager
def listening(command, port, log):
    """The command as a child process, from its first open port until the block ends."""
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, log.read_text()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            except OSError:
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def moto_server(log: Path) -> Iterator[str]:
    """moto, which knows AWS's services and keeps in memory what they are told; yields its address."""
    port = free_port()
    with listening([require_aws_clients() / "bin/moto_server", "--host", "127.0.0.1", "--port", str(port)], port, log):
        yield f"http://127.0.0.1:{port}"
