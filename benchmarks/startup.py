"""Starting: `train` on a small table, to its first line and to its end, and `serve` to its first answer, with functions
compiled before and without.

python benchmarks/startup.py
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PORT = "18080"


def main():
    with tempfile.TemporaryDirectory() as folder:
        program, job = Path(folder, "program"), Path(folder, "ml")
        shutil.copytree(ROOT / "gaussian_processes", program / "gaussian_processes")
        for config, document in (("hyperparameters", {"bias": "1"}), ("inputdataconfig", {})):
            path = job / "input/config" / f"{config}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(document))
        (job / "input/data/training").mkdir(parents=True)
        shutil.copy(ROOT / "local_test/test_dir/example/input/data/training/train.csv", job / "input/data/training")
        run = program / "gaussian_processes"
        times = {}
        for state in ("compiled before", "not compiled"):
            if state == "compiled before":
                subprocess.run([sys.executable, run / "precompile"], check=True)
            times["train", state] = min(timed(train, run, job, state) for _ in range(3))
            times["first line", state] = min(timed(first_line, run, job, state) for _ in range(3))
            times["serve", state] = min(timed(serve, run, job, state) for _ in range(3))
    for command in ("train", "serve"):
        before, without = times[command, "compiled before"], times[command, "not compiled"]
        print(f"{command}: compiled before {before:.2f} s, not compiled {without:.2f} s, ratio {without / before:.1f}")
    first, whole = times["first line", "compiled before"], times["train", "compiled before"]
    print(f"train: first line of the log after {first:.2f} s, {first / whole:.2f} of the whole job")


def timed(work, run, job, state):
    if state == "not compiled":
        for cached in run.rglob("*.nb[ci]"):
            cached.unlink()
    start = time.perf_counter()
    return work(run, {**os.environ, "SAGEMAKER_BASE_DIR": str(job), "SAGEMAKER_BIND_TO_PORT": PORT}) - start


def train(run, environ):
    subprocess.run([sys.executable, run / "train"], env=environ, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter()


def first_line(run, environ):
    with subprocess.Popen([sys.executable, run / "train"], env=environ, stdout=subprocess.PIPE) as job:
        assert job.stdout.readline()
        said = time.perf_counter()
        job.stdout.read()
    return said


def serve(run, environ):
    server = subprocess.Popen([sys.executable, run / "serve"], env=environ, stderr=subprocess.DEVNULL)
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}/invocations", data=b"1,2\n", headers={"Content-Type": "text/csv"}
    )
    try:
        while True:
            try:
                urllib.request.urlopen(request, timeout=60).close()
                return time.perf_counter()
            except urllib.error.URLError:
                time.sleep(0.02)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
