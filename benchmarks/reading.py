"""Reading a channel of 1,000,000 rows and 10 columns of CSV, target split from features: time and memory.

python benchmarks/reading.py [--pairs 9]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import ROOT, best_of

import numpy as np
import pandas as pd

from gaussian_processes.data.channels.channel import Channel
from gaussian_processes.data.channels.reading import read_channel

ROWS, COLUMNS = 1_000_000, 10
PEAK = """
import sys
sys.path.insert(0, {root!r})
from gaussian_processes.data.codecs import csv_table as delimited  # pandas is no part of what reading takes
from gaussian_processes.data.channels.channel import Channel
from gaussian_processes.data.channels.reading import read_channel
from pathlib import Path

def memory(name):
    # Not getrusage: a child's peak begins at its parent's.
    return next(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name + ":"))

before = memory("VmRSS")
dataset = read_channel(Channel("training", Path({folder!r})))
print(memory("VmHWM") - before)
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=9)
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "a.csv"
        write(file)
        times = []
        for _ in range(pairs):
            plain, frame = best_of(1, lambda: pd.read_csv(file, header=None))
            del frame
            whole, expected = best_of(1, lambda: split(pd.read_csv(file, header=None)))
            with pd.option_context("mode.max_threads", 1):
                single, frame = best_of(1, lambda: pd.read_csv(file, header=None))
            del frame
            ours, dataset = best_of(1, lambda: read_channel(Channel("training", folder)))
            times.append((ours, plain, whole, single))
            assert np.array_equal(dataset.features, expected[0])
            assert np.array_equal(dataset.target, expected[1])
            del expected, dataset
        child = subprocess.run(
            [sys.executable, "-c", PEAK.format(root=str(ROOT), folder=name)], check=True, capture_output=True, text=True
        )
    best = [min(of_one) for of_one in zip(*times, strict=True)]
    for number, against in enumerate(("alone", "and splitting its array", "in one thread"), start=1):
        ratios = sorted(pair[0] / pair[number] for pair in times)
        print(
            f"time against pandas.read_csv {against}: {best[0] / best[number]:.2f} best against best ({best[0]:.3f} s, "
            f"{best[number]:.3f} s), pairs {ratios[0]:.2f} to {ratios[-1]:.2f}, median {ratios[len(ratios) // 2]:.2f}"
        )
    print(f"peak memory against the array's bytes: {int(child.stdout) / (8 * ROWS * COLUMNS):.2f}")


def split(frame):
    """Features and target, as `read_channel` gives them."""
    values = frame.to_numpy()
    return np.ascontiguousarray(values[:, 1:]), values[:, 0].copy()


def write(file):
    values = np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
    with file.open("w") as stream:
        for start in range(0, ROWS, 10_000):
            rows = values[start : start + 10_000].tolist()
            stream.write("".join(",".join(map(repr, row)) + "\n" for row in rows))


if __name__ == "__main__":
    main()
