"""The image: what it is made of, and how soon a container trains and answers; in a run of `docker run IMAGE true`.

python benchmarks/image.py IMAGE [ANOTHER_IMAGE ...]
"""

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
# Bytes by package, run in the image: a package is what lies in the folders that its files are in.
SHARES = """
import importlib.metadata, json, os
from pathlib import Path

def size(path):
    files = [Path(folder, name) for folder, _, names in os.walk(path) for name in names] if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files)

folder = Path(importlib.metadata.distribution("numpy").locate_file(""))
owner = {}
for one in importlib.metadata.distributions():
    for file in one.files or ():
        owner.setdefault(file.parts[0], set()).add(one.metadata["Name"])
shares = {}
for entry in folder.iterdir():
    name = " and ".join(sorted(owner.get(entry.name, {"other"})))
    shares[name] = shares.get(name, 0) + size(entry)
print(json.dumps(shares))
"""


def main():
    images = sys.argv[1:]
    if not images:
        sys.exit(__doc__)
    for image in images:
        print(f"{image}: {int(docker('image', 'inspect', image, '--format', '{{.Size}}')) / 1e6:.0f} MB")
        for part, size in parts(image):
            print(f"  {size / 1e6:6.1f} MB  {part}")
    with tempfile.TemporaryDirectory() as folder:
        example, thousand = job(folder, "example", example_table()), job(folder, "thousand", table(1000, 10))
        times = {image: [] for image in images}
        for image in images:
            docker("run", "--rm", "-v", f"{thousand}:/opt/ml", image, "train")
            for _ in range(ROUNDS):
                times[image].append((nothing(image), train(image, example), serve(image, thousand)))
            empty, trained, served = np.min(times[image], axis=0)
            print(f"{image}, of {ROUNDS}: `true` {empty:.2f} s")
            print(f"  `train` on the example, whole: {trained:.2f} s, {trained / empty:.1f} of `true`")
            print(f"  `serve` to the first 200 at N = 1,000: {served:.2f} s, {served / empty:.1f} of `true`")


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def parts(image):
    """What and how large: the layers by the word that tells them apart, the packages one by one."""
    listed = docker("history", "--no-trunc", "--human=false", "--format", "{{.Size}} {{.CreatedBy}}", image)
    layers = [line.partition(" ")[::2] for line in listed.splitlines()]
    shares = json.loads(docker("run", "--rm", image, "python3", "-c", SHARES))
    sizes = [int(size) for size, _ in reversed(layers) if int(size) > 0]
    yield "Debian", sizes[0]
    yield "Python and nginx, of Debian", sizes[1]
    large = {name: size for name, size in shares.items() if size > 2e6}
    yield from sorted(large.items(), key=lambda share: -share[1])
    yield f"{len(shares) - len(large)} more packages", sizes[2] - sum(large.values())
    yield "the program", sum(sizes[3:])


def job(folder, name, text):
    path = Path(folder, name)
    (path / "input/data/training").mkdir(parents=True)
    (path / "input/config").mkdir()
    (path / "input/data/training/table.csv").write_text(text)
    (path / "input/config/hyperparameters.json").write_text('{"bias": "1"}')
    (path / "input/config/inputdataconfig.json").write_text("{}")
    return path


def example_table():
    return (ROOT / "local_test/test_dir/example/input/data/training/train.csv").read_text()


def table(rows, columns):
    numbers = np.random.default_rng(0).normal(size=(rows, 1 + columns))
    return "".join(",".join(map(repr, row)) + "\n" for row in numbers.tolist())


def nothing(image):
    start = time.perf_counter()
    docker("run", "--rm", image, "true")
    return time.perf_counter() - start


def train(image, folder):
    start = time.perf_counter()
    docker("run", "--rm", "-v", f"{folder}:/opt/ml", image, "train")
    return time.perf_counter() - start


def serve(image, folder):
    start = time.perf_counter()
    options = ["--publish", "127.0.0.1::8080", "-v", f"{folder}/model:/opt/ml/model:ro"]
    container = docker("run", "--detach", *options, image, "serve")
    try:
        address = docker("port", container, "8080").split()[0]
        while True:
            try:
                urllib.request.urlopen(f"http://{address}/ping", timeout=5).close()
                return time.perf_counter() - start
            except OSError:
                time.sleep(0.01)
    finally:
        docker("rm", "--force", container)


if __name__ == "__main__":
    main()
