"""Predicting rows that repeat, that are training rows, or that are alike, against as many rows that differ.

python benchmarks/repeated_rows.py [--rows 5000]
"""

import argparse

from timing import best_of

import numpy as np

from gaussian_processes.gp import ArcCosine, TrainedGPModel

REPEATS = 5
SIZES = ((442, 10), (2000, 10))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5000)
    count = parser.parse_args().rows
    generator = np.random.default_rng(0)
    for N, d in SIZES:
        X = generator.normal(size=(N, d))
        model = TrainedGPModel(X, generator.normal(size=N), ArcCosine(q=1, l=1), sigma2=0.1)
        different = generator.normal(size=(count, d))
        axis = np.cos(np.arange(1.0, d + 1))
        aligned = different - np.outer(different @ axis, axis) / (axis @ axis)
        alike = {
            "one row": np.repeat(different[:1], count, axis=0),
            "20 rows": different[generator.integers(20, size=count)],
            "training rows": X[generator.integers(N, size=count)],
            "multiples of a row": different[:1] * (1.0 + np.arange(count)[:, None]),
            "rows of one projection": aligned / np.linalg.norm(aligned, axis=1)[:, None],
        }
        for return_std in (False, True):
            base, _ = best_of(REPEATS, lambda: model.predict(different, return_std))  # noqa: B023  # called here
            for name, rows in alike.items():
                taken, _ = best_of(REPEATS, lambda: model.predict(rows, return_std))  # noqa: B023
                what = "mean and std" if return_std else "mean"
                print(
                    f"N={N} d={d} {what:12} {name:22} {1e6 * taken / count:8.2f} us a row, {taken / base:7.2f} of different rows"
                )


if __name__ == "__main__":
    main()
