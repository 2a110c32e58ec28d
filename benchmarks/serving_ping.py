"""The slowest ping while every worker is at a request of 100 MB, in each format, with a length and in chunks; and memory.

python benchmarks/serving_ping.py [--rows 500] [--megabytes 100]

Pings come every 20 ms on connections of their own, and as often on a connection that is kept to each worker. Memory is the
highest level of a worker (VmHWM) less its level before, beyond the body itself, as a ratio to the body. The server
starts anew for each line; how busy others kept the machine is said, since pings wait for them, too.
"""

import argparse
import json
import multiprocessing
import socket
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from timing import rows

from servers import Meter, connect, memory, serve, train
from serving import write_csv, write_json, write_npy

ALLOWED = 0.25  # seconds
EVERY = 0.02
CHUNK = 2**16
PING = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"


def write_json_lines(X):
    return "".join(json.dumps({"features": row}) + "\n" for row in X.tolist()).encode()


FORMATS = {
    "text/csv": write_csv,
    "application/json": write_json,
    "application/jsonlines": write_json_lines,
    "application/x-npy": write_npy,
}


@dataclass(frozen=True)
class Body:
    """Of a request, as a file, sent with its length or in chunks."""

    file: Path
    content_type: str
    chunked: bool = False

    def post(self, connection):
        """The status of the answer, when all of it is there."""
        content = self.file.read_bytes()
        client = HTTPConnection("")
        client.sock = connection
        headers = {"Host": "localhost", "Content-Type": self.content_type}
        if self.chunked:
            headers["Transfer-Encoding"] = "chunked"
        chunks = (content[start : start + CHUNK] for start in range(0, len(content), CHUNK))
        client.request(
            "POST", "/invocations", chunks if self.chunked else content, headers, encode_chunked=self.chunked
        )
        answer = client.getresponse()
        answer.read()
        client.close()
        return answer.status


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500, help="N, training rows")
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS), metavar="TYPE")
    arguments = parser.parse_args()
    print(f"N = {arguments.rows}; pings as ratios to the {1000 * ALLOWED:.0f} ms allowed, memory to the body")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train(folder, arguments.rows)
        for content_type in arguments.formats:
            small, large = folder / "small", folder / "large"
            small.write_bytes(FORMATS[content_type](rows(10)[0]))
            large.write_bytes(body_of(FORMATS[content_type], 1_000_000 * arguments.megabytes))
            for chunked in (False, True):
                line = measure(folder, Body(small, content_type), Body(large, content_type, chunked))
                print(f"{content_type}, {'chunks' if chunked else 'Content-Length'}: {line}", flush=True)


def body_of(write, size):
    """Rows in about so many bytes, and no more."""
    sample = 1000
    return write(rows(int(0.99 * size * sample / len(write(rows(sample)[0]))))[0])


def measure(folder, small, large):
    """What is to be said of a large body in each worker, after a small one."""
    with serve(folder) as server:
        workers = server.workers()
        statuses = [small.post(connect(server, worker)) for worker in workers]
        if 415 in statuses:
            return "SKIPPED (the server answers 415)"
        assert set(statuses) == {200}, statuses
        for worker in workers:
            Path(f"/proc/{worker}/clear_refs").write_text("5")  # the highest level is the present one
        before = {worker: memory(worker, "VmRSS") for worker in workers}
        meter = Meter([server])
        times = pings_meanwhile(server, large)
        others = meter.others()
        assert server.workers() == workers, "a worker was replaced"
        size = large.file.stat().st_size
        beyond = max(memory(worker, "VmHWM") - before[worker] - size for worker in workers)
    return (
        f"slowest of {len(times):,} pings {max(times) / ALLOWED:.3f} ({1000 * max(times):.0f} ms), "
        f"the median {statistics.median(times) / ALLOWED:.3f}; memory beyond the body {beyond / size:.2f} "
        f"(others took {others:.2f} cores)"
    )


def pings_meanwhile(server, body):
    """Seconds that each ping took while a request was under way in every worker."""
    workers = server.workers()
    # Processes of their own: what they do delays no ping here.
    context = multiprocessing.get_context("spawn")
    begin = context.Barrier(len(workers) + 1)
    clients = [context.Process(target=send, args=(server, worker, body, begin)) for worker in workers]
    for client in clients:
        client.start()
    stop = threading.Event()
    begin.wait(60)  # until they have started
    with ThreadPoolExecutor(len(workers) + 1) as pool:
        kept = [pool.submit(ping, server, stop, connect(server, worker)) for worker in workers]
        pinging = [*kept, pool.submit(ping, server, stop, None)]
        begin.wait(60)
        for client in clients:
            client.join()
        stop.set()
        times = [seconds for one in pinging for seconds in one.result()]
    assert not any(client.exitcode for client in clients), "a large request failed"
    return times


def send(server, worker, body, begin):
    begin.wait(60)
    begin.wait(60)
    status = body.post(connect(server, worker))
    assert status == 200, status


def ping(server, stop, kept):
    """Seconds that each took, one after the other, on the connection that is kept or on a new one each."""
    times = []
    while not stop.is_set():
        start = time.perf_counter()
        connection = kept or socket.create_connection(("127.0.0.1", server.port))
        connection.sendall(PING)
        head = connection.recv(2**16)
        times.append(time.perf_counter() - start)
        assert head.startswith(b"HTTP/1.1 200"), head
        if connection is not kept:
            connection.close()
        time.sleep(max(0.0, start + EVERY - time.perf_counter()))
    return times


if __name__ == "__main__":
    main()
