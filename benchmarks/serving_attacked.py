"""What honest clients notice while others do their worst.

python benchmarks/serving_attacked.py mutations [--count 50000] [--corpus FOLDER]
python benchmarks/serving_attacked.py samples | bombs | gone | price

mutations: four clients take good Parquet files from a folder, change some bytes, and send them; a fifth client sends rows in
CSV. samples: eight clients ask for 1,000 samples at 2,000 rows, bombs: six send a million rows in a few kilobytes,
and one more asks for a row; that one's slowest answer as a ratio to the second that is allowed. gone: six clients send
300,000 rows and leave after a second; the processor's time that is spent on them, as a ratio to the same of those who stay.
price: what it costs that Parquet is read in a child process.
"""

import argparse
import io
import multiprocessing
import random
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from timing import ROOT, rows

import numpy as np
from arro3 import io as arrow
from arro3.core import Array, RecordBatch
from servers import cpu_seconds, descendants, serve, train
from serving import write_csv
from serving_ping import FORMATS

from gaussian_processes.data.http import PARQUET
from gaussian_processes.data.format import parse_content_type
from gaussian_processes.serving.work.decoder import Decoders

ALLOWED = 1.0  # seconds that a row may wait
CLIENTS = 4
CORPUS = ROOT / "tests/data/parquet"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--count", type=int, default=50_000, help="mutations")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="folder of good Parquet files")
    parser.add_argument("--rows", type=int, default=500, help="N, training rows")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        train(Path(name), arguments.rows, d=3)
        with serve(Path(name), 2) as server:
            SCENARIOS[arguments.scenario](server, arguments)


def mutations(server, arguments):
    corpus = [path.read_bytes() for path in sorted(arguments.corpus.glob("*.parquet"))]
    before = of_workers(server)
    stop = threading.Event()
    with multiprocessing.Pool(CLIENTS) as pool, ThreadPoolExecutor() as threads:
        honest = threads.submit(ask_rows, server, stop)
        each = arguments.count // CLIENTS
        found = pool.starmap(send_mutations, [(server, corpus, number, each) for number in range(CLIENTS)])
        stop.set()
        times, lost = honest.result()
    statuses = {}
    for counts in found:
        for status, count in counts.items():
            statuses[status] = statuses.get(status, 0) + count
    print(
        f"{each * CLIENTS:,} mutations of {len(corpus)} files; answers by status: {dict(sorted(statuses.items(), key=str))}"
    )
    print(f"the other client: {len(times):,} rows answered, {lost} lost; {said(times)}")
    time.sleep(1)
    now = of_workers(server)
    print(f"workers replaced: {len(before.keys() - now.keys())}")
    for worker in before.keys() & now.keys():
        print(
            f"worker {worker}: "
            + ", ".join(f"{name} {before[worker][name]} -> {now[worker][name]}" for name in now[worker])
        )


def send_mutations(server, corpus, number, count):
    """How often each status was answered; None where nothing was."""
    generator, counts, connection = random.Random(number), {}, None
    for _ in range(count):
        connection = connection or HTTPConnection("127.0.0.1", server.port, timeout=60)
        try:
            connection.request(
                "POST", "/invocations", mutated(generator, corpus), {"Content-Type": "application/x-parquet"}
            )
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, HTTPException):
            connection.close()
            connection = status = None
        counts[status] = counts.get(status, 0) + 1
    return counts


def mutated(generator, corpus):
    """A file with one to eight changes in its footer, or anywhere."""
    body = bytearray(generator.choice(corpus))
    footer = int.from_bytes(body[-8:-4], "little") + 8
    for _ in range(generator.randint(1, 8)):
        begin = max(0, len(body) - footer) if generator.random() < 0.5 else 4
        at = generator.randrange(begin, len(body))
        change = generator.random()
        if change < 0.6:
            body[at] = generator.randrange(256)
        elif change < 0.8:
            body[at] ^= 1 << generator.randrange(8)
        elif change < 0.9:
            body[at : at + 4] = generator.choice((bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff"))
        else:
            del body[at : at + generator.randint(1, 4)]
    return bytes(body)


def price(server, _arguments):
    decoders = Decoders(None)
    child, _ = parse_content_type("application/x-parquet", decoders.formats())
    for megabytes in (0.001, 1, 100):
        body = write_parquet(rows(max(1, int(1e6 * megabytes / 27)), 3)[0])
        whole = taken(partial(server.ask, "/invocations", body, Content_Type="application/x-parquet"))
        there, here = (taken(partial(read_all, codec, body)) for codec in (child, PARQUET))
        print(
            f"{len(body):,} bytes: {1000 * (there - here):.1f} ms more than in this process; the whole request takes "
            f"{whole / (whole - there + here):.3f} of what it would"
        )
    decoders.close()


def read_all(codec, body):
    return list(codec.read(io.BytesIO(body), "", {}))


def taken(work):
    """The median of some times, after the first."""
    times = []
    for _ in range(6):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def write_parquet(X):
    stream = io.BytesIO()
    arrow.write_parquet(
        RecordBatch({f"x{index}": Array.from_numpy(column.copy()) for index, column in enumerate(X.T)}), stream
    )
    return stream.getvalue()


def samples(server, _arguments):
    body = write_csv(rows(2000, 3)[0])
    beside(server, 8, body, "text/csv; charset=utf-8", "text/csv; outputs=samples; samples=1000")


def bombs(server, _arguments):
    beside(server, 6, bomb(), "application/x-parquet", "text/csv")


WRITERS = {**FORMATS, "application/x-parquet": write_parquet}


def bomb():
    """A million rows of three columns. All rows are equal, so Parquet stores them in a few kilobytes."""
    return write_parquet(np.ones((1 << 20, 3)))


def beside(server, clients, body, content_type, accept):
    """How long one row takes while `clients` others send a body again and again."""
    stop = threading.Event()

    def press():
        statuses = []
        while not stop.is_set():
            statuses.append(server.ask("/invocations", body, Content_Type=content_type, Accept=accept)[0])
        return statuses

    with ThreadPoolExecutor(clients + 1) as pool:
        pressing = [pool.submit(press) for _ in range(clients)]
        time.sleep(1)
        asking = pool.submit(ask_rows, server, stop)
        time.sleep(20)
        stop.set()
        times, lost = asking.result()
        others = [status for one in pressing for status in one.result()]
    print(
        f"{len(body):,} bytes each of {clients} clients; their statuses: {sorted(set(others))}, {len(others)} answers"
    )
    print(f"one row: {len(times)} answers, {lost} lost; {said(times)}")


def ask_rows(server, stop):
    times, lost = [], 0
    while not stop.is_set() or not times:
        start = time.perf_counter()
        try:
            status = server.ask("/invocations", b"1,2,3\n", Content_Type="text/csv")[0]
        except (OSError, HTTPException):
            status = None
        times.append(time.perf_counter() - start)
        lost += status != 200
        time.sleep(0.01)
    return times, lost


def said(times):
    return f"the slowest {max(times) / ALLOWED:.3f} of the second that is allowed, the median {statistics.median(times) / ALLOWED:.3f}"


def gone(server, _arguments):
    X = rows(300_000, 3)[0]
    for content_type, write in WRITERS.items():
        body, spent = write(X), {}
        for stays in (False, True):
            before = busy(server)
            connections = [HTTPConnection("127.0.0.1", server.port, timeout=600) for _ in range(6)]
            with ThreadPoolExecutor(6) as pool:
                send = partial(HTTPConnection.request, method="POST", url="/invocations", body=body)
                list(pool.map(partial(send, headers={"Content-Type": content_type}), connections))
                time.sleep(1)
                if stays:
                    list(pool.map(lambda one: one.getresponse().read(), connections))
            for connection in connections:
                connection.close()
            server.settle()
            spent[stays] = busy(server) - before
        print(
            f"{len(body):,} bytes of {content_type} each: those who leave cost {spent[False] / spent[True]:.2f} of those who stay"
        )


def busy(server):
    return sum(map(cpu_seconds, server.workers()))


def of_workers(server):
    """What each worker has of what must not grow."""
    here = [
        int(child)
        for path in Path(f"/proc/{server.parent}/task").glob("*/children")
        for child in path.read_text().split()
    ]
    return {
        worker: {
            "files": len(list(Path(f"/proc/{worker}/fd").iterdir())),
            "children": len(descendants(worker)),
            "threads": len(list(Path(f"/proc/{worker}/task").iterdir())),
        }
        for worker in here
    }


SCENARIOS = {"mutations": mutations, "samples": samples, "bombs": bombs, "price": price, "gone": gone}

if __name__ == "__main__":
    main()
