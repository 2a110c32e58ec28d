"""Serving: rows per second against predicting in this process, and against other servers; latencies under load.

    python benchmarks/serving.py [--rows 2000] [--seconds 2] [--rounds 3] [--plot docs/serving_latency.png]

The model is made by the real `train`. Every server has all cores, as many threads as cores in all, and the same rows to
answer; its first answer must agree with the prediction made here. The load is wrk's, over 2 connections for each core
and over 16, of which the better counts, and of some rounds, in which all take turns, the best one. A connection sends a
request when it has its last one's answer; latencies are shown against the number of connections, and are the median of
the rounds. The other servers are

- Flask as AWS's "bring your own scikit-learn" example has it, under gunicorn's sync workers, a model in each;
- MLServer with a custom runtime and NumPy tensors in the V2 protocol, of which its REST server takes JSON alone: in one
  process, the faster for single rows, and with a worker for each core. It has an environment of its own
  (requirements-peers.txt), and is skipped where that is not.
"""

import argparse
import io
import itertools
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from timing import ROOT, rows

import numpy as np

from latency_plot import draw
from load import QUANTILES, load, require_wrk
from predicting import load_predict
from servers import CORES, Meter, Server, environ_of, free_port, running, serve, train

MLSERVER = Path("~/.cache/gaussian-processes/mlserver/bin/mlserver").expanduser()
SATURATING = sorted({2 * CORES, 16})
CONNECTIONS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Format:
    """How rows go to a server, and what comes back.

    Attributes:
        name: of the format.
        content_type: of the request and of the answer.
        outputs: that are in an answer.
        write: rows (M, d) -> a body.
        read: an answer -> its columns, (outputs, M).
    """

    name: str
    content_type: str
    outputs: tuple[str, ...]
    write: Callable
    read: Callable


@dataclass(frozen=True)
class Contender:
    name: str
    server: Server
    path: str
    formats: tuple[Format, ...]

    def load(self, form, X, connections, seconds):
        url = f"http://127.0.0.1:{self.server.port}{self.path}"
        found = load(url, form.write(X), form.content_type, connections, seconds)
        self.server.settle()
        return found

    def ask(self, form, X):
        headers = {"Content_Type": form.content_type, "Accept": form.content_type}
        return self.server.ask(self.path, form.write(X), **headers)

    def knows(self, form, X):
        return self.ask(form, X)[0] != 415

    def answers(self, form, X, expected):
        """Whether it knows the format; if so, it must be right."""
        status, answer = self.ask(form, X)
        if status == 415:
            print(f"  {self.name}, {form.name}: SKIPPED (the server answers 415)")
            return False
        if status != 200:
            raise SystemExit(f"{self.name} answers {form.name} with {status}: {answer[:500]!r}")
        if not np.allclose(form.read(answer), [expected[name] for name in form.outputs], rtol=1e-9, atol=1e-12):
            raise SystemExit(f"{self.name} answers {form.name} with other numbers than predicting in this process")
        return True


def write_csv(X):
    return "".join(",".join(map(repr, row)) + "\n" for row in X.tolist()).encode()


def write_npy(X):
    stream = io.BytesIO()
    np.save(stream, X)
    return stream.getvalue()


def write_json(X):
    return json.dumps({"instances": [{"features": row} for row in X.tolist()]}).encode()


def read_json(answer):
    return [[prediction[name] for prediction in json.loads(answer)["predictions"]] for name in ("mean", "std")]


def write_tensor(X):
    tensor = {"name": "rows", "shape": X.shape, "datatype": "FP64", "data": X.ravel().tolist()}
    return json.dumps({"inputs": [tensor]}).encode()


CSV = Format("text/csv", "text/csv", ("mean",), write_csv, lambda answer: [np.loadtxt(io.BytesIO(answer), ndmin=1)])
NPY = Format(
    "application/x-npy", "application/x-npy", ("mean",), write_npy, lambda answer: [np.load(io.BytesIO(answer)).ravel()]
)
JSON = Format("application/json", "application/json", ("mean", "std"), write_json, read_json)
TENSORS = Format(
    "V2 tensors", "application/json", ("mean",), write_tensor, lambda answer: [json.loads(answer)["outputs"][0]["data"]]
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000, help="N, training rows")
    parser.add_argument("--seconds", type=int, default=2, help="of each load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mlserver", type=Path, default=MLSERVER, help="the program in MLServer's environment")
    parser.add_argument("--plot", type=Path, default=ROOT / "docs/serving_latency.png")
    arguments = parser.parse_args()
    require_wrk()
    with tempfile.TemporaryDirectory() as root, ExitStack() as stack:
        folder = Path(root)
        train(folder, arguments.rows)
        os.environ["SAGEMAKER_BASE_DIR"] = root
        predict = load_predict()
        print(f"N = {arguments.rows}, d = 10, {CORES} cores; load by wrk in one thread")
        contenders = [
            Contender("ours", stack.enter_context(serve(folder)), "/invocations", (CSV, NPY, JSON)),
            Contender("Flask, sync workers", stack.enter_context(flask(folder)), "/invocations", (CSV,)),
        ]
        if arguments.mlserver.exists():
            for name, workers in (("MLServer", 0), ("MLServer, workers", CORES)):
                server = stack.enter_context(mlserver(arguments.mlserver, folder / name, workers))
                contenders.append(Contender(name, server, "/v2/models/gp/infer", (TENSORS,)))
        else:
            print(f"MLServer: SKIPPED ({arguments.mlserver} does not exist); benchmarks/requirements-peers.txt")
        meter = Meter([contender.server for contender in contenders])
        for M, outputs in itertools.product((1, 1000), (("mean",), ("mean", "std"))):
            compare(contenders, predict, rows(M, seed=1)[0], outputs, arguments)
        latencies = under_load(contenders[:3], rows(1, seed=1)[0], arguments)
        print(f"others on this machine took {meter.others():.2f} cores meanwhile")
    draw(arguments.plot, CONNECTIONS, latencies, f"Latency of one row, N = {arguments.rows:,}, {CORES} cores")
    print(f"plot: {arguments.plot}")


def flask(folder):
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--chdir", str(ROOT / "benchmarks"), "--workers", str(CORES)]
    environ = environ_of(folder, OMP_NUM_THREADS="1")
    return running([*command, "--bind", f"127.0.0.1:{port}", "plain_flask:app"], port, environ, CORES)


def mlserver(program, settings, workers):
    port = free_port()
    server = {"host": "127.0.0.1", "http_port": port, "grpc_port": free_port(), "parallel_workers": workers}
    server |= {"debug": False, "metrics_endpoint": None, "gzip_enabled": False}
    settings.mkdir()
    (settings / "settings.json").write_text(json.dumps(server))
    model = {"name": "gp", "implementation": "mlserver_runtime.Runtime"}
    (settings / "model-settings.json").write_text(json.dumps(model))
    threads = str(1 if workers else CORES)
    environ = environ_of(settings.parent, OMP_NUM_THREADS=threads, PYTHONPATH=str(ROOT / "benchmarks"))
    return running([str(program), "start", str(settings)], port, environ, ready="/v2/models/gp/ready")


def compare(contenders, predict, X, outputs, arguments):
    """Print everyone's rows per second as a share of predicting in this process."""
    expected = predict(X, outputs)
    print(f"{len(X)} row{'s' if len(X) > 1 else ''} a request, {' and '.join(outputs)}:")
    runs = [(contender, form) for contender in contenders for form in contender.formats if form.outputs == outputs]
    runs = [(contender, form) for contender, form in runs if contender.answers(form, X, expected)]
    alone, found = [], defaultdict(list)
    for _ in range(arguments.rounds):
        alone.append(in_process(predict, X, outputs, arguments.seconds))
        for contender, form in runs:
            for connections in SATURATING:
                came = contender.load(form, X, connections, arguments.seconds)
                found[contender.name, form.name].append((len(X) * came.rate, connections, came.cost))
    baseline = max(alone)
    print(f"  in this process {baseline:,.0f} rows/s (rounds from {min(alone) / baseline:.2f} of that)")
    best = {run: max(of_one) for run, of_one in found.items()}
    for (name, form), (rate, connections, cost) in best.items():
        against = [f"{rate / best[other][0]:.2f} x {other[0]}" for other in best if name == "ours" != other[0]]
        print(
            f"  {name}, {form}: {rate / baseline:.3f} of it ({rate:,.0f} rows/s, {connections} connections; wrk took "
            f"{cost:.1%} of the cores){''.join(f'; {ratio}' for ratio in against)}",
            flush=True,
        )


def in_process(predict, X, outputs, seconds):
    """Rows per second."""
    count, start = 0, time.perf_counter()
    while time.perf_counter() < start + seconds:
        predict(X, outputs)
        count += 1
    return count * len(X) / (time.perf_counter() - start)


def under_load(contenders, X, arguments):
    """Milliseconds by contender and format, (connections, quantiles); printed as ratios to the first one's."""
    runs = [(contender, form) for contender in contenders for form in contender.formats if form.outputs == ("mean",)]
    runs = [(contender, form) for contender, form in runs if contender.knows(form, X)]
    found = defaultdict(list)
    for _ in range(arguments.rounds):
        for (contender, form), connections in itertools.product(runs, CONNECTIONS):
            came = contender.load(form, X, connections, arguments.seconds)
            found[f"{contender.name}, {form.name}", connections].append([came.latencies[name] for name in QUANTILES])
    names = dict.fromkeys(name for name, _ in found)
    latencies = {name: np.array([np.median(found[name, count], axis=0) for count in CONNECTIONS]) for name in names}
    (first, ours), *others = latencies.items()
    for row, connections in enumerate(CONNECTIONS):
        print(f"latency over {connections} connections: {first} {shown(ours[row])} ms")
        for name, theirs in others:
            print(f"  {name}: {shown(theirs[row] / ours[row])} x {first}")
    return latencies


def shown(numbers):
    return ", ".join(f"{name} {number:.2f}" for name, number in zip(QUANTILES, numbers, strict=True))


if __name__ == "__main__":
    main()
