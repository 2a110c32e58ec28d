"""The slowest ping, and one-row request, beside connections that hold their places: idle, or dripping a head or a body.

python benchmarks/serving_connections.py [--seconds 5]

Each line is a server of its own, as it starts by itself, under a limit of open files; with MODEL_SERVER_FRONT=nginx, nginx
stands before it. Holders that the server ends come back at once in the lines that say so. A request that is not answered
within the 2 s that the platform allows is late.
"""

import argparse
import os
import resource
import selectors
import socket
import sys
import tempfile
import time
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

from timing import ROOT

from servers import environ_of, free_port, running, train

ALLOWED = 2.0  # seconds
HEAD = b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\n"
# What a holder sends first, and each second after that.
HOLDERS = {
    "idle": (b"", b""),
    "dripping heads": (HEAD + b"X-Slow: ", b"x"),
    "dripping bodies": (HEAD + b"Content-Length: 1000000\r\n\r\n", b"1"),
}
ROW = b",".join([b"1"] * 10) + b"\n"
REQUESTS = {
    "ping": b"GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "row": HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(ROW) + ROW,
}
# Open files of the server, and holders; whether they come back.
SCENARIOS = (
    (8192, {"idle": 5000}, False),
    (8192, {"idle": 5000, "dripping heads": 2000}, False),
    (8192, {"idle": 5000, "dripping bodies": 2000}, False),
    (8192, {"dripping heads": 1000, "dripping bodies": 1000}, True),
    (256, {"idle": 400}, False),
    (256, {"idle": 1000}, False),
    (256, {"dripping heads": 200, "dripping bodies": 200}, True),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of asking, in each line")
    parser.add_argument("--rows", type=int, default=500, help="N, training rows")
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as name:
        train(Path(name), arguments.rows)
        for files, holders, back in SCENARIOS:
            port = free_port()
            command = ["bash", "-c", f"ulimit -n {files}; exec {sys.executable} {ROOT / 'gaussian_processes/serve'}"]
            with running(command, port, environ_of(name, SAGEMAKER_BIND_TO_PORT=str(port))):
                beside = ", ".join(f"{count:,} {kind}" for kind, count in holders.items())
                line = measured(port, holders, back, arguments.seconds)
            print(f"ulimit -n {files}, {beside}{' that come back' if back else ''}: {line}", flush=True)


def measured(port, holders, back, seconds):
    context = get_context("spawn")
    ready, stop = context.Event(), context.Event()
    holding = context.Process(target=hold, args=(port, holders, back, ready, stop))
    holding.start()
    ready.wait(120)
    results = []
    for kind, request in REQUESTS.items():
        times, late = [], 0
        end = time.monotonic() + seconds / len(REQUESTS)
        while time.monotonic() < end:
            start = time.perf_counter()
            late += not answered(port, request)
            times.append(time.perf_counter() - start)
            time.sleep(0.02)
        results.append(f"{kind} {len(times) - late} of {len(times)} in time, slowest {1000 * max(times):.0f} ms")
    stop.set()
    holding.join()
    return "; ".join(results)


def answered(port, request):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ALLOWED) as client:
            client.sendall(request)
            return client.recv(2**16).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def hold(port, holders, back, ready, stop):
    """Open connections, and send on each what is sent a second later, until told to stop."""
    selector, begun = selectors.DefaultSelector(), set()
    for kind, count in holders.items():
        for number in range(count):
            open_one(port, selector, kind)
            if number % 100 == 99:
                time.sleep(0.01)
    while not stop.is_set():
        drip(selector, begun)
        ready.set()
        end = time.monotonic() + 1
        while (left := end - time.monotonic()) > 0 and not stop.is_set():
            for key, _ in selector.select(min(left, 0.1)):
                selector.unregister(key.fileobj)
                begun.discard(key.fileobj)
                key.fileobj.close()
                if back:
                    open_one(port, selector, key.data)
    os._exit(0)


def open_one(port, selector, kind):
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", port))
    selector.register(client, selectors.EVENT_READ, kind)


def drip(selector, begun):
    for key in tuple(selector.get_map().values()):
        with suppress(OSError):  # not there yet, or ended
            key.fileobj.send(HOLDERS[key.data][key.fileobj in begun])
            begun.add(key.fileobj)


if __name__ == "__main__":
    main()
