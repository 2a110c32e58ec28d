"""Predictions: means against the plain NumPy formula, means and variances against the bare triangular solve.

python benchmarks/prediction.py [--rows 5000] [--requests 2000]
"""

import argparse
import multiprocessing

from timing import best_of, peak, plain_kernel, rows

import numpy as np
from scipy.linalg.blas import dtrsm

from gaussian_processes.gp import ArcCosine, TrainedGPModel
from gaussian_processes.gp.compiled.threads import threads

KERNEL = ArcCosine(1, 3)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--requests", type=int, default=2000)
    arguments = parser.parse_args()
    N, M = arguments.rows, arguments.requests
    # Processes of their own, begun while this one is small: a child's peak is at least its parent's size.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        peaks = {count: pool.apply(peak_of_means, (2000, count)) for count in (1000, 100_000)}
    print(
        "memory of means at N = 2000: "
        + ", ".join(f"{count} rows {size / 1e6:.0f} MB" for count, size in peaks.items())
    )
    X, y = rows(N)
    X_star, _ = rows(M, seed=1)
    model = TrainedGPModel(X, y, KERNEL, 0.1)
    alpha = model.solution.alpha
    print(f"{M} predictions from N = {N}, d = 10, {KERNEL.q=}, {KERNEL.l=}, {threads()} threads")

    plain, wanted = best_of(3, lambda: plain_kernel(1, 3, X_star, X) @ alpha)
    ours, mean = best_of(5, lambda: model.predict(X_star))
    print(
        f"means: NumPy {plain:.3f} s, ours {ours:.4f} s, ratio {plain / ours:.1f}; difference {abs(mean - wanted).max():.0e}"
    )

    L = np.asfortranarray(model.solution.factor.L.lower())
    bare, _ = best_of(5, lambda B: dtrsm(1.0, L, B, lower=1, overwrite_b=1), lambda: KERNEL.cross(X_star, X).T)
    both, _ = best_of(5, lambda: model.predict(X_star, return_std=True))
    print(f"means and variances: bare triangular solve {bare:.3f} s, ours {both:.3f} s, ratio {both / bare:.3f}")


def peak_of_means(N, M):
    """The peak less the requests themselves, of which directions hold copies."""
    X, y = rows(N)
    model = TrainedGPModel(X, y, KERNEL, 0.1)
    X_star, _ = rows(M, seed=1)
    model.predict(X_star)
    return peak()


if __name__ == "__main__":
    main()
