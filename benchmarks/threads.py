"""Threads beside a busy core: as many threads as the machine has cores, and as many as are free for us.

python benchmarks/threads.py [--rows 5000]
"""

import argparse
import multiprocessing
import os

from timing import best_of, rows

from threadpoolctl import threadpool_limits

from gaussian_processes.gp import ArcCosine, TrainedGPModel


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    X, y = rows(arguments.rows)
    kernel = ArcCosine(1, 3)
    TrainedGPModel(X[:200], y[:200], kernel, 0.1)
    quiet = {count: training(X, y, kernel, count) for count in (cores, max(1, cores - 1))}
    busy = multiprocessing.get_context("spawn").Process(target=spin, daemon=True)
    busy.start()
    loaded = {count: training(X, y, kernel, count) for count in (cores, max(1, cores - 1))}
    busy.terminate()
    print(f"Training at N = {len(X)} on {cores} cores; ratios to {cores} threads on a quiet machine")
    for count, alone in quiet.items():
        print(f"{count} threads: quiet {alone / quiet[cores]:.2f}, one core busy {loaded[count] / quiet[cores]:.2f}")


def training(X, y, kernel, count):
    with threadpool_limits(count):
        return best_of(3, lambda: TrainedGPModel(X, y, kernel, 0.1))[0]


def spin():
    while True:
        pass


if __name__ == "__main__":
    main()
