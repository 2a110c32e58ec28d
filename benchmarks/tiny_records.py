"""Bodies of very many tiny records, arrays or lines: their processor time a byte, against a good body of that format and size.

python benchmarks/tiny_records.py [--records 200000] [--rows 442] [--features 10]
"""

import argparse
import gc
import io
import time

from timing import ROOT  # noqa: F401  # which makes the package importable

import numpy as np

from gaussian_processes.storage.model_file import Artifact
from gaussian_processes.data.dataset import Dataset, Source
from gaussian_processes.arc_cosine import Hyperparameters, algorithm
from gaussian_processes.self_test import SelfTest
from gaussian_processes.serving.http.application import Service, create_app
from gaussian_processes.serving.http.invocation import Habits
from gaussian_processes.serving.models.predictor import Predictor


class Silent:
    """An algorithm's reporter."""

    def log(self, message):
        """Nothing."""

    def progress(self, phase, fraction):
        """Nothing."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rows", type=int, default=442)
    parser.add_argument("--features", type=int, default=10)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    data = np.random.default_rng(0).normal(size=(arguments.rows, arguments.features + 1))
    dataset = Dataset(data[:, 1:], data[:, 0], (Source("a", len(data)),))
    model = algorithm.fit(dataset, Hyperparameters(), Silent())
    artifact = Artifact(algorithm.name, arguments.features, {}, {}, SelfTest.of(algorithm, model, dataset))
    predictor = Predictor(algorithm, model, artifact)
    clients = {
        mode: create_app(algorithm, predictor, Service(habits=Habits(batch=mode == "batch"))).test_client()
        for mode in ("normal", "batch")
    }
    gc.collect()
    gc.freeze()  # as the server does
    print(f"{'body':45} {'mode':7} {'status':6} {'bytes':>10} {'ns/byte':>8} {'good':>8} {'ratio':>6}")
    for content_type, bodies in tiny(arguments.records, arguments.features).items():
        for name, body in bodies.items():
            if arguments.only not in name:
                continue
            for mode, client in clients.items():
                good = nanoseconds(client, content_type, good_body(content_type, len(body), arguments.features))
                taken = nanoseconds(client, content_type, body)
                print(
                    f"{name:45} {mode:7} {taken[0]:6} {len(body):10} {taken[1]:8.1f} {good[1]:8.1f} {taken[1] / good[1]:6.2f}",
                    flush=True,
                )


def nanoseconds(client, content_type, body):
    """The status, and the processor time a byte."""
    client.post("/invocations", data=body[: 1 << 12], content_type=content_type)
    begun = time.process_time()
    status = client.post("/invocations", data=body, content_type=content_type).status_code
    return status, 1e9 * (time.process_time() - begun) / len(body)


def good_body(content_type, size, features):
    """About as many bytes of rows with all their digits."""
    rows = np.random.default_rng(1).normal(size=(1 + size // (8 * features), features))
    if content_type == "application/x-npy":
        return saved(rows)
    lines = [",".join(map(repr, row)) for row in rows[: 1 + size // (20 * features)].tolist()]
    if content_type == "text/csv":
        return ("\n".join(lines) + "\n").encode()
    if content_type == "application/jsonlines":
        return "".join(f"[{line}]\n" for line in lines).encode()
    return ('{"instances": [' + ", ".join(f"[{line}]" for line in lines) + "]}").encode()


def tiny(records, features):
    """By content type, the bodies by name."""
    row = np.random.default_rng(2).normal(size=(1, features))
    one, other = ",".join(map(repr, row[0].tolist())), ",".join("1" * features)
    alternating = b"".join(saved(np.ones((1, width))) for width in (features, features + 1))
    unlike = b"".join(header(f"(0,{features})", " " * (number % 977)) for number in range(records // 4))
    return {
        "application/x-npy": {
            "arrays of a row": saved(row) * records,
            "arrays without rows": saved(row[:0]) * records,
            "arrays of a number": saved(np.ones((1, 1))) * records,
            "arrays of a row of bytes": saved(np.ones((1, features), np.int8)) * records,
            "arrays without rows, short headers": header(f"(0,{features})", "") * records,
            "arrays without rows, unlike headers": unlike,
            "arrays of other widths in turn": alternating * (records // 2),
        },
        "application/jsonlines": {
            f"lines of {line}": f"{line}\n".encode() * records
            for line in ("[]", "{}", "", "1", "x", "[1]", '{"features":[]}', "null", "[[]]", f"[{other}]")
        }
        | {
            "good lines and []": f"[{one}]\n[]\n".encode() * (records // 2),
            "lines of []s": b"[" + b"[]," * records + b"[]]\n",
        },
        "application/json": {
            f"items of {item}": ("[" + ",".join([item] * records) + "]").encode()
            for item in ("[]", "{}", "[1]", '{"features":[]}', f"[{other}]")
        }
        | {
            "a good row, then []": f'{{"instances":[[{one}]{",[]" * records}]}}'.encode(),
            "lines of [] ": b"[]\n" * records,
        },
        "text/csv": {
            f"lines of {line!r}": f"{line}\n".encode() * records for line in ("", "1", "x", ",", '""', " ", other)
        }
        | {
            "a good row, then empty lines": one.encode() + b"\n" * records,
            "good rows and empty lines": f"{one}\n\n".encode() * (records // 2),
        },
    }


def header(shape, spaces):
    text = f"{{'descr':'<f8','fortran_order':False,'shape':{shape}{spaces}}}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def saved(matrix):
    stream = io.BytesIO()
    np.save(stream, matrix)
    return stream.getvalue()


if __name__ == "__main__":
    main()
